"""The temperature of a run, which mends its probabilities; see `reports/calibration.py`."""

import math
from pathlib import Path

from study_classification.errors import ConfigError
from study_classification.runs.json_files import damaged, read_json
from study_classification.system.files import write_json

CALIBRATION = "calibration.json"


def write_temperature(workdir: Path, temperature: float, step: int, errors: tuple[float, float], examples: int) -> None:
    """Writes calibration.json.

    Args:
        workdir: the run directory.
        temperature: the number by which all logits are divided.
        step: the step of the checkpoint for which it was fitted.
        errors: the expected calibration errors on validation, before and after.
        examples: the number of examples on which it was fitted.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    content = {
        "temperature": temperature,
        "checkpoint_step": step,
        "split": "validation",
        "examples": examples,
        "expected_calibration_error": {"before": errors[0], "after": errors[1]},
    }
    write_json(workdir / CALIBRATION, content)


def read_temperature(workdir: Path, step: int) -> float:
    """The temperature of the checkpoint of this step.

    Raises:
        ConfigError: if no temperature is stored, or only that of another checkpoint.
        RunError: if the file is damaged.
    """
    file = workdir / CALIBRATION
    if not file.exists():
        raise ConfigError(
            f"{workdir} has no {CALIBRATION}, which has the temperature of its probabilities: report "
            f"--workdir={workdir} makes it"
        )
    remedy = "report makes it anew"
    content = read_json(file, remedy=remedy)
    temperature = content.get("temperature")
    if not isinstance(temperature, float) or not 0 < temperature < math.inf:
        raise damaged(file, "it has no temperature above 0", remedy)
    if content.get("checkpoint_step") != step:
        raise ConfigError(
            f"the temperature in {file} is that of step {content.get('checkpoint_step')}, not of step {step}: take "
            "--checkpoint=best"
        )
    return temperature
