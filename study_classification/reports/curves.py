"""The learning curves, loss and measures of training and validation by epoch, and the curve of the rate finder."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from study_classification.reports.figures import save_figure
from study_classification.reports.lettering import lettered, wording
from study_classification.runs.history import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW = 3  # epochs, below which each has a dot
TRAIN_COLOUR, VALIDATION_COLOUR = "#2a6fbb", "#d1601f"


@lettered
def draw_curves(history: History, file: Path) -> None:
    """Draws curves.png of the epochs of a run, of which there is at least one.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure  # without pyplot: no window system, no global state

    names = list(history.epochs[0].val)
    figure = Figure(figsize=(5 * len(names), 4), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        _plot_measure(axes, history, name)
    _leave_legend(figure)
    save_figure(figure, file)


@lettered
def plot_curve(history: History, name: str) -> "Figure":
    """The loss or one measure by epoch."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6, 3.0), layout="constrained")
    _plot_measure(figure.subplots(), history, name)
    _leave_legend(figure)
    return figure


@lettered
def plot_rates(history: History) -> "Figure":
    """The learning rate at the end of each epoch."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(3.6, 3.0), layout="constrained")
    axes, rates = figure.subplots(), [row.learning_rate for row in history.epochs]
    marker = "o" if len(rates) < FEW else None
    axes.plot([row.epoch for row in history.epochs], rates, color=TRAIN_COLOUR, marker=marker)
    axes.set(xlabel=wording("epoch"), title=wording("learning rate"))
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    return figure


def _plot_measure(axes: "Axes", history: History, name: str) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs, best = history.epochs, history.epochs[history.best]
    numbers = [row.epoch for row in epochs]
    marker = "o" if len(epochs) < FEW else None
    train, val = ([getattr(row, split)[name] for row in epochs] for split in ("train", "val"))
    axes.plot(numbers, train, label=wording("training"), color=TRAIN_COLOUR, marker=marker)
    axes.plot(numbers, val, label=wording("validation"), color=VALIDATION_COLOUR, marker=marker)
    axes.axvline(best.epoch, color="grey", linestyle=":", label=wording("best: epoch {}", best.epoch))
    axes.set(xlabel=wording("epoch"), title=wording(name))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def _leave_legend(figure: "Figure") -> None:
    """One for all axes, below them, where it hides no curve."""
    lines = figure.axes[0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside lower center", ncols=3, fontsize=8.5, columnspacing=1.0, handlelength=1.5)


@lettered
def draw_learning_rates(
    rates: Float[np.ndarray, " n"],
    losses: Float[np.ndarray, " n"],
    curve: Float[np.ndarray, " n"],
    place: int | None,
    file: Path,
) -> None:
    """Draws lr_find.png: the losses at rising rates, smoothed ones as well, and the suggested rate, if there is one.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.semilogx(rates, losses, label=wording("loss"), color=TRAIN_COLOUR, alpha=0.35)
    axes.semilogx(rates, curve, label=wording("smoothed"), color=TRAIN_COLOUR)
    if place is not None:
        axes.axvline(rates[place], color="grey", linestyle=":", label=wording("suggested: {}", f"{rates[place]:.1e}"))
    axes.set(xlabel=wording("learning rate"), title=wording("loss at rising learning rates"))
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, file)
