"""Compares finished runs: from their directories to tables, curves and a page. It changes nothing in them."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from study_classification.errors import ConfigError, RunError
from study_classification.language.translate import translated
from study_classification.pages.page import figure, render
from study_classification.reports.figures import save_figure
from study_classification.reports.tables import Table
from study_classification.reports.trials import compared_figure
from study_classification.studies import comparison
from study_classification.studies.comparable import comparable_runs
from study_classification.studies.comparison import Cost
from study_classification.studies.finished import FinishedRun, find_runs, read_finished
from study_classification.system.console import say
from study_classification.system.files import csv_text, make_output, write_text
from study_classification.training.describe import count_network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE = "Runs side by side"


def compare(patterns: Sequence[str], out: Path | None = None) -> None:
    """Prints runs of the same task on the same data side by side, and says why any other run is left out.

    Args:
        patterns: run directories, folders that hold run directories, and patterns of either.
        out: a folder for compare.md, compare.csv, compare.html and compare.png; None writes nothing.

    Raises:
        ConfigError: if no run is named.
        RunError: if no two runs can be compared.
        EnvironmentFault: if the folder cannot be written.
    """
    if not patterns:
        raise ConfigError("compare needs run directories, or patterns such as 'runs/*'")
    found, left_out = _read(find_runs(patterns))
    runs, others = comparable_runs(found) if found else ([], [])
    left_out += others
    for remark in left_out:
        say(remark)
    if len(runs) < 2:
        raise RunError("no two of these runs can be compared: give several runs of one task on the same data")
    first = runs[0].history
    runs.sort(key=lambda run: run.best.row()[first.monitor], reverse=first.higher_is_better)
    costs = _costs(runs)
    tables = _tables(runs, costs)
    remarks = _remarks(runs)
    for text in [_head(runs), *(table.as_text() for table in tables), *remarks]:
        say(text)
    if out is not None:
        _write(out, runs, costs, tables, [_head(runs), *left_out, *remarks])


def _read(workdirs: Sequence[Path]) -> tuple[list[FinishedRun], list[str]]:
    """(runs that can be read, a sentence for each other). Names of runs leave out what all have in common."""
    absolute = [os.path.abspath(workdir) for workdir in workdirs]
    root = os.path.commonpath(absolute) if len(absolute) > 1 else os.path.dirname(absolute[0])
    runs, remarks = [], []
    for workdir, path in zip(workdirs, absolute, strict=True):
        try:
            runs.append(read_finished(workdir, os.path.relpath(path, root)))
        except RunError as error:
            remarks.append(f"{workdir} is left out: {error}")
    return runs, remarks


def _costs(runs: Sequence[FinishedRun]) -> list[Cost]:
    """Parameters and FLOPs of each run. Runs with the same settings share them."""
    known: dict[str, Cost] = {}
    for run in runs:
        if run.setting not in known:
            known[run.setting] = count_network(run.run.config, run.run.preprocess, run.run.class_names)
    return [known[run.setting] for run in runs]


def _tables(runs: Sequence[FinishedRun], costs: Sequence[Cost]) -> list[Table]:
    tables = [
        comparison.table_of_settings(runs),
        comparison.table_of_results(runs, costs),
        comparison.table_of_seeds(runs),
        comparison.table_of_pairs(runs),
        comparison.table_of_versions(runs),
    ]
    return [table for table in tables if table is not None]


def _head(runs: Sequence[FinishedRun]) -> str:
    first = runs[0]
    source = first.report.get("source", first.run.config.data.source)
    return f"{len(runs)} runs on the same data: {source}, {first.report['key']}"


def _remarks(runs: Sequence[FinishedRun]) -> list[str]:
    """Remarks that a reader of the tables needs."""
    remarks = [
        f"The test result of {run.name} is that of step {run.test['checkpoint_step']}, not of its best epoch."
        for run in runs
        if run.test and not run.test_is_of_best
    ]
    if missing := [run.name for run in runs if run.test is None]:
        remarks.append(f"Not measured on the test split yet (evaluate --workdir=RUN does): {', '.join(missing)}")
    examples = {frozenset(run.test_predictions) for run in runs if run.test_predictions}
    if len(examples) > 1:
        remarks.append("The test predictions of some runs are of other examples, so they are not tested for chance.")
    return remarks


def _write(
    out: Path, runs: Sequence[FinishedRun], costs: Sequence[Cost], tables: Sequence[Table], remarks: Sequence[str]
) -> None:
    make_output(out)
    curves = _curves(runs)
    save_figure(curves, out / "compare.png")
    sections = "\n".join(table.as_markdown() for table in tables)
    notes = "\n".join(f"- {remark}" for remark in remarks)
    write_text(out / "compare.md", f"# {TITLE}\n\n{notes}\n\n![{TITLE}](compare.png)\n\n{sections}")
    write_text(out / "compare.csv", csv_text(*comparison.rows_of_csv(runs, costs)))
    drawn = figure(curves, translated("loss and measures by epoch, a colour for each of the settings"))
    spoken = [replace(table, title=translated(table.title), note=translated(table.note)) for table in tables]
    page = render("compare.html", tables=spoken, remarks=list(map(translated, remarks)), curves=drawn)
    write_text(out / "compare.html", page)
    say(f"Written to {out}: compare.md, compare.csv, compare.html, compare.png")


def _curves(runs: Sequence[FinishedRun]) -> "Figure":
    """The curves of all runs. Runs that differ only in the seed have one colour."""
    groups = comparison.groups_by_seed(runs)
    return compared_figure({name: [run.history.epochs for run in group] for name, group in groups.items()})
