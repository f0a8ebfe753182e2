import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError
from study_classification.studies.space import Choice, Range, checked_space, suggested


def test_ends_and_values_take_the_types_of_their_fields():
    space = {
        "batch_size": Range(8, 64, log=True),
        "optimizer.learning_rate": Range(0, 1),
        "model.hidden": Choice([8], (8, 4)),
    }
    config = default.get_config()
    config.model.name = "mlp"
    assert checked_space(space, config) == {
        "batch_size": Range(8, 64, True),
        "optimizer.learning_rate": Range(0.0, 1.0),
        "model.hidden": Choice((8,), (8, 4)),
    }


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        (None, "search_space() gives None, but must give a dict of fields"),
        ({}, "search_space() gives {}, but must give a dict of fields"),
        ({"batch_sise": Choice(8)}, "did you mean batch_size?"),
        ({"batch_size": (8, 16)}, "give Range(low, high), or Choice(value, ...)"),
        ({"batch_size": Range(8, 16.5)}, "batch_size the value 16.5, but it must be a whole number"),
        ({"batch_size": Range(16, 8)}, "the Range from 16 to 8: the second must be the larger"),
        ({"batch_size": Range(8, 8)}, "the Range from 8 to 8: the second must be the larger"),
        ({"ema_decay": Range(0, float("nan"))}, "the second must be the larger"),
        ({"ema_decay": Range(0, 0.9, log=True)}, "a Range with log from 0.0: it must begin above 0"),
        ({"optimizer.name": Range(0, 1)}, "gives optimizer.name a Range, but it is no number"),
        ({"batch_size": Choice()}, "gives batch_size Choice(values=()): give Choice(value, ...), each value once"),
        ({"batch_size": Choice(8, 8)}, "each value once"),
        (
            {"model.hidden": Choice((8,), ("a",))},
            "search_space(): model.hidden is a, but must be whole numbers, such as",
        ),
        ({"model.hidden": Choice([[8]], [4])}, "search_space(): model.hidden is [8], but must be whole numbers"),
        ({"batch_size": Choice("8")}, "batch_size the value '8', but it must be a whole number"),
        ({"optimizer.momentum": Range(0, 0.9)}, "optimizer.momentum is set, but optimizer.name is adam: it belongs to"),
    ],
)
def test_what_makes_no_space_is_refused(space, sentence):
    with pytest.raises(ConfigError) as raised:
        checked_space(space, default.get_config())
    assert sentence in str(raised.value)


def test_a_field_may_depend_on_another_one_that_is_searched():
    space = {"optimizer.momentum": Range(0, 0.9), "optimizer.name": Choice("sgd", "schedule_free")}
    assert list(checked_space(space, default.get_config())) == list(space)


class Highest:
    """A trial that suggests the last value of each."""

    def suggest_categorical(self, name, choices):
        return choices[-1]

    def suggest_int(self, name, low, high, log):
        return int, high, log

    def suggest_float(self, name, low, high, log):
        return float, high, log


def test_what_a_trial_suggests_becomes_settings():
    space = {"a": Range(1, 3), "b": Range(1.0, 3.0, True), "c": Choice((8,), (8, 4)), "d": Choice("x", "y")}
    assert suggested(space, Highest()) == {"a": (int, 3, False), "b": (float, 3.0, True), "c": (8, 4), "d": "y"}
