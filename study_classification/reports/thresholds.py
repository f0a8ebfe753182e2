"""One class against all others at every threshold: ROC and precision-recall curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from study_classification.reports.lettering import drawable, lettered, wording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEW = 6  # classes, up to which each has a curve
HARDEST = 4  # that have one where there are more
MEAN = "mean of all classes"
_GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve of a class, and the area under it."""

    x: Float[np.ndarray, " k"]
    y: Float[np.ndarray, " k"]
    area: float


def roc_curves(
    probabilities: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, " n"], class_names: Sequence[str]
) -> dict[str, Curve]:
    """By name, the ROC curve of each class that some examples have and others have not: false, true positive rate."""

    def curve(positive: np.ndarray, scores: np.ndarray) -> Curve:
        false, true, _ = roc_curve(positive, scores)
        return Curve(false, true, float(roc_auc_score(positive, scores)))

    return _curves(curve, probabilities, labels, class_names)


def precision_recall_curves(
    probabilities: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, " n"], class_names: Sequence[str]
) -> dict[str, Curve]:
    """Likewise recall and precision, with the average precision."""

    def curve(positive: np.ndarray, scores: np.ndarray) -> Curve:
        precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
        return Curve(recall[::-1], precision[::-1], float(average_precision_score(positive, scores)))

    return _curves(curve, probabilities, labels, class_names)


def _curves(curve, probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> dict[str, Curve]:
    found = {}
    for number, name in enumerate(class_names):
        positive = labels == number
        if 0 < positive.sum() < len(labels):
            found[name] = curve(positive, probabilities[:, number])
    return found


def shown_curves(curves: Mapping[str, Curve], positive: str = "") -> dict[str, Curve]:
    """The curves that a figure has room for.

    Of two classes that is the one of the positive class, for the other says the same; of few all; of many the mean, on
    a grid of x, and those of the least areas.
    """
    if len(curves) == 2:
        name = positive if positive in curves else list(curves)[-1]
        return {name: curves[name]}
    if len(curves) <= FEW:
        return dict(curves)
    mean = np.mean([np.interp(_GRID, each.x, each.y) for each in curves.values()], axis=0)
    area = float(np.mean([each.area for each in curves.values()]))
    hardest = sorted(curves, key=lambda name: curves[name].area)[:HARDEST]
    return {MEAN: Curve(_GRID, mean, area)} | {name: curves[name] for name in hardest}


@lettered
def plot_roc(shown: Mapping[str, Curve]) -> "Figure":
    """ROC curves; the diagonal is what guessing gives."""
    figure, axes = _plot(shown, "AUC")
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", zorder=0)
    axes.set(
        xlabel=wording("false positive rate"), ylabel=wording("true positive rate (recall)"), title=wording("ROC curve")
    )
    return figure


@lettered
def plot_precision_recall(shown: Mapping[str, Curve]) -> "Figure":
    """Precision by recall."""
    figure, axes = _plot(shown, "AP")
    axes.set(xlabel=wording("recall"), ylabel=wording("precision"), title=wording("precision and recall"))
    return figure


def _plot(shown: Mapping[str, Curve], area: str):
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    for number, (name, each) in enumerate(shown.items()):
        colour = "black" if name == MEAN else colormaps["tab10"](number % 10)
        label = f"{wording(MEAN) if name == MEAN else drawable(name, 20)}: {area} {each.area:.3f}"
        axes.plot(each.x, each.y, color=colour, label=label, linewidth=2 if name == MEAN else 1.3)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    figure.legend(fontsize=8, loc="outside lower center", ncols=1 + (len(shown) > 2))
    return figure, axes
