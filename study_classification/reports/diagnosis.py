"""What a finished training means for the person who looks on: a warning where there is one, and what to do next."""

import math
import shlex
import shutil
import sys
from pathlib import Path

from study_classification.runs.history import History

GAP = 0.1  # between the accuracies of training and validation, from which it is called over-fitting
RATIO = 2  # of the mean absolute errors of validation and training, likewise
CURE = {
    "from_scratch": "begin with a network that others have trained (configs/photos.py), add pictures, or strengthen "
    "augment.* and model.dropout",
    "transfer_learning": "add pictures, or raise optimizer.weight_decay or feature_cache.views",
    "fine_tuning": "add pictures, strengthen augment.*, lower optimizer.learning_rate, or take transfer_learning",
}
CURE_OF_ROWS = "add {}, take a smaller network (model.hidden), or strengthen model.dropout and optimizer.l2"


def overfitting(history: History, learning: str, num_validation: int, noun: str = "pictures") -> str:
    """One sentence if the last epoch shows over-fitting, else ''; only of what is measured by accuracy or mean error.

    It is called so where training accuracy is above validation accuracy by more than GAP and by more than two standard
    errors of the latter, or where the mean absolute error of validation is more than RATIO times that of training.

    Args:
        history: of the run, with at least one epoch.
        learning: `from_scratch`, `transfer_learning` or `fine_tuning`.
        num_validation: how many examples were validated.
        noun: what these are called.
    """
    last = history.epochs[-1]
    if "mae" in last.val:
        return _overfitting_of_numbers(last.train["mae"], last.val["mae"], learning, noun)
    train, val = (values.get("accuracy", 0.0) for values in (last.train, last.val))
    error = math.sqrt(val * (1 - val) / num_validation)
    if train - val <= max(GAP, 2 * error):
        return ""
    return (
        f"Over-fitting: at the end {train:.1%} of the training {noun} were right and only "
        f"{val:.1%} of the validation {noun}, so the network has learnt its {noun} by heart: "
        f"{_cure(learning, noun)}"
    )


def _overfitting_of_numbers(train: float, val: float, learning: str, noun: str) -> str:
    if val <= RATIO * train:
        return ""
    return (
        f"Over-fitting: at the end the numbers of the training {noun} were wrong by {train:.4g} on average and those "
        f"of the validation {noun} by {val:.4g}, so the network has learnt its {noun} by heart: {_cure(learning, noun)}"
    )


def _cure(learning: str, noun: str) -> str:
    return CURE[learning] if noun == "pictures" else CURE_OF_ROWS.format(noun)


def next_steps(workdir: Path, curves: Path, noun: str = "pictures") -> str:
    """Where the curves are, and the commands to evaluate and to use the network of a run."""
    command, run = program(), shlex.quote(str(workdir))
    yours, file = ("a picture", "PICTURE.jpg") if noun == "pictures" else (noun, "FILE.csv")
    steps = {
        "look at the curves": curves,
        f"on unseen {noun}": f"{command} evaluate --workdir={run}",
        f"on {yours} of yours": f"{command} predict --workdir={run} {file}",
    }
    return "\n".join(["Next:", *(f"  {what:<24}{how}" for what, how in steps.items())])


def program() -> str:
    """The command that runs this program, as it can be typed where the user is."""
    name = Path(sys.argv[0])
    if name.stem == "study-classification":
        return name.name if shutil.which(name.name) == str(name.absolute()) else shlex.quote(_from_here(name))
    python = Path(sys.executable)
    python_name = python.name if shutil.which(python.name) == str(python) else shlex.quote(_from_here(python))
    return f"{python_name} -m study_classification.main"


def _from_here(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_absolute() and file.is_relative_to(here) else file)
