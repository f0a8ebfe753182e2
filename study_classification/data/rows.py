"""Rows of tables and texts, one example a row: listed, given their splits, and kept in memory."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Int, Int8, Int32
from ml_collections import ConfigDict

from study_classification.config import listed
from study_classification.data.found import Found, check_splits, choose_splits, group_digests, report_of
from study_classification.data.items import SPLITS
from study_classification.data.prepare import cache_directory
from study_classification.data.shipped import Rows, is_shipped, names_of_shipped, read_shipped
from study_classification.data.sources import NO_UTF8, SPLIT_NAMES, class_name, merged_names, numbers_of, similar_names
from study_classification.data.splits import COLUMNS, read_pinned
from study_classification.data.tables import plain_cell, read_table
from study_classification.errors import DataError, nearest
from study_classification.inputs.kinds import KINDS, TEXTS, RowPreprocess
from study_classification.inputs.tables import learn_table
from study_classification.inputs.texts import learn_texts
from study_classification.paths import user_path
from study_classification.system.files import csv_text

SPLIT = "split"


@dataclass(frozen=True)
class RowSplit:
    """One split of rows, in the order of the source.

    Attributes:
        source: the source of the rows, for messages.
        names: the place of each row in the source, such as `line 2`.
        rows: for each row, column -> cell, with the columns that the network sees.
        labels: the label of each row, a class or a number.
        columns: the columns that the network sees.
        ignored: other columns that a row may have.
    """

    source: str
    names: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    labels: Int32[np.ndarray, " n"] | Float32[np.ndarray, " n"]
    columns: tuple[str, ...]
    ignored: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, places: Int[np.ndarray, " k"]) -> "RowSplit":
        """A split with some of the rows."""
        names, rows = tuple(self.names[place] for place in places), tuple(self.rows[place] for place in places)
        return replace(self, names=names, rows=rows, labels=self.labels[places])


@dataclass(frozen=True)
class Table:
    """All rows of a source; see `RowSplit`.

    Attributes:
        spellings: the label of each row as it is written.
        labels: the label of each row as it is meant.
        contents: a digest of each row, by which rows are split and duplicates found. It covers a text, or all columns
            of a table except target and split. So every row keeps its split when other `columns` are chosen.
        own: the split that the source gives each row, as an index into SPLITS; -1 for none.
    """

    names: list[str]
    rows: list[dict[str, str]]
    spellings: list[str]
    labels: list[str]
    contents: list[str]
    own: Int8[np.ndarray, " n"]
    columns: tuple[str, ...]
    ignored: tuple[str, ...]


def open_rows(
    data_config: ConfigDict, everything_in: str = "", for_training: bool = True, numbers: bool = False
) -> tuple[tuple[str, ...], dict[str, RowSplit], dict, str]:
    """(class names, which are empty if labels are numbers; name -> split; report; content of splits.csv) of rows.

    Args:
        data_config: `config.data`.
        everything_in: name of a split that takes all rows, whatever the source says; '' splits as usual.
        for_training: whether there have to be rows of several classes for training and validation.
        numbers: whether labels are numbers instead of classes.

    Raises:
        DataError: if there is no such source, or it cannot be used.
    """
    source, noun = data_config.source, KINDS[data_config.input].noun
    table = list_rows(data_config, for_training)
    class_names, labels = _numbers(source, table.labels) if numbers else _classes(table.labels)
    digests, group = group_digests(np.array(table.contents, "S32"))
    nothing = np.zeros(0, np.int64)
    found = Found(class_names, labels, table.own, digests, group, nothing, nothing, {})
    pinned = read_pinned(user_path(data_config.splits)) if data_config.splits else None
    if everything_in:
        splits = np.full(len(labels), SPLITS.index(everything_in), np.int8)
    else:
        splits = choose_splits(found, data_config, pinned)
        if for_training:
            check_splits(source, found, splits, noun)
    of_split = {}
    for number, name in enumerate(SPLITS):
        if len(chosen := np.flatnonzero(splits == number)):
            names, rows = tuple(table.names[row] for row in chosen), tuple(table.rows[row] for row in chosen)
            of_split[name] = RowSplit(source, names, rows, labels[chosen], table.columns, table.ignored)
    report = report_of(source, found, splits, _copies(table.names, group)) | {
        "noun": noun,
        "hidden": [],
        "merged_classes": [] if numbers else list(merged_names(set(table.spellings))),
        "similar_classes": similar_names(class_names),
    }
    return class_names, of_split, report, _splits_csv(table, splits)


def _classes(labels: Sequence[str]) -> tuple[tuple[str, ...], Int32[np.ndarray, " n"]]:
    """(sorted class names, class of each row)."""
    class_names, places = np.unique(labels, return_inverse=True)
    return tuple(class_names.tolist()), places.astype(np.int32)


def _numbers(source: str, labels: Sequence[str]) -> tuple[tuple[str, ...], Float32[np.ndarray, " n"]]:
    """(no class names, number of each row)."""
    values = numbers_of(source, set(labels))
    return (), np.array([values[label] for label in labels], np.float32)


def list_rows(data_config: ConfigDict, for_training: bool = True) -> Table:
    """The rows of `FILE.csv`, or of a source in `shipped.py`.

    Args:
        data_config: `config.data`.
        for_training: whether the source needs all columns that the config names.

    Raises:
        DataError: if there is no such source, or a row of it cannot be used.
    """
    source, target = data_config.source, data_config.target
    header, cells = _read_source(data_config)
    columns = _columns(data_config, header, for_training)
    ignored = tuple(dict.fromkeys([*(name for name in header if name not in columns), target, SPLIT, ""]))
    table = Table([], [], [], [], [], np.zeros(0, np.int8), columns, ignored)
    of_split = {SPLIT} - {*columns, target}
    content = (
        columns if data_config.input == TEXTS else [name for name in header if name not in {target, "", *of_split}]
    )
    own = []
    for name, row in cells:
        where = f"{source}, {name}"
        if reason := why_no_text(row, (*columns, target)):
            raise DataError(f"{where}: {reason}")
        if not row[target]:
            raise DataError(
                f"{where}: the column {target} is empty, but it has the labels: give one, or remove the row"
            )
        split = row.get(SPLIT, "").lower() if of_split else ""
        if split and split not in SPLIT_NAMES:
            raise DataError(f"{where}: the split '{split}' is none of train, validation, test")
        table.names.append(name)
        table.rows.append({column: row[column] for column in columns})
        table.spellings.append(row[target])
        table.labels.append(class_name(row[target]))
        table.contents.append(_digest({name: row[name] for name in content}))
        own.append(SPLITS.index(SPLIT_NAMES[split]) if split else -1)
    if not own:
        raise DataError(f"{source} has no rows below its first line: give one for each example")
    if min(own) < 0 <= max(own):
        raise DataError(
            f"{source}, {table.names[own.index(-1)]}: it has no split, but other rows have one: give one to every row, "
            "or to none"
        )
    return replace(table, own=np.array(own, np.int8))


def learn_preprocess(data_config: ConfigDict, split: RowSplit) -> RowPreprocess:
    """Learns the preprocessing from the rows of a training split, see `inputs/tables.py` and `inputs/texts.py`.

    Raises:
        DataError: if a column cannot be used.
    """
    try:
        if data_config.input == TEXTS:
            (column,) = split.columns
            texts = [row[column] for row in split.rows]
            return learn_texts(texts, column, data_config.vocabulary, data_config.length)
        numbers, categories = listed(data_config.numbers), listed(data_config.categories)
        return learn_table(
            split.rows,
            split.columns,
            split.ignored,
            numbers=numbers,
            categories=categories,
            standardized=data_config.standardized,
        )
    except DataError as error:
        raise DataError(f"{split.source}: {error}") from None


def read_rows(split: RowSplit, preprocess: RowPreprocess) -> np.ndarray:
    """Every row of a split as the network sees it, [n, ...].

    Raises:
        DataError: naming the row that does not fit the preprocessing.
    """
    values = []
    for name, row in zip(split.names, split.rows, strict=True):
        try:
            values.append(preprocess.read(row))
        except DataError as error:
            raise DataError(f"{split.source}, {name}: {error}") from None
    return np.stack(values)


def _read_source(data_config: ConfigDict) -> tuple[list[str], Rows]:
    """(names of the columns, pairs of name and cells of each row)."""
    source, columns = data_config.source, (data_config.target,)
    if is_shipped(source):
        return read_shipped(source, columns, cache_directory(data_config))
    file = user_path(source)
    if not file.is_file() or file.suffix.lower() != ".csv":
        what = "does not exist" if not file.exists() else "is no CSV file"
        raise DataError(
            f"the data source '{source}' {what}: for data.input=tables and texts give FILE.csv, whose first line names "
            f"the columns, or one of {names_of_shipped()}"
        )
    try:
        header, rows = read_table(file, columns)
    except DataError as error:
        raise DataError(f"{error}; data.target names the column of the labels") from None
    return header, ((f"line {line}", row) for line, row in rows)


def _columns(data_config: ConfigDict, header: Sequence[str], for_training: bool) -> tuple[str, ...]:
    """The columns that the network sees, in the order of the header.

    Raises:
        DataError: if there is no column, or the source lacks one that the config names.
    """
    target, is_text = data_config.target, data_config.input == TEXTS
    chosen = (data_config.text,) if is_text else listed(data_config.columns)
    fields = {"text" if is_text else "columns": chosen}
    if for_training and not is_text:
        fields |= {name: listed(data_config[name]) for name in ("dropped", "numbers", "categories")}
    for field, names in fields.items():
        for name in names:
            if name not in header:
                known = [column for column in header if column and column != target]
                raise DataError(
                    f"data.{field} names the column '{name}', which {data_config.source} does not have: "
                    f"{nearest(name, known)}"
                )
    if target in chosen:
        raise DataError(f"the column {target} has the labels (data.target), so it cannot be learnt from as well")
    left_out = {target, "", *listed(data_config.dropped), *((SPLIT,) if SPLIT not in chosen else ())}
    columns = tuple(name for name in header if (name in chosen if chosen else name not in left_out))
    if not columns:
        raise DataError(f"{data_config.source} has no column but {target} to learn from: add some, or drop fewer")
    return columns


def why_no_text(row: Mapping[str, str], columns: Iterable[str]) -> str:
    """Why one of these columns of a row cannot be read; '' if they can."""
    for name in columns:
        if NO_UTF8.search(row[name]):
            return f"the column {name} is no UTF-8 text: save the file as UTF-8, which Excel calls CSV UTF-8"
    return ""


def _digest(content: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _copies(names: Sequence[str], group: Int32[np.ndarray, " n"]) -> list[list[tuple[int, str]]]:
    """The groups of exact duplicates, as (number, name) of each row."""
    order = np.argsort(group, kind="stable")
    groups = (list(members) for _, members in itertools.groupby(order.tolist(), key=group.__getitem__))
    return [[(number, names[number]) for number in members] for members in sorted(groups) if len(members) > 1]


def _splits_csv(table: Table, splits: Int8[np.ndarray, " n"]) -> str:
    """The content of splits.csv: the split of each row, and a digest of its content."""
    columns = zip(table.names, map(plain_cell, table.labels), splits, table.contents, strict=True)
    return csv_text(COLUMNS, ((name, label, SPLITS[split], content) for name, label, split, content in columns))
