"""Points on a plane, coloured by class, as an image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from study_classification.reports.figures import save_figure
from study_classification.reports.learned import CLASS_COLOURS
from study_classification.reports.lettering import drawable, lettered, wording
from study_classification.system.console import display_width

# With 8 colours there are 64 kinds of points. A class of many beyond them would be told from none.
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
NAMED = len(CLASS_COLOURS) * len(MARKERS)
IN_A_LINE = 108  # letters of a legend


@lettered
def draw_embeddings(
    places: Float[np.ndarray, "n 2"], labels: Int[np.ndarray, " n"], class_names: Sequence[str], title: str, file: Path
) -> None:
    """Draws the points; the legend names each class that has some, or the NAMED largest ones, and the rest is grey.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    counts = np.bincount(labels, minlength=len(class_names))
    largest = np.sort(np.argsort(-counts, kind="stable")[: min(NAMED, np.count_nonzero(counts))])
    names = {int(label): drawable(class_names[label], 20) for label in largest}
    widest = max(map(display_width, names.values()))
    columns = min(len(names), max(1, IN_A_LINE // (widest + 6)))
    lines = -(-(len(names) + 1) // columns)
    figure = Figure(figsize=(9, 7 + 0.19 * lines), layout="constrained")
    axes = figure.subplots()
    size = 40 if len(labels) < 500 else 18
    rest = ~np.isin(labels, largest)
    if rest.any():
        others = len(np.unique(labels[rest]))
        axes.scatter(
            places[rest, 0],
            places[rest, 1],
            s=size / 2,
            color="#c8c8c8",
            label=wording("{} smaller classes", others),
            linewidths=0,
        )
    for number, (label, name) in enumerate(names.items()):
        axes.scatter(
            places[labels == label, 0],
            places[labels == label, 1],
            s=size,
            color=CLASS_COLOURS[number % len(CLASS_COLOURS)],
            marker=MARKERS[number // len(CLASS_COLOURS)],
            label=name,
            alpha=0.75,
            linewidths=0,
        )
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=11)
    figure.legend(loc="outside lower center", ncols=columns, fontsize=8.5, columnspacing=1.2, handletextpad=0.2)
    save_figure(figure, file)
