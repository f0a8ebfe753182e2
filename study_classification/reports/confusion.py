"""The confusion matrix, as an image and as a list."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from study_classification.reports.figures import save_figure
from study_classification.reports.lettering import drawable, lettered, wording
from study_classification.system.console import display_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUMBERED, WITH_SHARES = 20, 10  # classes up to which a cell has its count; and the share of its row
NAMED = 150  # up to which classes are named


def draw_confusion(
    counts: Int[np.ndarray, "classes classes"], class_names: Sequence[str], title: str, file: Path
) -> None:
    """Writes `plot_confusion` as PNG.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    save_figure(plot_confusion(counts, class_names, title), file)


def confusion_title(counts: Int[np.ndarray, "classes classes"], split: str, noun: str) -> str:
    """How many of the split are right."""
    return wording("{} of {} {} {} right", f"{np.trace(counts):,}", f"{counts.sum():,}", split, noun)


@lettered
def plot_confusion(counts: Int[np.ndarray, "classes classes"], class_names: Sequence[str], title: str) -> "Figure":
    """How many examples of each true class (rows) are called what (columns); colours are shares of the row.

    Of more than `NUMBERED` classes there are colours alone, see `largest_confusions`.
    """
    from matplotlib.figure import Figure

    number = len(class_names)
    cell = 0.62 if number <= WITH_SHARES else 0.5 if number <= NUMBERED else max(0.16, 9 / number)
    whole = min(cell * max(number, 3), 12)
    side = 2.4 + whole
    size = min(10, 48 * whole / number)  # points: two thirds of a cell
    figure = Figure(figsize=(side + 0.6, side), layout="compressed")  # constrained, for axes of equal sides
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    for row, column in np.ndindex(counts.shape) if number <= NUMBERED else ():
        colour = "white" if shares[row, column] > 0.5 else ("black" if counts[row, column] else "#b0b0b0")
        text = f"{counts[row, column]:,}"
        if number <= WITH_SHARES and counts[row, column]:
            text += f"\n{shares[row, column]:.0%}"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    if number <= NAMED:
        names = [drawable(name, 16 if number <= NUMBERED else 24) for name in class_names]
        long = max(map(display_width, names)) > 6 and number > 3
        turn = 90 if number > NUMBERED else 45 if long else 0
        axes.set_xticks(range(number), names, rotation=turn, ha="right" if turn == 45 else "center", fontsize=size)
        axes.set_yticks(range(number), names, fontsize=size)
    axes.set(xlabel=wording("predicted class"), ylabel=wording("true class"))
    axes.set_title(title, fontsize=11)
    figure.colorbar(image, ax=axes, label=wording("share of the true class"), fraction=0.046, pad=0.02)
    return figure


def largest_confusions(
    counts: Int[np.ndarray, "classes classes"], class_names: Sequence[str], most: int = 10
) -> list[tuple[str, str, int, float]]:
    """True class, predicted class, count and share of the true class: the mistakes that are made most often first."""
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    support = np.maximum(counts.sum(axis=1), 1)
    places = np.argsort(-wrong, axis=None, kind="stable")[:most]
    return [
        (class_names[row], class_names[column], int(wrong[row, column]), float(wrong[row, column] / support[row]))
        for row, column in (divmod(place, len(counts)) for place in places.tolist())
        if wrong[row, column]
    ]
