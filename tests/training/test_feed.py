import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError, DataError
from study_classification.training.feed import _fitting_batch_size


def fitting(batch_size, num_examples, num_devices, parts=1):
    config = default.get_config()
    config.batch_size, config.accumulate_steps = batch_size, parts
    return _fitting_batch_size(config, num_examples, num_devices)


def test_a_batch_has_no_more_examples_than_there_are_and_is_shared_evenly():
    assert [fitting(8, 8, 2), fitting(8, 7, 2), fitting(8, 7, 2, 2)] == [8, 6, 4]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((10, 100, 4), ConfigError, "batch_size 10 cannot be split over 4 devices"),
        ((8, 100, 4, 4), ConfigError, "accumulate_steps is 4, but batch_size 8 on 4 devices"),
        ((8, 3, 4), DataError, "there are 3 training pictures for 4 devices"),
    ],
)
def test_what_devices_cannot_share(arguments, kind, message):
    """The first two are settings (exit code 2); the third is too few data (3)."""
    with pytest.raises(kind, match=message):
        fitting(*arguments)
