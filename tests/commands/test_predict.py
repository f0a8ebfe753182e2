import pytest

from study_classification.commands.predict import read_shard
from study_classification.errors import ConfigError


def test_a_shard_is_its_index_and_their_number():
    assert [read_shard(text) for text in ("0/1", "0/4", "3/4", "11/12")] == [(0, 1), (0, 4), (3, 4), (11, 12)]


@pytest.mark.parametrize(
    "text",
    ["", "3", "4/4", "5/4", "0/0", "-1/4", "1/-4", "1.0/4", "a/b", "1/4/2", " 1/4", "1/4\n", "1" * 5000 + "/4", "²/4"],
)
def test_a_shard_that_there_is_not(text):
    with pytest.raises(ConfigError, match="must be I/N with I from 0 to N-1") as raised:
        read_shard(text)
    assert raised.value.exit_code == 2
