"""What a run keeps about its data: `data_report.json` and `splits.csv`."""

import csv
import hashlib
import io
from pathlib import Path

from study_classification.errors import RunError
from study_classification.paths import read_file, why
from study_classification.runs.json_files import damaged, read_json
from study_classification.system.files import write_json, write_text

REPORT = "data_report.json"
SPLITS_DIGEST = "splits_sha256"  # in REPORT


def splits_file(workdir: Path) -> Path:
    return workdir / "splits.csv"


def knows_data(workdir: Path) -> bool:
    """Whether a run has begun here and has described its data."""
    return (workdir / REPORT).exists()


def write_data(workdir: Path, key: str, report: dict, splits_csv: str) -> None:
    """Writes both files.

    Args:
        workdir: the run directory.
        key: identifies the data.
        report: what was found in the data.
        splits_csv: which example is in which split.

    Raises:
        EnvironmentFault: if the files cannot be written.
    """
    digest = hashlib.sha256(splits_csv.encode(errors="backslashreplace")).hexdigest()  # as `write_text` writes it
    write_json(workdir / REPORT, {"key": key, SPLITS_DIGEST: digest} | report)
    write_text(splits_file(workdir), splits_csv)


def read_data_report(workdir: Path) -> dict:
    """The report on the data, with their `key` and the digest of their splits.

    Raises:
        RunError: if the file is absent or damaged.
    """
    file = workdir / REPORT
    report = read_json(file)
    if not isinstance(report.get("key"), str):
        raise damaged(file, "it names no key of the data")
    return report


def same_data(workdir: Path, key: str, splits_csv: str) -> bool:
    """Whether data are the data of the run, in content and splits.

    Args:
        workdir: the run directory.
        key: identifies the data.
        splits_csv: which example is in which split; '' if that is not known.

    Raises:
        RunError: if a file about the data of the run is damaged.
    """
    return read_data_report(workdir)["key"] == key or (bool(splits_csv) and read_splits(workdir) == splits_csv)


def read_splits(workdir: Path) -> str:
    """The text of splits.csv.

    Raises:
        RunError: if the file is absent, or has changed.
    """
    file = splits_file(workdir)
    try:
        content = read_file(file)
    except OSError as error:
        raise RunError(f"{file} cannot be read ({why(error)}): restore it, or train again") from None
    if hashlib.sha256(content).hexdigest() != read_json(workdir / REPORT).get(SPLITS_DIGEST):
        raise damaged(file, f"it has not the digest that is in {REPORT}")
    return content.decode("utf-8")


def splits_of_pixels(workdir: Path) -> dict[str, str]:
    """Digest of pixels -> split of the run's data, from splits.csv; empty if it has none.

    Raises:
        RunError: if splits.csv is absent or damaged.
    """
    rows = csv.DictReader(io.StringIO(read_splits(workdir), newline=""))
    return {row["pixels"]: row["split"] for row in rows if row["split"]}
