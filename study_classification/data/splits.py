"""Decides by its content whether an image is for training, validation or test."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int, Int8, Shaped

from study_classification.data.items import SPLITS, TEST, TRAIN, VALIDATION
from study_classification.data.tables import read_csv
from study_classification.errors import DataError
from study_classification.paths import printable

COLUMNS = ("name", "label", "split", "pixels")


def split_sizes(count: int, ratio: Sequence[float]) -> dict[str, int]:
    """How many of `count` images go into each split: rounded, but training comes first, then validation.

    >>> split_sizes(20, (8, 1, 1))
    {'train': 16, 'validation': 2, 'test': 2}
    >>> split_sizes(3, (8, 1, 1))
    {'train': 1, 'validation': 1, 'test': 1}
    """
    total = sum(ratio)
    # A class appears in every split that the ratio asks for, if it has enough images.
    validation, test = (max(round(count * part / total), int(part > 0)) for part in ratio[1:])
    validation = min(validation, max(count - 1, 0))
    test = min(test, max(count - 1 - validation, 0))
    return {TRAIN: count - validation - test, VALIDATION: validation, TEST: test}


def assign_splits(
    digests: Shaped[np.ndarray, " g"],
    group: Int[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    ratio: Sequence[float],
    seed: int,
    pinned: Mapping[str, str] | None = None,
    whole: bool = True,
) -> Int8[np.ndarray, " n"]:
    """Draws a split for every image: within each class, by the rank of a seeded hash of the content.

    Exact duplicates stay together, so no image of the test split is trained on. If their labels differ, they count for
    the first of their classes. Renaming, moving or copying files changes nothing.

    Args:
        digests: the digest of the pixels of each group of exact duplicates, as ASCII bytes.
        group: the group of each image, as an index into `digests`.
        labels: the class of each image.
        ratio: train : validation : test.
        seed: another seed draws another split.
        pinned: digest of pixels -> split, from an earlier split. These images keep their split. The others are drawn
            so that each class comes as near to the ratio as it can.
        whole: whether a group goes into validation or test only if it fits whole. Otherwise it goes there if that
            brings their sizes nearer to the ratio, as large groups need.

    Returns:
        The split of each image, as an index into `SPLITS`.
    """
    sizes = np.bincount(group, minlength=len(digests))
    classes = np.full(len(digests), np.iinfo(np.int32).max, np.int32)
    np.minimum.at(classes, group, labels)
    chosen = np.full(len(digests), -1, np.int8)
    if pinned:
        for number, digest in enumerate(digests):
            chosen[number] = SPLITS.index(pinned[digest.decode()]) if digest.decode() in pinned else -1
    ranks = np.empty(len(digests), "S16")  # half of the hash: there may be millions
    for number, digest in enumerate(digests):
        ranks[number] = hashlib.sha256(b"%d:%s" % (seed, digest)).digest()
    order = np.lexsort((ranks, classes))
    for members in np.split(order, np.flatnonzero(np.diff(classes[order])) + 1):
        room = np.array([split_sizes(int(sizes[members].sum()), ratio)[name] for name in SPLITS])
        fixed = members[chosen[members] >= 0]
        np.subtract.at(room, chosen[fixed], sizes[fixed])
        _draw(members[chosen[members] < 0], sizes, room, chosen, whole)
    return chosen[group]


def assign_clusters(
    digests: Shaped[np.ndarray, " g"],
    group: Int[np.ndarray, " n"],
    cluster: Int[np.ndarray, " n"],
    labels: Int[np.ndarray, " n"],
    ratio: Sequence[float],
    seed: int,
    pinned: Mapping[str, str] | None = None,
) -> Int8[np.ndarray, " n"]:
    """Does what `assign_splits` does, but keeps whole clusters together. A cluster is ranked by its first digest.

    A pinned image keeps its split, and the new images of its cluster get the same one.

    Args:
        digests: as in `assign_splits`, sorted.
        group: the group of exact duplicates of each image.
        cluster: the cluster of each image; a group lies in one cluster.
        labels: the class of each image.
        ratio: train : validation : test.
        seed: another seed draws another split.
        pinned: digest of pixels -> split, from an earlier split.
    """
    numbers, cluster = np.unique(cluster, return_inverse=True)
    first = np.full(len(numbers), len(digests), np.int64)
    np.minimum.at(first, cluster, group)
    pins: dict[str, str] = {}
    fixed = np.full(len(group), -1, np.int8)
    for place in np.argsort(group, kind="stable").tolist() if pinned else ():
        split = (pinned or {}).get(digests[group[place]].decode())
        if split is not None:
            fixed[place] = SPLITS.index(split)
            pins.setdefault(digests[first[cluster[place]]].decode(), split)
    splits = assign_splits(digests[first], cluster, labels, ratio, seed, pins, whole=False)
    return np.where(fixed >= 0, fixed, splits)


def _draw(
    ranked: Int[np.ndarray, " k"],
    sizes: Int[np.ndarray, " g"],
    room: Int[np.ndarray, " 3"],
    chosen: np.ndarray,
    whole: bool,
) -> None:
    """Gives a split to each group of a class, in the order of their ranks."""
    train, validation, test = map(SPLITS.index, (TRAIN, VALIDATION, TEST))
    half, empty = sizes[ranked].sum() / 2, set(np.flatnonzero(room > 0).tolist())

    def fits(split: int, group: int) -> bool:
        return room[split] >= sizes[group]

    def comes_nearer(split: int, group: int) -> bool:
        """Whether the group brings the split nearer to its size. An empty split also takes up to half of the class."""
        return sizes[group] < 2 * room[split] or (split in empty and sizes[group] <= half)

    for number, group in enumerate(ranked):
        if room[test] <= 0 and room[validation] <= 0:
            chosen[ranked[number:]] = train
            return
        if whole:
            # A group of duplicates goes where it still fits whole; training takes what fits nowhere else.
            split = next((name for name in (test, validation) if fits(name, group)), train)
        elif train in empty and number == len(ranked) - 1:
            split = train
        else:
            able = [name for name in (validation, test) if comes_nearer(name, group)]
            split = min(able, key=lambda name: name not in empty, default=train)
        chosen[group] = split
        room[split] -= sizes[group]
        empty.discard(split)


def read_pinned(file: Path) -> dict[str, str]:
    """Digest of pixels -> split, from a splits.csv.

    Raises:
        DataError: if there is no such file, or it is no splits.csv.
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
