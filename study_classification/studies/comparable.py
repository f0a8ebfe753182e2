"""Finds runs that can be compared: those with one task, on the same examples in the same splits."""

from collections.abc import Sequence

from study_classification.runs.own_data import read_splits, same_data
from study_classification.studies.finished import FinishedRun


def comparable_runs(runs: Sequence[FinishedRun]) -> tuple[list[FinishedRun], list[str]]:
    """(largest group of runs that can be compared, in their order; a sentence for each other run).

    If groups are equally large, the first one is taken.

    Raises:
        RunError: if a file about the data of a run is damaged.
    """
    groups: list[list[FinishedRun]] = []
    for run in runs:
        group = next((group for group in groups if not why_not(run, group[0])), None)
        if group is None:
            groups.append([run])
        else:
            group.append(run)
    chosen = max(groups, key=len)
    others = [run for run in runs if run not in chosen]
    return chosen, [f"{run.name} is left out: {why_not(run, chosen[0])}" for run in others]


def why_not(run: FinishedRun, other: FinishedRun) -> str:
    """Why the numbers of two runs cannot be compared; '' if they can."""
    task, wanted = run.run.config.task, other.run.config.task
    if task.name != wanted.name:
        return f"its task is {task.name}, that of {other.name} is {wanted.name}"
    if differing := set(run.run.class_names) ^ set(other.run.class_names):
        return f"its classes differ from those of {other.name} in {', '.join(sorted(differing)[:5])}"
    workdirs = run.run.workdir, other.run.workdir
    if not same_data(workdirs[0], other.report["key"], read_splits(workdirs[1])):
        return f"its data, or their splits, differ from those of {other.name}"
    return ""
