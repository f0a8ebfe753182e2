import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError
from study_classification.studies.settings import describe, fitting, with_settings


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("optimizer.learning_rate", 1, 1.0),
        ("model.hidden", [8, 4], (8, 4)),
        ("batch_size", 16, 16),
        ("model.head.fitted", True, True),
    ],
)
def test_a_value_takes_the_type_of_its_field(field, value, expected):
    fitted = fitting(field, value, default.get_config(), "sweep()")
    assert (fitted, type(fitted)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        (
            "optimizer.lerning_rate",
            0.1,
            "sweep() names the field 'optimizer.lerning_rate', which the config does not have: "
            "did you mean optimizer.learning_rate?",
        ),
        ("learning_rate", 0.1, "did you mean optimizer.learning_rate?"),
        ("early_stopping", 3, "it is a group of early_stopping.min_delta, early_stopping.patience"),
        (3, 3, "names the field '3'"),
        ("batch_size", 16.0, "sweep() gives batch_size the value 16.0, but it must be a whole number"),
        ("batch_size", True, "the value True, but it must be a whole number"),
        ("model.hidden", 8, "the value 8, but it must be values separated by commas"),
    ],
)
def test_other_values_are_refused(field, value, sentence):
    with pytest.raises(ConfigError) as raised:
        fitting(field, value, default.get_config(), "sweep()")
    assert sentence in str(raised.value)


def test_settings_change_a_copy():
    config = default.get_config()
    changed = with_settings(config, {"optimizer.learning_rate": 0.123456, "model.hidden": (8, 4)})
    assert (changed.optimizer.learning_rate, changed.model.hidden) == (0.123456, (8, 4))
    assert config.optimizer.learning_rate == 1e-3
    settings = {"optimizer.learning_rate": 0.123456, "model.hidden": (8, 4), "model.head.hidden": ()}
    assert describe(settings) == "optimizer.learning_rate=0.1235 model.hidden=8,4 model.head.hidden=()"
