"""The files that evaluations and reports leave in a run directory."""

from contextlib import nullcontext
from pathlib import Path

from study_classification.errors import EnvironmentFault
from study_classification.paths import on_bucket
from study_classification.runs.json_files import damaged, read_json
from study_classification.system.files import write_json
from study_classification.system.locks import taking_turns

REPORT, VALIDATION = "report.json", "validation"


def page_file(workdir: Path, split: str) -> Path:
    """The file of the page about a split; the page about validation is report.html."""
    return workdir / ("report.html" if split == VALIDATION else f"report_{split}.html")


def figures_folder(workdir: Path, split: str) -> Path:
    """The folder of the figures of that page."""
    return workdir / ("figures" if split == VALIDATION else f"figures_{split}")


def predictions_file(workdir: Path, split: str) -> Path:
    return workdir / f"predictions_{split}.csv"


def worst_file(workdir: Path) -> Path:
    return workdir / "worst.csv"


def read_report(workdir: Path) -> dict[str, dict]:
    """Name of each evaluation -> its results; empty if nothing was evaluated.

    Raises:
        RunError: if report.json is damaged.
    """
    file = workdir / REPORT
    remedy = "remove it, and evaluate again"
    report = read_json(file, remedy=remedy) if file.exists() else {}
    if not all(isinstance(entry, dict) for entry in report.values()):
        raise damaged(file, "it is no table of results", remedy)
    return report


def add_to_report(workdir: Path, name: str, metrics: dict) -> Path:
    """Adds the results of an evaluation to report.json; returns the file.

    Results with the same name, but of another checkpoint, stay: their name then says of which checkpoint. Two that are
    added at the same time wait for each other, except on a bucket and on a file system without locks.

    Raises:
        RunError: if report.json is damaged.
        EnvironmentFault: if the file cannot be written.
    """
    with nullcontext() if on_bucket(workdir) else taking_turns(workdir / f".{REPORT}.lock"):
        return _add(workdir, name, metrics)


def _add(workdir: Path, name: str, metrics: dict) -> Path:
    file, report, step = workdir / REPORT, read_report(workdir), "checkpoint_step"
    earlier = report.get(name, metrics)
    if earlier.get(step) != metrics.get(step):
        report[f"{name}, checkpoint={earlier.get(step)}"] = earlier
    report.pop(f"{name}, checkpoint={metrics.get(step)}", None)
    try:
        write_json(file, report | {name: metrics})
    except EnvironmentFault as error:
        raise EnvironmentFault(
            f"{str(error).partition('): ')[0]}), so the result is not kept: copy the run directory to a place that can "
            "be written, and evaluate the copy"
        ) from None
    return file
