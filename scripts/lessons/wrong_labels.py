"""Makes, for lesson 10, digits with some wrong labels, and corrects the labels of the worst mistakes.

python scripts/lessons/wrong_labels.py make FOLDER        FOLDER/images, truth.csv, and noisy.csv with wrong labels
python scripts/lessons/wrong_labels.py clean FOLDER RUN   FOLDER/cleaned.csv: labels in RUN/worst.csv are corrected

A tenth of the training labels becomes another digit, by a seeded rule. Validation and test keep their right labels, so
they measure the same before and after.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from study_classification.data.sources import list_digits
from study_classification.system.console import complete_streams, say

SEED = 0
SIZES = {"train": 600, "validation": 500}  # the rest is for the test
WRONG = 60  # of the training labels


def make(folder: Path) -> None:
    """Writes the images and two manifests: one with the right labels, one with some wrong labels."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    items, generator = list_digits().items, np.random.default_rng(SEED)
    order = generator.permutation(len(items)).tolist()
    splits = np.repeat([*SIZES, "test"], [*SIZES.values(), len(items) - sum(SIZES.values())]).tolist()
    rows = []
    for number, (place, split) in enumerate(zip(order, splits, strict=True)):
        (folder / "images" / f"{number:04}.png").write_bytes(items[place].data)
        rows.append({"path": f"images/{number:04}.png", "label": items[place].label, "split": split})
    write(folder / "truth.csv", rows)
    for number in generator.choice(SIZES["train"], WRONG, replace=False).tolist():
        rows[number]["label"] = str((int(rows[number]["label"]) + int(generator.integers(1, 10))) % 10)
    write(folder / "noisy.csv", rows)
    say(f"{WRONG} of {SIZES['train']} training labels are wrong in {folder / 'noisy.csv'}")


def clean(folder: Path, run: Path) -> None:
    """Corrects the labels of the images that the run lists as its worst, as a person would who looks at each."""
    right = {row["path"]: row["label"] for row in read(folder / "truth.csv")}
    rows, named = read(folder / "noisy.csv"), [row["name"] for row in read(run / "worst.csv")]
    wrong = {row["path"] for row in rows if row["label"] != right[row["path"]]}
    for row in rows:
        row["label"] = right[row["path"]] if row["path"] in named else row["label"]
    write(folder / "cleaned.csv", rows)
    found = len(wrong.intersection(named))
    say(f"{len(named)} images looked at, {found} of the {len(wrong)} wrong labels found; {folder / 'cleaned.csv'}")


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write(file: Path, rows: list[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("make", "clean"):
        verbs.add_parser(verb).add_argument("folder", type=Path)
    verbs.choices["clean"].add_argument("run", type=Path)
    options = parser.parse_args()
    if options.verb == "make":
        make(options.folder)
    else:
        clean(options.folder, options.run)


if __name__ == "__main__":
    complete_streams()
    main()
