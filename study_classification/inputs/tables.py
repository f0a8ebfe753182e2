"""Turns rows of a table into numbers that a network sees. A run keeps what is learnt from its training rows.

A column of numbers gives its standardised number, (x - mean) / deviation. A missing number is replaced by the median.
If the training rows have missing numbers, a second value is 1 for a missing one and 0 for others. Median, mean and
deviation come from the training rows; the last two are taken after the replacement. A column of categories gives one
value for each category of the training rows, sorted by name, and a last one for any other. A missing category is the
category ''.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

import jax
import numpy as np
from jaxtyping import Float32

from study_classification.errors import DataError, RunError, nearest

MISSING = ("", "?", "na", "n/a", "nan", "null", "none")  # how a missing number is written, in upper or lower case
OTHER = "other"  # the name of all categories that no training row has
Row = Mapping[str, str]  # column -> cell


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, with what is learnt from its training rows.

    Attributes:
        name: the name of the column.
        median: the median of the numbers that are not missing.
        mean: the mean of all rows, with the median for missing numbers; 0 if numbers are not standardised.
        deviation: the standard deviation of all rows, over n; 1 if all are equal, or not standardised.
        indicator: whether a second value says that a number is missing.
    """

    name: str
    median: float
    mean: float
    deviation: float
    indicator: bool
    kind: str = "number"

    @property
    def outputs(self) -> list[str]:
        """Names of the values that the column gives."""
        return [self.name, f"{self.name} is missing"] if self.indicator else [self.name]

    def read(self, cell: str) -> list[float]:
        missing = is_missing(cell)
        number = self.median if missing else number_of(cell)
        if number is None:
            raise DataError(f"the column {self.name} holds '{cell}', but it is a column of numbers: mend it")
        value = (number - self.mean) / self.deviation
        return [value, float(missing)] if self.indicator else [value]

    def describe(self) -> str:
        text = f"number, mean {self.mean:g}, standard deviation {self.deviation:g}"
        return f"{text}, {self.median:g} where it is missing" if self.indicator else text


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories, with the sorted categories of its training rows."""

    name: str
    categories: tuple[str, ...]
    kind: str = "category"

    @property
    def outputs(self) -> list[str]:
        """Names of the values that the column gives."""
        return [f"{self.name}={category}" for category in (*self.categories, OTHER)]

    def read(self, cell: str) -> list[float]:
        place = self._places.get(cell, len(self.categories))
        return [float(place == number) for number in range(len(self.categories) + 1)]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {category: place for place, category in enumerate(self.categories)}

    def describe(self) -> str:
        shown = ", ".join(category or "''" for category in self.categories[:5])
        return f"{len(self.categories)} categories ({shown}{', ...' if len(self.categories) > 5 else ''})"


Column = NumberColumn | CategoryColumn


@dataclass(frozen=True)
class TablePreprocess:
    """What happens to every row, in training, evaluation and prediction alike.

    Attributes:
        columns: the columns that the network sees.
        ignored: other columns that a row may have.
    """

    columns: tuple[Column, ...]
    ignored: tuple[str, ...]

    noun: ClassVar[str] = "rows"
    key: ClassVar[str] = "row"  # of the values in a batch
    num_tokens: ClassVar[int] = 0

    @property
    def shape(self) -> tuple[int]:
        """The shape [d] of a row as the network sees it."""
        return (len(self.outputs),)

    @cached_property
    def outputs(self) -> list[str]:
        """Names of the values of a row, in their order."""
        return [name for column in self.columns for name in column.outputs]

    def read(self, row: Row) -> Float32[np.ndarray, " d"]:
        """A row as the network sees it, float32 [d].

        Raises:
            DataError: with the reason, if a column is missing, unknown, or holds a text where numbers were learnt.
        """
        self.require_columns(row)
        return np.array([value for column in self.columns for value in column.read(row[column.name])], np.float32)

    def require_columns(self, names: Collection[str]) -> None:
        """Raises DataError unless these are the columns of the training rows. Ignored columns may be absent."""
        known = [column.name for column in self.columns]
        for name in known:
            if name not in names:
                raise DataError(f"the column {name} is missing: the network has learnt from {', '.join(known)}")
        for name in names:
            if name not in self._allowed:
                raise DataError(
                    f"the column {name} is none that the network has learnt from: remove it ({nearest(name, known)})"
                )

    @cached_property
    def _allowed(self) -> frozenset[str]:
        return frozenset((*(column.name for column in self.columns), *self.ignored))

    def inputs_of(self, batch: Mapping[str, jax.Array]) -> jax.Array:
        """The values of a batch, float32 [b, d]."""
        return batch[self.key]

    def describe(self) -> str:
        """The columns as text for the user, one in each line."""
        width = max(len(column.name) for column in self.columns)
        lines = [f"  {column.name:<{width}}  {column.describe()}" for column in self.columns]
        lines = [*lines[:20], *([f"  ... and {len(lines) - 20} more columns"] if len(lines) > 20 else [])]
        return "\n".join([f"{len(self.columns)} columns give {self.shape[0]} values of each row:", *lines])

    def remarks(self, values: Float32[np.ndarray, "n d"]) -> str:
        """A remark on the rows of a split, such as how many have a category that no training row has."""
        counts = {name: int(values[:, place].sum()) for place, name in enumerate(self.outputs) if name in self._others}
        have = [f"{count:,} have {name}" for name, count in counts.items() if count]
        return "; ".join([f"{len(values):,} {self.noun} of {values.shape[1]:,} values", *have])

    @cached_property
    def _others(self) -> frozenset[str]:
        return frozenset(column.outputs[-1] for column in self.columns if isinstance(column, CategoryColumn))

    def to_json(self) -> dict[str, Any]:
        """The contents of a run's `preprocess.json`."""
        return {"columns": [asdict(column) for column in self.columns], "ignored": list(self.ignored)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "TablePreprocess":
        """The reverse of `to_json`.

        Raises:
            RunError: if it is damaged.
        """
        try:
            return cls(tuple(map(_column_from_json, content["columns"])), tuple(content["ignored"]))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RunError(f"preprocess.json is damaged: {error!r}") from error


def _column_from_json(content: Mapping[str, Any]) -> Column:
    if content["kind"] == "category":
        return CategoryColumn(**{**content, "categories": tuple(content["categories"])})
    column = NumberColumn(**content)
    if not all(map(math.isfinite, (column.median, column.mean, column.deviation))) or column.deviation <= 0:
        raise ValueError(f"the numbers of the column {column.name}")
    return column


def learn_table(
    rows: Sequence[Row],
    columns: Sequence[str],
    ignored: Sequence[str] = (),
    *,
    numbers: Sequence[str] = (),
    categories: Sequence[str] = (),
    standardized: bool = True,
) -> TablePreprocess:
    """Learns the preprocessing from training rows. A column whose cells are all numbers or missing is one of numbers.

    Args:
        rows: the rows of the training split.
        columns: the columns that the network sees.
        ignored: other columns that a row may have.
        numbers: columns that have to be numbers; a text there is refused when its row is read.
        categories: columns that are categories, even if all their cells are numbers.
        standardized: whether numbers are standardised; else the network sees them as they are.

    Raises:
        DataError: if a column has no value in any row.
    """
    found: list[Column] = []
    for name in columns:
        cells = [row[name] for row in rows]
        present = [number_of(cell) for cell in cells if not is_missing(cell)]
        if not present or (name in numbers and not any(number is not None for number in present)):
            what = "number" if name in numbers else "value"
            raise DataError(f"the column {name} has no {what} in any training row: leave it out by data.dropped")
        if name in categories or (name not in numbers and None in present):
            found.append(CategoryColumn(name, tuple(sorted(set(cells)))))
        else:
            found.append(_learn_numbers(name, cells, standardized))
    return TablePreprocess(tuple(found), tuple(ignored))


def _learn_numbers(name: str, cells: Sequence[str], standardized: bool) -> NumberColumn:
    numbers = np.array([number_of(cell) for cell in cells], np.float64)  # None becomes NaN
    missing = np.isnan(numbers)
    median = float(np.median(numbers[~missing]))
    filled = np.where(missing, median, numbers)
    mean, deviation = (float(filled.mean()), float(filled.std()) or 1.0) if standardized else (0.0, 1.0)
    return NumberColumn(name, median, mean, deviation, bool(missing.any()))


def is_missing(cell: str) -> bool:
    """Whether a cell stands for a missing number."""
    return cell.strip().lower() in MISSING


def number_of(cell: str) -> float | None:
    """The finite number in a cell; None for any other text."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in cell else None
