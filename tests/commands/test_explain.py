import pytest

from study_classification.commands import VERBS, explain
from study_classification.commands.arguments import read_arguments
from study_classification.commands.flags import parse_flags
from study_classification.commands.verb import Given
from study_classification.errors import ConfigError


def test_it_says_what_is_missing():
    with pytest.raises(ConfigError, match="explain needs --layers, what its layers make of a picture"):
        parse_flags(read_arguments(["explain", "--workdir=x"], VERBS), VERBS)
    given = parse_flags(read_arguments(["explain", "--layers", "a.png", "--workdir=x", "--lang=en"], VERBS), VERBS)
    assert given.inputs == ("a.png",) and given.values["layers"]


def test_one_picture_at_a_time():
    with pytest.raises(ConfigError, match="explain --layers takes one picture, not 2"):
        explain.run(Given({"workdir": "x", "layers": True, "checkpoint": "best"}, ("a.png", "b.png")))
