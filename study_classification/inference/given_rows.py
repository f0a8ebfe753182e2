"""Turns rows of a user (CSV files, dicts, texts) into the arrays that a network sees."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from study_classification.data.rows import why_no_text
from study_classification.data.tables import read_table
from study_classification.errors import DataError
from study_classification.inputs.kinds import RowPreprocess
from study_classification.inputs.texts import TextPreprocess
from study_classification.paths import user_path

Listed = tuple[str, int, Mapping[str, str], str]  # file, line, cells, and why they cannot be read


def rows_of_files(files: Iterable[str], preprocess: RowPreprocess) -> Iterator[Listed]:
    """The rows of CSV files, in order. A file without rows, or that cannot be used, gives one row, which says why."""
    columns = (
        [preprocess.column] if isinstance(preprocess, TextPreprocess) else [one.name for one in preprocess.columns]
    )
    for file in files:
        line = 0
        try:
            for line, row in _read(user_path(file), preprocess):
                yield file, line, row, why_no_text(row, columns)
            if not line:
                yield file, 0, {}, f"{file} has no rows below its first line: give one for each example"
        except DataError as error:
            yield file, 0, {}, str(error)


def is_single_row(rows: Any, preprocess: RowPreprocess) -> bool:
    """Whether this is one row instead of several: a dict or a text."""
    return isinstance(rows, Mapping) or (isinstance(rows, str) and not _is_file(rows, preprocess))


def read_given_rows(rows: Any, preprocess: RowPreprocess) -> Iterator[np.ndarray]:
    """Each row as the network sees it, in order.

    Args:
        rows: one row, an iterable of rows, or the path of a CSV file. A row is a dict, column -> text or number; for a
            run on texts also the text itself. None, NaN and '' are missing values.
        preprocess: the preprocessing of the run.

    Raises:
        DataError: naming what is no row, or a row that does not fit the preprocessing.
    """
    for name, row in _named(rows, preprocess):
        try:
            yield preprocess.read(row)
        except DataError as error:
            raise DataError(f"{name}: {error}") from None


def _named(rows: Any, preprocess: RowPreprocess) -> Iterator[tuple[str, Mapping[str, str]]]:
    if isinstance(rows, os.PathLike) or (isinstance(rows, str) and _is_file(rows, preprocess)):
        yield from ((f"{rows}, line {line}", row) for line, row in _read(user_path(rows), preprocess))
        return
    single = is_single_row(rows, preprocess)
    if not single and (isinstance(rows, bytes) or not isinstance(rows, Iterable)):
        raise DataError(f"the type {type(rows).__name__} is no row: give a dict, a list of dicts, or the path of a CSV")
    for number, row in enumerate([rows] if single else rows):
        name = "the row" if single else f"row {number}"
        if isinstance(row, str) and isinstance(preprocess, TextPreprocess):
            row = {preprocess.column: row}
        if not isinstance(row, Mapping):
            raise DataError(f"{name} is of the type {type(row).__name__}: give a dict, column -> text or number")
        yield name, {str(column): _cell(value) for column, value in row.items()}


def _read(file: Path, preprocess: RowPreprocess) -> Iterator[tuple[int, dict[str, str]]]:
    header, rows = read_table(file, ())
    try:
        preprocess.require_columns(header)
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    return rows


def _is_file(text: str, preprocess: RowPreprocess) -> bool:
    """Whether a text is a path. It is, unless examples are texts."""
    return not isinstance(preprocess, TextPreprocess) or text.lower().endswith(".csv")


def _cell(value: Any) -> str:
    """A value of a Python program as a cell of a CSV file."""
    return "" if value is None or value != value else str(value).strip()
