"""The trials of a study as a table and as images; matplotlib without pyplot: no window system, no global state."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from study_classification.reports.curves import TRAIN_COLOUR, VALIDATION_COLOUR
from study_classification.reports.figures import save_figure
from study_classification.reports.lettering import drawable, lettered, wording
from study_classification.runs.history import Epoch
from study_classification.system.console import display_width, pad

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_LABEL = 60  # signs of a setting's name in a legend


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns: the first to the left, the others to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    aligns = "<" + ">" * (len(header) - 1)
    return "\n".join("  " + "  ".join(map(pad, line, widths, aligns)).rstrip() for line in lines)


def mean_and_spread(values: Sequence[float]) -> tuple[float, float | str]:
    """Mean and standard deviation; of one value, there is no deviation, and it is ''."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else ""


def format_spread(mean: float, spread: float | str) -> str:
    """What `mean_and_spread` gives, in a cell."""
    return f"{mean:.4f}" if isinstance(spread, str) else f"{mean:.4f} +- {spread:.4f}"


@lettered
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
    axes.step(sorted(complete), best, where="post", color=VALIDATION_COLOUR, label=wording("best so far"))
    axes.plot(list(complete), list(complete.values()), "o", color=TRAIN_COLOUR, label=wording("complete"))
    if pruned:
        axes.plot(list(pruned), list(pruned.values()), "x", color="grey", label=wording("pruned"))
    axes.set(xlabel=wording("trial"), ylabel=monitor, title=wording("trials in their order"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, file)


@lettered
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
    axes.set(xlabel=wording("share in the variance of {}", monitor), ylabel=wording("field"), xlim=(0, 1.1))
    axes.set_title(wording("importance of the fields"))
    save_figure(figure, file)


@lettered
def draw_settings(values: Mapping[str, Sequence[float]], means: Mapping[str, float], monitor: str, file: Path) -> None:
    """Draws, for each of the named settings, a dot a run and a line at their mean.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    names = [drawable(name, LONGEST_LABEL) for name in values]
    width = max(7, 4.5 + 0.085 * max(map(display_width, names)))  # inches
    figure = Figure(figsize=(width, 1.8 + 0.4 * len(values)), layout="constrained")
    axes = figure.subplots()
    for place, (name, runs) in enumerate(values.items()):
        axes.plot(
            runs, [place] * len(runs), "o", color=TRAIN_COLOUR, alpha=0.6, label="" if place else wording("a run")
        )
        axes.plot(
            [means[name]],
            [place],
            "|",
            color=VALIDATION_COLOUR,
            markersize=18,
            markeredgewidth=2,
            label="" if place else wording("mean"),
        )
    axes.set(xlabel=monitor, ylabel=wording("settings"), title=wording("settings and their runs"))
    axes.set_yticks(range(len(values)), names)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.grid(alpha=0.3, axis="x")
    figure.legend(loc="outside lower center", ncols=2)
    save_figure(figure, file)


@lettered
def compared_figure(runs: Mapping[str, Sequence[Sequence[Epoch]]]) -> "Figure":
    """The curves of all settings over each other, a row a measure: to the left training, to the right validation.

    A thin line is a run, a thick one the mean of the runs of a setting, as far as all of them go. What lies far off, as
    the first epochs do, is cut off.

    Args:
        runs: by the name of the setting, the epochs of each of its runs; there is at least one with an epoch.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    names = list(next(run[0] for each in runs.values() for run in each if run).val)
    figure = Figure(figsize=(12, 3.6 * len(names)), layout="constrained")
    labels = {setting: drawable(setting, LONGEST_LABEL) for setting in runs}
    rows = figure.subplots(len(names), 2, sharex=True, sharey="row", squeeze=False)
    for row, name in zip(rows, names, strict=True):
        for axes, split in zip(row, ("training", "validation"), strict=True):
            for number, (setting, each) in enumerate(runs.items()):
                colour, style = colormaps["tab10"](number % 10), ("-", "--", ":")[number // 10 % 3]
                curves = [[(epoch.train if axes is row[0] else epoch.val)[name] for epoch in run] for run in each]
                for curve in curves if len(curves) > 1 else []:
                    axes.plot(range(1, len(curve) + 1), curve, color=colour, linewidth=0.6, alpha=0.35)
                means = [statistics.fmean(values) for values in zip(*curves, strict=False)]
                marker = "o" if len(means) < 3 else None
                axes.plot(range(1, len(means) + 1), means, style, color=colour, label=labels[setting], marker=marker)
            axes.set_title(f"{wording(name)}, {wording(split)}")
            axes.grid(alpha=0.3)
        row[0].set_ylim(**_limits(row))
    for axes in rows[-1]:
        axes.set_xlabel(wording("epoch"))
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(*rows[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=min(len(runs), 4))
    return figure


def _limits(row: Sequence) -> dict[str, float]:
    """Where a row of axes ends, so that the first epochs, or one curve that leaps, do not press all others flat.

    What falls is cut off above where most curves are after a tenth of the epochs, what rises below that.
    """
    curves = [list(line.get_ydata()) for axes in row for line in axes.lines]
    early, ends = statistics.median(curve[len(curve) // 10] for curve in curves), [curve[-1] for curve in curves]
    low, high = min(map(min, curves)), max(map(max, curves))
    if statistics.median(line.get_ydata()[-1] - line.get_ydata()[0] for line in row[0].lines) <= 0:
        high = max(early, *ends)
    else:
        low = min(early, *ends)
    margin = 0.05 * (high - low) or 0.05
    return {"bottom": low - margin, "top": high + margin}


@lettered
def draw_along(curves: Mapping[str, Mapping[float, Sequence[float]]], field: str, monitor: str, file: Path) -> None:
    """Draws what is monitored by the value of a field: of each of the settings a curve of means, with a dot a run.

    Args:
        curves: by the name of the setting, the results of its runs by the value of the field, which is above 0.
        field: its name.
        monitor: what is monitored.
        file: to write.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for number, (name, runs) in enumerate(curves.items()):
        colour, places = colormaps["tab10"](number % 10), sorted(runs)
        axes.plot(
            places,
            [statistics.fmean(runs[place]) for place in places],
            color=colour,
            label=drawable(name, LONGEST_LABEL),
        )
        dots = [(place, value) for place in places for value in runs[place]]
        axes.plot(*zip(*dots, strict=True), "o", color=colour, alpha=0.6)
    axes.set_xscale("log")
    ticks = sorted({place for runs in curves.values() for place in runs})
    axes.set_xticks(ticks, [f"{place:g}" for place in ticks])
    axes.minorticks_off()
    axes.set(xlabel=field, ylabel=monitor, title=wording("settings along {}", field))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center")
    save_figure(figure, file)
