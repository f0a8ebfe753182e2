"""Whether probabilities are what they say: reliability, its error, and the temperature that mends it.

Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, On calibration of modern neural networks, arXiv:1706.04599.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from study_classification.reports.curves import TRAIN_COLOUR, VALIDATION_COLOUR
from study_classification.reports.lettering import lettered, wording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 15  # of equal width, as in the paper
RANGE = (0.05, 20.0)  # of temperatures


@dataclass(frozen=True)
class Reliability:
    """Predictions by their probability, in bins of equal width from 0 to 1.

    Attributes:
        counts: how many are in each bin.
        confidence: their mean probability, 0 of an empty bin.
        accuracy: the share of right ones, likewise.
    """

    counts: Int[np.ndarray, " bins"]
    confidence: Float[np.ndarray, " bins"]
    accuracy: Float[np.ndarray, " bins"]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean difference of both, weighed by the counts."""
        return float((self.counts * np.abs(self.confidence - self.accuracy)).sum() / self.counts.sum())


def reliability(
    probabilities: Float[np.ndarray, " n"], is_right: Bool[np.ndarray, " n"], bins: int = BINS
) -> Reliability:
    """The reliability of predictions, by the probability of the predicted class and whether it was right."""
    place = np.clip(np.ceil(probabilities * bins).astype(int) - 1, 0, bins - 1)  # bins are open at their lower end
    counts = np.bincount(place, minlength=bins)
    sums = (np.bincount(place, weights=values, minlength=bins) for values in (probabilities, is_right))
    confidence, accuracy = (values / np.maximum(counts, 1) for values in sums)
    return Reliability(counts, confidence, accuracy)


def at_temperature(log_probabilities: Float[np.ndarray, "n classes"], temperature: float) -> np.ndarray:
    """Log-probabilities as they are after all logits were divided by the temperature.

    Logits and log-probabilities differ by a number for each example, which a softmax does not see.
    """
    scaled = log_probabilities.astype(np.float64) / temperature
    return scaled - np.logaddexp.reduce(scaled, axis=-1, keepdims=True)


def fit_temperature(log_probabilities: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, " n"]) -> float:
    """The temperature of the least cross-entropy, within `RANGE`: above 1, where the network is too sure of itself."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))

    def loss(logarithm: float) -> float:
        return -float(at_temperature(log_probabilities, np.exp(logarithm))[rows, labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=np.log(RANGE), method="bounded").x))


@lettered
def plot_reliability(before: Reliability, after: Reliability, temperature: float) -> "Figure":
    """The share of right predictions by their probability, as they are and at the temperature, and how many there are.

    A dot is a bin, the larger, the more predictions it holds. The nearer to the diagonal, the better a probability can
    be believed.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 5.2), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label=wording("as good as its word"))
    for found, label, colour in (
        (before, wording("as it is: error {}", f"{before.error:.1%}"), TRAIN_COLOUR),
        (after, wording("at temperature {}: error {}", f"{temperature:.2f}", f"{after.error:.1%}"), VALIDATION_COLOUR),
    ):
        some = found.counts > 0
        sizes = 12 + 150 * found.counts[some] / found.counts.sum()
        axes.scatter(
            found.confidence[some], found.accuracy[some], sizes, color=colour, alpha=0.7, label=label, clip_on=False
        )
    axes.set(
        ylabel=wording("share of right predictions"), title=wording("reliability"), xlim=(0, 1), ylim=(-0.03, 1.03)
    )
    axes.grid(alpha=0.3)
    figure.legend(fontsize=8, loc="outside lower center", markerscale=0.6)
    edges = np.linspace(0, 1, len(before.counts) + 1)
    below.stairs(before.counts, edges, fill=True, color=TRAIN_COLOUR, alpha=0.6)
    below.set(xlabel=wording("probability of the predicted class"), ylabel=wording("examples"))
    below.grid(alpha=0.3)
    return figure
