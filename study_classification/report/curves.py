"""The learning curves: loss and accuracy of training and validation by epoch."""

from collections.abc import Sequence
from pathlib import Path

from study_classification.errors import EnvironmentFault
from study_classification.history import Epoch

TRAIN_COLOUR, VALIDATION_COLOUR = "#2a6fbb", "#d1601f"


def draw_curves(epochs: Sequence[Epoch], best: int | None, file: Path) -> None:
    """Draws curves.png; nothing if no epoch has been completed.

    Args:
        epochs: the rows of history.csv.
        best: which of them was the best.
        file: where to write the PNG.
    """
    if not epochs:
        return
    from matplotlib.figure import Figure  # without pyplot: no window system, no global state

    figure = Figure(figsize=(10, 4), layout="constrained")
    numbers = [row.epoch for row in epochs]
    marker = "o" if len(epochs) < 3 else None
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for split, label, colour in (("train", "training", TRAIN_COLOUR), ("val", "validation", VALIDATION_COLOUR)):
            values = [getattr(row, f"{split}_{name}") for row in epochs]
            axes.plot(numbers, values, label=label, color=colour, marker=marker)
        if best is not None:
            axes.axvline(epochs[best].epoch, color="grey", linestyle=":", label=f"best: epoch {epochs[best].epoch}")
        axes.set(xlabel="epoch", title=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    try:
        figure.savefig(file, dpi=100)
    except OSError as error:
        raise EnvironmentFault(f"{file} cannot be written: {error.strerror}") from None
