"""Tables of results: rows as CSV, each with the day, the machine and the versions that it was measured with."""

import csv
import os
from datetime import date
from pathlib import Path

from input_pipeline import cpu_name
from pipelines import versions


def stamp() -> dict[str, str]:
    """The first columns of a row."""
    return {
        "date": date.today().isoformat(),
        "machine": f"{cpu_name()}, {os.cpu_count()} cores",
        "versions": versions(("jax", "flax", "optax")),
    }


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows that are there."""
    if not file.exists():
        return []
    with open(file, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_rows(file: Path, rows: list[dict]) -> None:
    """All rows, in the place of those that were there."""
    with open(file, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
