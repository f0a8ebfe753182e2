"""Reads tables that people write, as CSV of any spreadsheet or as JSON with one object a line."""

import codecs
import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from study_classification.errors import DataError
from study_classification.paths import printable, read_file, why

# A cell may be as long as its file. An unclosed quotation then ends with the file, and the error can name it.
csv.field_size_limit(2**31 - 1)

_FORMULA = tuple(
    "=+-@＝＋－＠\t\r'"
)  # what a spreadsheet takes for the beginning of a formula, and the sign against it


def read_csv(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line in which it begins, column -> cell) of each row of a CSV file with a header, without blank rows.

    Commas, semicolons or tabs separate the cells, whichever the header has most of. Blanks around cells are removed.
    Bytes that are not UTF-8 are kept as `os.fsdecode` keeps them.

    Args:
        file: UTF-8, or UTF-16 with its byte order mark; with the line ends of any system.
        columns: names that the header must have.

    Raises:
        DataError: naming the line that cannot be used.
    """
    header, rows = _read(file, columns)
    for line, cells in rows:
        yield line, dict(zip(header, cells, strict=False))


def read_table(file: Path, columns: Sequence[str]) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """(names of the columns, rows as `read_csv` gives them, in which missing cells are '')."""
    header, rows = _read(file, columns)
    return header, ((line, dict(zip_longest(header, cells[: len(header)], fillvalue=""))) for line, cells in rows)


def _read(file: Path, columns: Sequence[str]) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """(names of the columns, pairs of the line in which a row begins and its cells)."""
    rows = _cells(file)
    _, header = next(rows, (0, []))
    _require_columns(file, header, columns)

    def checked() -> Iterator[tuple[int, list[str]]]:
        for line, cells in rows:
            if any(cells[len(header) :]):
                raise DataError(
                    f"{file}, line {line}: the row has more cells than the first line has columns: put a cell that "
                    "holds the separator in quotation marks"
                )
            yield line, cells

    return header, checked()


def _cells(file: Path) -> Iterator[tuple[int, list[str]]]:
    """(line in which it begins, cells) of each row that is not blank."""
    lines = io.StringIO(_read_text(file), newline=None)
    first = next((line for line in lines if line.strip()), "")
    lines.seek(0)
    reader = csv.reader(lines, delimiter=max(",;\t", key=first.count), skipinitialspace=True, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{file}, line {line}: the row that begins there is no CSV ({error}): close its quotation, and write "
                'a quotation mark within a quotation twice, as ""'
            ) from None
        if any(cells):
            yield line, cells


def read_json_lines(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, name -> text) of each object of a file with one object a line, without blank lines.

    Args:
        file: UTF-8, or UTF-16 with its byte order mark; with the line ends of any system.
        columns: names of the values to read. A number or truth value becomes its JSON text; null, NaN and a missing
            value become ''.

    Raises:
        DataError: naming the line that cannot be used.
    """
    for line, content in enumerate(io.StringIO(_read_text(file), newline=None), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{file}, line {line}: it is no JSON object ({error}): write one object a line") from None
        if not isinstance(row, dict):
            raise DataError(f"{file}, line {line}: it is no JSON object: write one object a line")
        for name in columns:
            if isinstance(row.get(name), list | dict):
                raise DataError(
                    f"{file}, line {line}: {name} is a {type(row[name]).__name__}: write one text or number"
                )
        yield line, {name: _text(row.get(name)) for name in columns}


def plain_cell(text: str) -> str:
    """A cell that no spreadsheet runs as a formula: an apostrophe is put before what looks like a formula."""
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _read_text(file: Path) -> str:
    try:
        data = read_file(file)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {why(error)}") from None
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig", "strict" if wide else "surrogateescape")
    except UnicodeDecodeError:
        raise DataError(
            f"{file} cannot be read: it begins as UTF-16, but goes on otherwise: save it as UTF-8"
        ) from None
    if "\0" in text:
        raise DataError(f"{file} cannot be read: it holds zero bytes: save it as UTF-8 text")
    return text


def _require_columns(file: Path, header: Sequence[str], columns: Sequence[str]) -> None:
    if not set(columns) <= set(header):
        raise DataError(
            f"{file}: the first line must name the columns {' and '.join(columns)}, but is "
            f"'{printable(','.join(header)):.200}'"
        )
    twice = next((name for name in header if name and header.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{file}: the first line names the column {twice} twice: rename one of the two")


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
