import math

import numpy as np
import pytest

from study_classification.errors import DataError
from study_classification.inference.given_rows import is_single_row, read_given_rows, rows_of_files
from study_classification.inputs.tables import learn_table
from study_classification.inputs.texts import learn_texts

TABLE = learn_table([{"n": "1", "kind": "a"}, {"n": "", "kind": "b"}, {"n": "3", "kind": "a"}], ("n", "kind"), ("id",))
TEXT = learn_texts(["good film"], "text", 10)


def given(rows, preprocess=TABLE):
    return [values.tolist() for values in read_given_rows(rows, preprocess)]


def test_rows_of_a_table_as_programs_have_them(tmp_path):
    missing = [0, 1, 1, 0, 0]  # the median 2 is also the mean
    assert given({"n": None, "kind": "a"}) == given([{"n": math.nan, "kind": "a"}]) == [missing]
    assert given([{"n": np.float64("nan"), "kind": "a", "id": 7}, {"n": 2, "kind": "c"}]) == [missing, [0, 0, 0, 0, 1]]
    (tmp_path / "new.csv").write_text("kind;n\na;\nc;2\n")
    assert given(tmp_path / "new.csv") == given(str(tmp_path / "new.csv")) == [missing, [0, 0, 0, 0, 1]]
    assert given([{"n": 0, "kind": "a"}]) == given([{"n": "0", "kind": "a"}]) != [missing]  # 0 is a number
    assert given([]) == []


def test_texts_as_programs_have_them(tmp_path):
    assert given("A good film", TEXT) == [[1, 3]]
    assert given([{"text": math.nan}, {"text": None}], TEXT) == [[0, 0], [0, 0]]  # and not the word nan
    assert given(["good", {"text": "film", "id": 7}], TEXT) == [[3, 0], [2, 0]]
    (tmp_path / "new.csv").write_text("text\nGOOD\n")
    assert given(str(tmp_path / "new.csv"), TEXT) == [[3, 0]]


@pytest.mark.parametrize(
    ("rows", "preprocess", "single"),
    [
        ({"n": 1}, TABLE, True),
        ([{"n": 1}], TABLE, False),
        ("new.csv", TABLE, False),
        ("new", TABLE, False),
        ("new.csv", TEXT, False),
        ("NEW.CSV", TEXT, False),
        ("good film", TEXT, True),
        (["good film"], TEXT, False),
    ],
)
def test_whether_one_row_is_meant(rows, preprocess, single):
    assert is_single_row(rows, preprocess) is single


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"n": 1, "kind": "a"}, {"n": 1}], "row 1: the column kind is missing"),
        ({"n": "x", "kind": "a"}, "the row: the column n holds 'x'"),
        ([3], "row 0 is of the type int: give a dict"),
        (3, "the type int is no row"),
        (b"x", "the type bytes is no row"),
        ("absent.csv", "absent.csv cannot be read: it does not exist"),
    ],
)
def test_rows_that_cannot_be_read(rows, message):
    with pytest.raises(DataError, match=message):
        given(rows)


def test_a_row_of_a_file_that_does_not_fit_is_named_by_its_line(tmp_path):
    (tmp_path / "new.csv").write_text("kind,n\na,1\na,x\n")
    with pytest.raises(DataError, match=r"new\.csv, line 3: the column n holds 'x'"):
        given(tmp_path / "new.csv")


def test_a_file_that_cannot_be_used_stops_no_other(tmp_path):
    good, other = tmp_path / "good.csv", tmp_path / "other.csv"
    good.write_text("kind,n\na,1\n")
    other.write_text("kind,m\na,1\n")
    listed = list(rows_of_files([str(other), str(tmp_path), str(good)], TABLE))
    assert [(file, line) for file, line, _, _ in listed] == [(str(other), 0), (str(tmp_path), 0), (str(good), 2)]
    assert "the column n is missing" in listed[0][3] and "it is a folder" in listed[1][3] and not listed[2][3]
    assert listed[2][2] == {"kind": "a", "n": "1"}


def test_no_row_is_passed_over_without_a_word(tmp_path):
    empty, latin = tmp_path / "empty.csv", tmp_path / "latin.csv"
    empty.write_text("kind,n\n")
    latin.write_bytes(b"kind,n,id\ncaf\xe9,1,1\na,1,caf\xe9\n")
    listed = list(rows_of_files([str(empty), str(latin)], TABLE))
    assert [(file, line) for file, line, _, _ in listed] == [(str(empty), 0), (str(latin), 2), (str(latin), 3)]
    assert "empty.csv has no rows below its first line" in listed[0][3]
    assert "the column kind is no UTF-8 text" in listed[1][3] and not listed[2][3]
