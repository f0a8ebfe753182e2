"""Numbers counted by hand: 1, 3, (missing) and 5 have the median 3, with it the mean 3, and the variance 8 / 4."""

import json
import math

import numpy as np
import pytest

from study_classification.errors import DataError, RunError
from study_classification.inputs.tables import (
    CategoryColumn,
    NumberColumn,
    TablePreprocess,
    is_missing,
    learn_table,
    number_of,
)

ROWS = [
    {"age": "1", "port": "S", "fare": "7", "name": "a"},
    {"age": "3", "port": "C", "fare": "7", "name": "b"},
    {"age": "", "port": "S", "fare": "7", "name": "c"},
    {"age": "5", "port": "", "fare": "7", "name": "d"},
]
ROOT = math.sqrt(2)


@pytest.fixture
def learnt():
    return learn_table(ROWS, ("age", "port", "fare"), ("name", "target"))


def test_what_is_learnt_of_each_column(learnt):
    age, port, fare = learnt.columns
    assert age == NumberColumn("age", 3.0, 3.0, ROOT, True)
    assert port == CategoryColumn("port", ("", "C", "S"))
    assert fare == NumberColumn("fare", 7.0, 7.0, 1.0, False)  # equal numbers are not divided by 0
    assert learnt.outputs == ["age", "age is missing", "port=", "port=C", "port=S", "port=other", "fare"]
    assert learnt.shape == (7,)
    (skewed,) = learn_table([{"age": cell} for cell in ("1", "2", "9", "")], ("age",)).columns
    assert (skewed.median, skewed.mean) == (2.0, 3.5)  # of 1, 2, 9 and the median 2


@pytest.mark.parametrize(
    ("row", "values"),
    [
        ({"age": "5", "port": "C", "fare": "8"}, [2 / ROOT, 0, 0, 1, 0, 0, 1]),
        ({"age": "n/a", "port": "S", "fare": "7"}, [0, 1, 0, 0, 1, 0, 0]),
        ({"age": "1e0", "port": "Q", "fare": "?"}, [-2 / ROOT, 0, 0, 0, 0, 1, 0]),  # an unseen port, and the median
        ({"age": "3", "port": "", "fare": "7", "name": "x"}, [0, 0, 1, 0, 0, 0, 0]),
    ],
)
def test_what_the_network_sees_of_a_row(learnt, row, values):
    read = learnt.read(row)
    np.testing.assert_array_equal(read, np.array(values, np.float32))
    assert read.dtype == np.float32


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"age": "1", "fare": "7"}, "the column port is missing: the network has learnt from age, port, fare"),
        ({"age": "1", "port": "S", "fare": "7", "prot": "S"}, r"the column prot is none .*did you mean port\?"),
        ({"age": "old", "port": "S", "fare": "7"}, "the column age holds 'old', but it is a column of numbers"),
        ({"age": "inf", "port": "S", "fare": "7"}, "the column age holds 'inf'"),
    ],
)
def test_rows_that_do_not_fit(learnt, row, message):
    with pytest.raises(DataError, match=message):
        learnt.read(row)


def test_kinds_can_be_chosen():
    rows = [{"zip": "10"}, {"zip": "9"}, {"zip": "x"}]
    assert learn_table(rows[:2], ("zip",)).columns[0].kind == "number"
    assert learn_table(rows[:2], ("zip",), categories=("zip",)).columns[0] == CategoryColumn("zip", ("10", "9"))
    forced = learn_table(rows, ("zip",), numbers=("zip",))
    with pytest.raises(DataError, match="the column zip holds 'x'"):
        forced.read(rows[2])


@pytest.mark.parametrize(("cells", "numbers"), [(("", "NaN"), ()), (("x", "y"), ("a",))])
def test_a_column_without_any_value(cells, numbers):
    with pytest.raises(DataError, match=r"the column a has no (value|number) in any training row.*data\.dropped"):
        learn_table([{"a": cell} for cell in cells], ("a",), numbers=numbers)


def test_only_training_rows_say_what_is_missing():
    """Where no training row lacks a number there is no indicator: a constant column would teach nothing."""
    assert learn_table(ROWS[:2], ("age",)).shape == (1,)


def test_json_and_back(learnt):
    assert TablePreprocess.from_json(json.loads(json.dumps(learnt.to_json()))) == learnt


@pytest.mark.parametrize("damage", [{"columns": 1}, {"columns": [{"kind": "number"}]}, {"ignored": None}])
def test_a_damaged_file_is_named(learnt, damage):
    with pytest.raises(RunError, match=r"preprocess\.json is damaged"):
        TablePreprocess.from_json(learnt.to_json() | damage)
    content = json.loads(json.dumps(learnt.to_json()))
    content["columns"][0]["deviation"] = 0.0  # by which nothing can be divided
    with pytest.raises(RunError, match="the numbers of the column age"):
        TablePreprocess.from_json(content)
    content = learnt.to_json()
    del content["ignored"]
    with pytest.raises(RunError, match=r"preprocess\.json is damaged"):
        TablePreprocess.from_json(content)


def test_unseen_categories_are_said(learnt):
    values = np.stack([learnt.read({"age": "1", "port": port, "fare": "7"}) for port in "SQX"])
    assert learnt.remarks(values) == f"{len(values)} rows of 7 values; 2 have port=other"
    assert learnt.remarks(values[:1]) == "1 rows of 7 values"


@pytest.mark.parametrize(
    ("cell", "number", "missing"),
    [
        ("1.5", 1.5, False),
        ("-2e3", -2000.0, False),
        ("NaN", None, True),
        ("", None, True),
        ("1_000", None, False),
        ("1,5", None, False),
        ("-inf", None, False),
    ],
)
def test_cells(cell, number, missing):
    assert number_of(cell) == number
    assert is_missing(cell) is missing


def test_numbers_that_are_not_standardised_are_seen_as_they_are():
    learnt = learn_table(ROWS, ("age", "fare"), ("port", "name"), standardized=False)
    assert learnt.columns[0] == NumberColumn("age", 3.0, 0.0, 1.0, True)
    np.testing.assert_array_equal([learnt.read(row) for row in ROWS], [[1, 0, 7], [3, 0, 7], [3, 1, 7], [5, 0, 7]])
