"""A regression, number by number: what was predicted against what is true, and what is left between both."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from study_classification.reports.curves import TRAIN_COLOUR, VALIDATION_COLOUR
from study_classification.reports.lettering import drawable, lettered, wording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 1000  # examples that are drawn, at most


@lettered
def plot_predicted(labels: Float[np.ndarray, " n"], predictions: Float[np.ndarray, " n"], target: str) -> "Figure":
    """A dot an example, on the diagonal where it is right; at most `DOTS`, taken evenly."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.4), layout="constrained")
    axes, some = figure.subplots(), _some(len(labels))
    low, high = (float(each([labels.min(), predictions.min(), labels.max(), predictions.max()])) for each in (min, max))
    axes.plot([low, high], [low, high], color="grey", linestyle=":", label=wording("right"))
    axes.plot(
        labels[some], predictions[some], "o", color=TRAIN_COLOUR, alpha=0.6, markersize=4, label=wording("an example")
    )
    name = drawable(target)
    axes.set(xlabel=wording("true {}", name), ylabel=wording("predicted {}", name))
    axes.set_title(wording("predicted against true"))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return figure


@lettered
def plot_residuals(labels: Float[np.ndarray, " n"], predictions: Float[np.ndarray, " n"], target: str) -> "Figure":
    """Predicted less true by what is predicted, and how often each comes. A pattern is something not yet learnt."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 4.4), layout="constrained")
    axes, beside = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
    some, residuals = _some(len(labels)), predictions - labels
    axes.axhline(0, color="grey", linestyle=":")
    axes.plot(predictions[some], residuals[some], "o", color=TRAIN_COLOUR, alpha=0.6, markersize=4)
    axes.set(xlabel=wording("predicted {}", drawable(target)), ylabel=wording("predicted less true"))
    axes.set_title(wording("residuals"))
    beside.hist(residuals, bins=min(30, max(5, len(labels) // 5)), orientation="horizontal", color=VALIDATION_COLOUR)
    beside.set(xlabel=wording("examples"))
    for each in (axes, beside):
        each.grid(alpha=0.3)
    return figure


def _some(count: int) -> Int[np.ndarray, " k"]:
    return np.unique(np.linspace(0, count - 1, min(count, DOTS)).round().astype(int))
