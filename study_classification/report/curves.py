"""The learning curves: loss and accuracy of training and validation by epoch."""

from pathlib import Path

from study_classification.errors import EnvironmentFault
from study_classification.history import History

TRAIN_COLOUR, VALIDATION_COLOUR = "#2a6fbb", "#d1601f"


def draw_curves(history: History, file: Path) -> None:
    """Draws curves.png of the epochs of a run, of which there is at least one.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure  # without pyplot: no window system, no global state

    figure = Figure(figsize=(10, 4), layout="constrained")
    epochs, best = history.epochs, history.epochs[history.best]
    numbers = [row.epoch for row in epochs]
    marker = "o" if len(epochs) < 3 else None
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for split, label, colour in (("train", "training", TRAIN_COLOUR), ("val", "validation", VALIDATION_COLOUR)):
            values = [getattr(row, f"{split}_{name}") for row in epochs]
            axes.plot(numbers, values, label=label, color=colour, marker=marker)
        axes.axvline(best.epoch, color="grey", linestyle=":", label=f"best: epoch {best.epoch}")
        axes.set(xlabel="epoch", title=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    try:
        figure.savefig(file, dpi=100)
    except OSError as error:
        raise EnvironmentFault(f"{file} cannot be written: {error.strerror}") from None
