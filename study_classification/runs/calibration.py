"""The temperature of a run, by which its probabilities are mended; see `reports/calibration.py`."""

import math
from pathlib import Path

from study_classification.errors import ConfigError
from study_classification.runs.json_files import damaged, read_json
from study_classification.system.files import write_json

CALIBRATION = "calibration.json"


def write_temperature(workdir: Path, temperature: float, step: int, errors: tuple[float, float], examples: int) -> None:
    """Writes calibration.json.

    Args:
        workdir: of the run.
        temperature: that all logits are divided by.
        step: of the checkpoint that it was fitted for.
        errors: the expected calibration errors of validation before and after.
        examples: how many it was fitted on.

    Raises:
        EnvironmentFault: if it cannot be written.
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
        ConfigError: if none is stored, or that of another checkpoint.
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
