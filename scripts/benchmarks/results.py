"""Reads and writes tables of results: rows as CSV, each with day, machine and versions of the measurement."""

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
    """The rows of a table that exists."""
    if not file.exists():
        return []
    with open(file, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_rows(file: Path, rows: list[dict]) -> None:
    """Writes all rows. An existing table is replaced."""
    with open(file, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
