"""The trials of a study as a table and as images; matplotlib without pyplot: no window system, no global state."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from study_classification.reports.curves import TRAIN_COLOUR, VALIDATION_COLOUR, save_figure
from study_classification.system.console import display_width, pad


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns: the first to the left, the others to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    aligns = "<" + ">" * (len(header) - 1)
    return "\n".join("  " + "  ".join(map(pad, line, widths, aligns)).rstrip() for line in lines)


def draw_history(
    complete: Mapping[int, float], pruned: Mapping[int, float], higher_is_better: bool, monitor: str, file: Path
) -> None:
    """Draws the values of the trials by their numbers, and the best one so far, of at least one complete trial.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    best: list[float] = []
    for _, value in sorted(complete.items()):
        best.append((max if higher_is_better else min)([*best[-1:], value]))
    axes.step(sorted(complete), best, where="post", color=VALIDATION_COLOUR, label="best so far")
    axes.plot(list(complete), list(complete.values()), "o", color=TRAIN_COLOUR, label="complete")
    if pruned:
        axes.plot(list(pruned), list(pruned.values()), "x", color="grey", label="pruned")
    axes.set(xlabel="trial", ylabel=monitor, title="trials in their order")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, file)


def draw_importances(importances: Mapping[str, float], monitor: str, file: Path) -> None:
    """Draws the share of each field as a bar, the largest on top.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1.5 + 0.4 * len(importances)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(list(importances), list(importances.values()), color=TRAIN_COLOUR)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.invert_yaxis()
    axes.set(
        xlabel=f"share in the variance of {monitor}", ylabel="field", title="importance of the fields", xlim=(0, 1.1)
    )
    save_figure(figure, file)


def draw_settings(values: Mapping[str, Sequence[float]], means: Mapping[str, float], monitor: str, file: Path) -> None:
    """Draws, for each of the named settings, a dot a run and a line at their mean.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1.5 + 0.4 * len(values)), layout="constrained")
    axes = figure.subplots()
    for place, (name, runs) in enumerate(values.items()):
        axes.plot(runs, [place] * len(runs), "o", color=TRAIN_COLOUR, alpha=0.6, label="" if place else "a run")
        axes.plot(
            [means[name]],
            [place],
            "|",
            color=VALIDATION_COLOUR,
            markersize=18,
            markeredgewidth=2,
            label="" if place else "mean",
        )
    axes.set(xlabel=monitor, ylabel="settings", title="settings and their runs")
    axes.set_yticks(range(len(values)), list(values))
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.grid(alpha=0.3, axis="x")
    axes.legend()
    save_figure(figure, file)
