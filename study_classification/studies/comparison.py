"""Makes tables of comparable runs: settings, results, seeds, differences beyond chance, versions."""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from study_classification.reports.metrics import wilson_interval
from study_classification.reports.significance import mcnemar
from study_classification.reports.tables import Table
from study_classification.reports.trials import format_spread, mean_and_spread
from study_classification.runs.history import VAL
from study_classification.studies.finished import TEST, FinishedRun
from study_classification.studies.settings import shown

SEED = re.compile(r"[-_. ]?seed[-_=]?\d+$")  # the end of the name of a run of a sweep
Cost = tuple[int, int]  # parameters, and FLOPs of the forward pass for one example


def differing_fields(runs: Sequence[FinishedRun]) -> list[str]:
    """The fields whose values differ between runs, in the order of the config."""
    fields = dict.fromkeys(field for run in runs for field in run.fields)
    return [field for field in fields if any(run.fields.get(field) != runs[0].fields.get(field) for run in runs)]


def table_of_settings(runs: Sequence[FinishedRun]) -> Table:
    """The table of fields that differ between the configs."""
    fields = differing_fields(runs)
    rows = [[run.name, *(shown(run.fields.get(field, "")) for field in fields)] for run in runs]
    note = "" if fields else "No field of their configs differs."
    return Table("Settings that differ", ["run", *fields], rows if fields else [], note)


def table_of_results(runs: Sequence[FinishedRun], costs: Sequence[Cost]) -> Table:
    """The table of measures with intervals, time and size, for validation at the best epoch and for test."""
    measures = _measures(runs)
    tested = [name for name in measures if any(run.test and name in run.test for run in runs)]
    header = ["run", *(VAL + name for name in measures), *(f"{TEST}_{name}" for name in tested), "best epoch"]
    rows = []
    for run, (parameters, flops) in zip(runs, costs, strict=True):
        cells = [_value(run.best.val.get(name), interval(run, name)) for name in measures]
        cells += [_value((run.test or {}).get(name), test_interval(run, name)) for name in tested]
        cells.append(f"{run.best.epoch} of {len(run.history.epochs)}")
        rows.append([run.name, *cells, f"{run.history.seconds():,.1f}", f"{parameters:,}", f"{flops / 1e6:,.4g}"])
    note = "In brackets: the 95 % interval. Seconds are those of training and validation."
    return Table("Results, the best first", [*header, "seconds", "parameters", "MFLOPs"], rows, note)


def interval(run: FinishedRun, name: str) -> tuple[float, float] | None:
    """The 95 % interval of the validation accuracy; None for other measures and unknown numbers of examples."""
    if name != "accuracy" or not run.num_validation:
        return None
    return wilson_interval(round(run.best.val[name] * run.num_validation), run.num_validation)


def test_interval(run: FinishedRun, name: str) -> tuple[float, float] | None:
    """The same of the test split."""
    return (run.test or {}).get(f"{name}_interval_95")


def groups_by_seed(runs: Sequence[FinishedRun]) -> dict[str, list[FinishedRun]]:
    """Name -> runs that differ only in the seed."""
    groups: dict[str, list[FinishedRun]] = {}
    for run in runs:
        groups.setdefault(run.setting, []).append(run)
    named: dict[str, list[FinishedRun]] = {}
    for group in groups.values():
        names = {SEED.sub("", run.name) for run in group}
        name = names.pop() if len(names) == 1 else f"{group[0].name} +{len(group) - 1}"
        named[name if name not in named else group[0].name] = group
    return named


def table_of_seeds(runs: Sequence[FinishedRun]) -> Table | None:
    """The table of mean and spread of measures over seeds; None if no two runs differ only in the seed."""
    groups = {name: group for name, group in groups_by_seed(runs).items() if len(group) > 1}
    if not groups:
        return None
    measures, rows = _measures(runs), []
    for name, group in groups.items():
        val = [format_spread(*mean_and_spread([run.best.val[measure] for run in group])) for measure in measures]
        found = [[run.test[measure] for run in group if run.test and measure in run.test] for measure in measures]
        test = [f"{format_spread(*mean_and_spread(each))} (of {len(each)})" if each else "-" for each in found]
        rows.append([name, str(len(group)), *val, *test])
    header = ["settings", "runs", *(VAL + name for name in measures), *(f"{TEST}_{name}" for name in measures)]
    return Table("Mean and standard deviation over seeds", header, rows)


def table_of_pairs(runs: Sequence[FinishedRun]) -> Table | None:
    """The table of McNemar's test for pairs of runs with predictions of the same test examples; None without pairs."""
    rows = []
    for first, second in itertools.combinations(runs, 2):
        one, other = first.test_predictions, second.test_predictions
        if not one or one.keys() != other.keys():
            continue
        found = mcnemar(*([said[name, label] == label for name, label in one] for said in (one, other)))
        rows.append([f"{first.name} / {second.name}", str(found.only_first), str(found.only_second), f"{found.p:.2g}"])
    if not rows:
        return None
    note = (
        f"p: how likely such a difference is between two networks that are equally good; of {len(rows)} pairs of such, "
        f"{len(rows) / 20:.2g} come below 0.05 by chance."
    )
    header = ["pair", "only the first right", "only the second right", "p"]
    return Table("McNemar's exact test on the test examples", header, rows, note)


def table_of_versions(runs: Sequence[FinishedRun]) -> Table:
    """The table of versions and devices that differ; a sentence with all of them if none differ."""
    found = [_versions(run) for run in runs]
    names = list(dict.fromkeys(name for each in found for name in each))
    differing = [name for name in names if len({each.get(name) for each in found}) > 1]
    rows = [[run.name, *(each.get(name, "-") for name in differing)] for run, each in zip(runs, found, strict=True)]
    same = ", ".join(f"{name} {found[0][name]}" for name in names if name in found[0] and name not in differing)
    return Table("Versions and devices", ["run", *differing], rows if differing else [], f"The same of all: {same}")


def rows_of_csv(runs: Sequence[FinishedRun], costs: Sequence[Cost]) -> tuple[list[str], list[list[Any]]]:
    """Everything about each run in one row, for programs."""
    fields, rows = differing_fields(runs), []
    for run, (parameters, flops) in zip(runs, costs, strict=True):
        row: dict[str, Any] = {"run": run.name, "workdir": str(run.run.workdir)}
        row |= {field: shown(run.fields.get(field, "")) for field in fields}
        for name in _measures(runs):
            row |= _numbers(VAL + name, run.best.val.get(name), interval(run, name))
            row |= _numbers(f"{TEST}_{name}", (run.test or {}).get(name), test_interval(run, name))
        row |= {"best_epoch": run.best.epoch, "epochs": len(run.history.epochs), "seconds": run.history.seconds()}
        row |= {"parameters": parameters, "flops": flops, "data": run.report["key"]} | _versions(run)
        rows.append(row)
    header = list(dict.fromkeys(name for row in rows for name in row))
    return header, [[row.get(name, "") for name in header] for row in rows]


def _measures(runs: Sequence[FinishedRun]) -> list[str]:
    """The measures of validation, the loss last."""
    return list(runs[0].best.val)[::-1]


def _value(value: float | None, ends: Sequence[float] | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f} ({ends[0]:.3f} .. {ends[1]:.3f})" if ends else f"{value:.4f}"


def _numbers(name: str, value: float | None, ends: Sequence[float] | None) -> dict[str, Any]:
    low, high = ends or ("", "")
    return {name: "" if value is None else value, f"{name}_low": low, f"{name}_high": high}


def _versions(run: FinishedRun) -> dict[str, str]:
    environment: Mapping[str, Any] = run.environment
    devices = environment.get("devices", [])
    found = {"python": environment.get("python"), "devices": f"{len(devices)} x {devices[0]}" if devices else None}
    return {name: str(value) for name, value in (found | environment.get("packages", {})).items() if value}
