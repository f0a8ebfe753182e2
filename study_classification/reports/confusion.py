"""The confusion table as an image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int

from study_classification.reports.curves import save_figure
from study_classification.reports.lettering import drawable


def draw_confusion(
    counts: Int[np.ndarray, "classes classes"], class_names: Sequence[str], title: str, file: Path
) -> None:
    """Draws how many examples of each true class (rows) are called what (columns); colours are shares of the row.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    number, names = len(class_names), [drawable(name, 16) for name in class_names]
    side = 2.6 + 0.55 * max(number, 3)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(number):
        for column in range(number):
            colour = "white" if shares[row, column] > 0.5 else ("black" if counts[row, column] else "#b0b0b0")
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=colour)
    long = max(map(len, names)) > 6 and number > 3
    axes.set_xticks(range(number), names, rotation=45 if long else 0, ha="right" if long else "center")
    axes.set_yticks(range(number), names)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title(title, fontsize=11)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    save_figure(figure, file)
