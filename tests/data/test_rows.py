import csv
import io

import numpy as np
import pytest

from study_classification.configs import default
from study_classification.data.dataset import class_names, open_dataset
from study_classification.data.rows import learn_preprocess, list_rows, read_rows
from study_classification.errors import DataError
from study_classification.inputs.kinds import TABLES, TEXTS


@pytest.fixture
def settings(tmp_path):
    """(CSV, fields) -> `config.data` of a table, or of what `input` says."""

    def make(text, /, **fields):
        file = tmp_path / "rows.csv"
        file.write_text(text, encoding="utf-8")
        config = default.get_config().data
        config.update({"source": str(file), "input": TABLES} | fields)
        return config

    return make


def forty(split=""):
    """40 rows of two classes, of which lines 2 and 3 are the same."""
    rows = [f"{max(number, 1)},{'ab'[number % 3 == 0]},{'yes' if number < 20 else 'no'}" for number in range(40)]
    rows[0] = rows[1]
    return "size,kind,target\n" + "\n".join(rows) + "\n"


def test_splits_are_drawn_by_content_and_keep_duplicates_together(settings):
    data = open_dataset(settings(forty()))
    assert data.class_names == ("no", "yes") == class_names(settings(forty()))
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 32, "validation": 4, "test": 4}
    rows = list(csv.DictReader(io.StringIO(data.splits_csv)))
    assert [row["name"] for row in rows] == [f"line {number}" for number in range(2, 42)]
    assert rows[0]["pixels"] == rows[1]["pixels"] and rows[0]["split"] == rows[1]["split"]
    assert data.report["duplicates"] == [["line 2", "line 3"]] and data.report["two_labels"] == []
    of_content = {row["pixels"]: row["split"] for row in rows}

    lines = forty().splitlines()
    moved = open_dataset(settings("\n".join([lines[0], *reversed(lines[1:])])))
    assert {row["pixels"]: row["split"] for row in csv.DictReader(io.StringIO(moved.splits_csv))} == of_content
    assert moved.key != data.key
    fewer = open_dataset(settings(forty(), columns="size"))
    assert [row["split"] for row in csv.DictReader(io.StringIO(fewer.splits_csv))] == [row["split"] for row in rows]
    other = open_dataset(settings(forty(), split_seed=1))
    assert [row["split"] for row in csv.DictReader(io.StringIO(other.splits_csv))] != [row["split"] for row in rows]


def test_an_earlier_split_stays(settings, tmp_path):
    first = open_dataset(settings(forty()))
    (tmp_path / "splits.csv").write_text(first.splits_csv)
    again = open_dataset(settings(forty(), splits=str(tmp_path / "splits.csv"), split_seed=5))
    assert again.splits_csv == first.splits_csv and again.key == first.key


def test_a_split_column_is_followed_and_leaks_are_said(settings):
    text = "x,target,split\n1,a,train\n2,b,Training\n3,a,val\n2,b,test\n"
    data = open_dataset(settings(text))
    assert {name: split.names for name, split in data.splits.items()} == {
        "train": ("line 2", "line 3"),
        "validation": ("line 4",),
        "test": ("line 5",),
    }
    assert data.report["in_two_splits"] == [["line 3", "line 5"]]
    assert "rows in two splits, so the test is not blind" in data.describe()
    assert data.split("train").columns == ("x",)
    np.testing.assert_array_equal(data.labels("train", None), [0, 1])


@pytest.mark.parametrize(
    ("fields", "columns", "ignored"),
    [
        ({}, ("a", "b"), {"t", "split", ""}),  # the splits of train and test
        ({"columns": "b"}, ("b",), {"a", "t", "split", ""}),
        ({"dropped": "b"}, ("a",), {"b", "t", "split", ""}),
        ({"columns": "split, a"}, ("split", "a"), {"b", "t", ""}),
        ({"input": TEXTS, "text": "a"}, ("a",), {"b", "t", "split", ""}),
    ],
)
def test_columns(settings, fields, columns, ignored):
    table = list_rows(settings(",split,a,b,t\n7,train,1,2,x\n8,test,3,4,y\n", target="t", **fields))
    assert table.columns == columns and set(table.ignored) - set(columns) == ignored
    assert [list(row) for row in table.rows] == [list(columns)] * 2
    assert table.own.tolist() == ([-1, -1] if "split" in columns else [0, 2])  # what is learnt from splits nothing


def test_names_of_classes_that_are_alike_are_said(settings):
    text = "x,target\n" + "".join(f"{n},{name}\n" for n, name in enumerate(["cat", "Cat", "café", "cafe\u0301"] * 5))
    report = open_dataset(settings(text)).report
    assert report["merged_classes"] == ["'cafe\u0301' = 'café'"] and report["similar_classes"] == ["'Cat' / 'cat'"]
    numbers = "x,target\n" + "".join(f"{n},{n}\n" for n in range(20))
    assert open_dataset(settings(numbers), numbers=True).report["merged_classes"] == []


def test_what_is_learnt_follows_the_fields(settings):
    text = "x,y,target,split\n1,5,a,train\n3,7,b,train\n1,5,a,validation\n"
    config = settings(text, categories="y", standardized=False)
    number, category = learn_preprocess(config, open_dataset(config).split("train")).columns
    assert (number.mean, number.deviation, category.categories) == (0.0, 1.0, ("5", "7"))
    config = settings(text.replace("5", "?").replace("7", "?"), numbers="y")
    with pytest.raises(DataError, match="the column y has no number in any training row"):
        learn_preprocess(config, open_dataset(config).split("train"))
    config = settings("text,target,split\na b c,x,train\na,y,train\na,x,validation\n", input=TEXTS)
    config.vocabulary, config.length = 1, 2
    learnt = learn_preprocess(config, open_dataset(config).split("train"))
    assert (learnt.words, learnt.length) == (("a",), 2)


@pytest.mark.parametrize(
    ("text", "fields", "message"),
    [
        ("x,target\n", {}, "has no rows"),
        ("x,y\n1,2\n", {}, r"must name the columns target, but is 'x,y'; data\.target names"),
        ("x,target\n1,a\n2,\n", {}, "line 3: the column target is empty"),
        ("target\na\n", {}, "no column but target"),
        ("x,target\n1,a\n", {"columns": "z"}, r"data\.columns names the column 'z'.* valid are: x"),
        ("x,target\n1,a\n", {"dropped": "z"}, r"data\.dropped names the column 'z'"),
        ("x,target\n1,a\n", {"columns": "target"}, "the column target has the labels"),
        ("x,target\n1,a\n", {"input": TEXTS}, r"data\.text names the column 'text'"),
        ("x,target,split\n1,a,train\n2,b,tset\n", {}, "line 3: the split 'tset' is none of"),
        ("x,target,split\n1,a,train\n2,b,\n", {}, "line 3: it has no split, but other rows have one"),
        ("x,target\n1,a\n2,a\n", {}, "has only one class, a"),
        ("x,target\n1,a\n2,b\n", {}, "has no row left for validation: give each class at least two rows"),
        ("x,target\n1,a\n", {"source": "sklearn:digit"}, "there is no table 'digit' of sklearn"),
        ("x,target\n1,a\n", {"source": "sklearn:iris", "target": "kind"}, r"no column kind: .*data\.target=target"),
        ("x,target\n1,a\n", {"source": "nothing.csv"}, "'nothing.csv' does not exist: for data.input=tables"),
        ("x,target\n1,a\n", {"source": "."}, "'.' is no CSV file"),
    ],
)
def test_sources_that_cannot_be_used(settings, text, fields, message):
    with pytest.raises(DataError, match=message):
        open_dataset(settings(text, **fields))


def test_text_that_is_no_utf8_is_named(settings, tmp_path):
    config = settings("")
    (tmp_path / "rows.csv").write_bytes("x,target\n映画,a\n".encode("shift-jis"))
    with pytest.raises(DataError, match="line 2: the column x is no UTF-8 text"):
        open_dataset(config)


def test_a_row_that_does_not_fit_the_training_rows_is_named(settings):
    config = settings("x,target,split\n1,a,train\n2,b,train\nold,a,validation\n")
    data = open_dataset(config)
    learnt = learn_preprocess(config, data.split("train"))
    np.testing.assert_array_equal(read_rows(data.split("train"), learnt), [[-1], [1]])
    with pytest.raises(DataError, match=r"rows\.csv, line 4: the column x holds 'old'"):
        read_rows(data.split("validation"), learnt)


@pytest.mark.parametrize(
    ("name", "rows", "columns", "classes"),
    [
        ("iris", 150, 4, ("setosa", "versicolor", "virginica")),
        ("wine", 178, 13, ("class_0", "class_1", "class_2")),
        ("breast_cancer", 569, 30, ("benign", "malignant")),
    ],
)
def test_tables_of_scikit_learn(settings, name, rows, columns, classes):
    table = list_rows(settings("", source=f"sklearn:{name}"))
    assert len(table.rows) == rows and len(table.columns) == columns
    assert tuple(sorted(set(table.labels))) == classes


def test_diabetes_is_in_its_own_units(settings):
    table = list_rows(settings("", source="sklearn:diabetes"))
    assert len(table.rows) == 442 and len(table.columns) == 10
    assert table.rows[0]["age"] == "59.0" and table.labels[0] == "151.0"
