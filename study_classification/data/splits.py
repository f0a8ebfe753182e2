"""Which picture is for training, which for validation, which for the test: decided by content, not by chance."""

import csv
import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from study_classification.data.sources import SPLITS, TEST, TRAIN, VALIDATION
from study_classification.data.tables import plain_cell, read_csv
from study_classification.errors import DataError
from study_classification.paths import printable

COLUMNS = ("name", "label", "split", "pixels")


@dataclass(frozen=True)
class Picture:
    """What splitting needs to know: `pixels` is a digest of the decoded picture, equal for exact duplicates."""

    name: str
    label: str
    pixels: str


def split_sizes(count: int, ratio: Sequence[float]) -> dict[str, int]:
    """How many of `count` pictures go into each split: rounded, but training comes first, then validation.

    >>> split_sizes(20, (8, 1, 1))
    {'train': 16, 'validation': 2, 'test': 2}
    >>> split_sizes(3, (8, 1, 1))
    {'train': 1, 'validation': 1, 'test': 1}
    """
    total = sum(ratio)
    # A class has to appear in every split that is asked for as soon as it has pictures enough.
    validation, test = (max(round(count * part / total), int(part > 0)) for part in ratio[1:])
    validation = min(validation, max(count - 1, 0))
    test = min(test, max(count - 1 - validation, 0))
    return {TRAIN: count - validation - test, VALIDATION: validation, TEST: test}


def assign_splits(
    pictures: Iterable[Picture], ratio: Sequence[float], seed: int, pinned: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Draws a split for every picture, per class, by rank of a seeded hash of the content.

    Exact duplicates stay together, also where their labels differ (they count for the first of them in alphabetical
    order), so no picture of the test set has been trained on. Renaming, moving or copying files changes nothing.

    Args:
        pictures: all pictures.
        ratio: train : validation : test.
        seed: another one draws another split.
        pinned: digest of pixels -> split, of an earlier split: these stay, and only the others are drawn, so that
            each class comes as near to the ratio as it can.

    Returns:
        name -> split.
    """
    groups: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        groups[picture.pixels].append(picture)
    by_class: dict[str, list[str]] = defaultdict(list)
    for digest, group in groups.items():
        by_class[min(picture.label for picture in group)].append(digest)

    chosen = {digest: pinned[digest] for digest in groups if digest in pinned} if pinned else {}
    for digests in by_class.values():
        room = split_sizes(sum(len(groups[digest]) for digest in digests), ratio)
        for digest in digests:
            if digest in chosen:
                room[chosen[digest]] -= len(groups[digest])
        free = [digest for digest in digests if digest not in chosen]
        for digest in sorted(free, key=lambda digest: hashlib.sha256(f"{seed}:{digest}".encode()).digest()):
            # A group of duplicates goes where it still fits whole; training takes what fits nowhere else.
            split = next((name for name in (TEST, VALIDATION) if room[name] >= len(groups[digest])), TRAIN)
            chosen[digest] = split
            room[split] -= len(groups[digest])
    return {picture.name: chosen[digest] for digest, group in groups.items() for picture in group}


def splits_to_csv(rows: Iterable[tuple[Picture, str]]) -> str:
    """The text of splits.csv: one row a picture, sorted by name; no cell is a formula (see `tables.plain_cell`)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for name, label, split, pixels in sorted((one.name, one.label, split, one.pixels) for one, split in rows):
        writer.writerow((plain_cell(name), plain_cell(label), split, pixels))
    return text.getvalue()


def read_pinned(file: Path) -> dict[str, str]:
    """Digest of pixels -> split, from a splits.csv.

    Raises:
        DataError: if it is absent or no such file.
    """
    try:
        rows = [(line, row.get("pixels", ""), row.get("split", "")) for line, row in read_csv(file, COLUMNS[2:])]
    except DataError as error:
        raise DataError(
            f"{error}; as data.splits, give the splits.csv of an earlier run, with the columns {', '.join(COLUMNS)}"
        ) from None
    pinned: dict[str, str] = {}
    for line, pixels, split in rows:
        if split not in SPLITS or not pixels:
            raise DataError(
                f"the splits file {file}, line {line}: the split '{printable(split)}' of the pixels "
                f"'{printable(pixels)}' is none: give {', '.join(SPLITS)}, and a digest of pixels"
            )
        pinned[pixels] = split
    return pinned
