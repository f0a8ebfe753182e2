import csv

import pytest

from study_classification.data.tables import plain_cell, read_csv


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat", "cat"),
        ("", ""),
        ("a=1", "a=1"),
        ("-1", "-1"),
        ("+1.5e3", "+1.5e3"),
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("\t=1", "'\t=1"),
        ("'=1", "''=1"),  # else it could not be told from that of =1
    ],
)
def test_no_cell_is_a_formula(text, expected):
    assert plain_cell(text) == expected


def test_a_long_cell_and_rows_over_several_lines_keep_the_numbers_of_their_lines(tmp_path):
    file = tmp_path / "t.csv"
    with file.open("w", newline="") as lines:
        csv.writer(lines).writerows([["a", "b"], ["x" * 200_000, "1\n2"], [], ["y", "3"]])
    rows = list(read_csv(file, ("a",)))
    assert [(line, len(row["a"]), row["b"]) for line, row in rows] == [(2, 200_000, "1\n2"), (5, 1, "3")]


def test_a_quotation_may_begin_behind_a_blank(tmp_path):
    (tmp_path / "t.csv").write_text('a, b\n1, "2, 3"\n')
    assert list(read_csv(tmp_path / "t.csv", ("a",))) == [(2, {"a": "1", "b": "2, 3"})]


def test_empty_cells_behind_the_last_column_are_none(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2,,\n")  # as spreadsheets leave them
    assert list(read_csv(tmp_path / "t.csv", ("a",))) == [(2, {"a": "1", "b": "2"})]


def test_cells_that_a_row_lacks_are_absent(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1")
    assert list(read_csv(tmp_path / "t.csv", ("a",))) == [(2, {"a": "1"})]
