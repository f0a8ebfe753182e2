import json

import pytest

from study_classification.errors import ConfigError, RunError
from study_classification.runs.calibration import read_temperature, write_temperature


def test_a_temperature_is_that_of_its_checkpoint(tmp_path):
    write_temperature(tmp_path, 1.5, 20, (0.1, 0.02), 99)
    assert read_temperature(tmp_path, 20) == 1.5
    assert json.loads((tmp_path / "calibration.json").read_text()) == {
        "temperature": 1.5,
        "checkpoint_step": 20,
        "split": "validation",
        "examples": 99,
        "expected_calibration_error": {"before": 0.1, "after": 0.02},
    }
    with pytest.raises(ConfigError, match="is that of step 20, not of step 10: take --checkpoint=best"):
        read_temperature(tmp_path, 10)


def test_where_none_is_stored_the_command_is_named_that_makes_it(tmp_path):
    with pytest.raises(ConfigError, match=f"report --workdir={tmp_path} makes it"):
        read_temperature(tmp_path, 10)


def test_a_temperature_of_no_checkpoint_is_that_of_none(tmp_path):
    (tmp_path / "calibration.json").write_text(json.dumps({"temperature": 1.5}))
    with pytest.raises(ConfigError, match="is that of step None, not of step 10"):
        read_temperature(tmp_path, 10)


@pytest.mark.parametrize("temperature", [None, "1.5", 0.0, -1.0])
def test_a_damaged_file_is_named(tmp_path, temperature):
    (tmp_path / "calibration.json").write_text(json.dumps({"temperature": temperature, "checkpoint_step": 10}))
    with pytest.raises(RunError, match="it has no temperature above 0: report makes it anew"):
        read_temperature(tmp_path, 10)
