"""The readable images of a source as columns, their splits, and the report on them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int32, Int64, Shaped
from ml_collections import ConfigDict

from study_classification.data.groups import Grouping
from study_classification.data.items import SPLITS, TRAIN, VALIDATION
from study_classification.data.splits import assign_clusters, assign_splits
from study_classification.data.staging import Part, Row, Stage
from study_classification.errors import DataError


@dataclass(frozen=True)
class Found:
    """The readable images of a source, as columns in the order of the listing, for there may be millions.

    Attributes:
        class_names: sorted; empty if labels are numbers.
        labels: the label of each image, a class or a number.
        own: the split that the source gives each image, as an index into SPLITS; -1 for none.
        digests: a digest of the decoded pixels of each group of exact duplicates.
        group: the group of each image, as an index into `digests`.
        sizes: the size of each file, in bytes.
        starts: the number of the first image of each part of the source, and last the number of images.
        unreadable: name -> reason.
        cluster: the cluster of each image; images of a cluster stay in one split. None if only duplicates do.
    """

    class_names: tuple[str, ...]
    labels: Int32[np.ndarray, " n"] | Float32[np.ndarray, " n"]
    own: Int8[np.ndarray, " n"]
    digests: Shaped[np.ndarray, " g"]
    group: Int32[np.ndarray, " n"]
    sizes: Int64[np.ndarray, " n"]
    starts: Int64[np.ndarray, " p"]
    unreadable: dict[str, str]
    cluster: Int32[np.ndarray, " n"] | None = None


def look_through(
    source: str, stage: Stage, parts: Sequence[Part], numbers: dict[str, float] | None, grouping: Grouping
) -> Found:
    """The images on the stage, as columns. `numbers` has the number of each label, if labels are numbers.

    Raises:
        DataError: if no image is readable.
    """
    codes: dict[str, int] = {}
    unreadable: dict[str, str] = {}
    # Made at once: the memory of a million small arrays would not be given back to the system.
    columns = [np.empty(parts[-1].stop, kind) for kind in (np.int32, np.int8, np.int64, "S32")]
    starts = [0]
    names: list[str] = []  # with their looks, if anything is to be kept together
    looks: list[str] = []
    for part in parts:
        rows = stage.rows(part)
        unreadable |= {row.name: row.reason for row in rows if not row.pixels}
        rows = readable(rows)
        if grouping:
            names += (row.name for row in rows)
            looks += (row.look for row in rows)
        start, stop = starts[-1], starts[-1] + len(rows)
        columns[0][start:stop] = [codes.setdefault(row.label, len(codes)) for row in rows]
        columns[1][start:stop] = [SPLITS.index(row.split) if row.split else -1 for row in rows]
        columns[2][start:stop] = [row.size for row in rows]
        columns[3][start:stop] = [row.pixels for row in rows]
        starts.append(stop)
    if not codes:
        name, reason = next(iter(unreadable.items()))
        raise DataError(
            f"none of the {len(unreadable)} pictures of {source} can be read: {name}, for instance: {reason}"
        )
    digests, group = group_digests(columns.pop()[: starts[-1]])
    labels, own, sizes = (column[: starts[-1]] for column in columns)
    cluster = grouping.clusters(group, names, looks)
    if numbers is not None:
        values = np.array([numbers[name] for name in codes], np.float32)
        return Found((), values[labels], own, digests, group, sizes, np.array(starts), unreadable, cluster)
    class_names = tuple(sorted(codes))
    sorted_codes = np.empty(len(codes), np.int32)
    sorted_codes[[codes[name] for name in class_names]] = np.arange(len(codes))
    return Found(class_names, sorted_codes[labels], own, digests, group, sizes, np.array(starts), unreadable, cluster)


def readable(rows: Iterable[Row]) -> list[Row]:
    """The rows of images that can be read."""
    return [row for row in rows if row.pixels]


def group_digests(column: Shaped[np.ndarray, " n"]) -> tuple[Shaped[np.ndarray, " g"], Int32[np.ndarray, " n"]]:
    """(sorted digests, index of the digest of each image). `np.unique` would hold four copies at once."""
    order = np.argsort(column)
    column = column[order]
    first = np.append(True, column[1:] != column[:-1])
    group = np.empty(len(column), np.int32)
    group[order] = np.cumsum(first) - 1
    return column[first], group


def choose_splits(found: Found, data_config: ConfigDict, pinned: dict[str, str] | None) -> Int8[np.ndarray, " n"]:
    """The split of each image: that of the source if it has splits, else a drawn one.

    Validation is drawn from training if the source has no validation split. Images are drawn class by class, or all
    together if labels are numbers.
    """
    ratio = tuple(data_config.split_ratio)
    if (found.own < 0).all():
        return _draw_splits(found, np.ones(len(found.labels), bool), ratio, data_config.split_seed, pinned)
    splits = found.own.copy()
    if SPLITS.index(VALIDATION) not in splits:
        training = splits == SPLITS.index(TRAIN)
        splits[training] = _draw_splits(found, training, (*ratio[:2], 0), data_config.split_seed, pinned)
    return splits


def _draw_splits(
    found: Found, chosen: Bool[np.ndarray, " n"], ratio: Sequence[float], seed: int, pinned: dict[str, str] | None
) -> Int8[np.ndarray, " k"]:
    """The splits of the chosen images."""
    classes = found.labels if found.class_names else np.zeros(len(found.labels), np.int32)
    group, classes = found.group[chosen], classes[chosen]
    if found.cluster is None:
        return assign_splits(found.digests, group, classes, ratio, seed, pinned)
    return assign_clusters(found.digests, group, found.cluster[chosen], classes, ratio, seed, pinned)


def check_splits(source: str, found: Found, splits: Int8[np.ndarray, " n"], noun: str = "pictures") -> None:
    """Raises DataError unless there are examples of several classes, or of numbers, to train on and to validate on."""
    if not found.class_names:
        for name in (TRAIN, VALIDATION):
            if not (splits == SPLITS.index(name)).any():
                raise DataError(
                    f"{source} has no {noun} left for the split {name}: give at least two of them, better a hundred, "
                    "that are not copies of each other"
                )
        return
    if len(found.class_names) < 2:
        raise DataError(
            f"{source} has only one class, {found.class_names[0]}: telling classes apart needs at least two"
        )
    counts = _counts(found, splits)
    for name, of_class in zip(found.class_names, counts, strict=True):
        if not of_class[SPLITS.index(TRAIN)]:
            raise DataError(f"the class {name} of {source} has no training {noun}: add some, or remove the class")
    if not counts[:, SPLITS.index(VALIDATION)].any():
        raise DataError(
            f"{source} has no {noun[:-1]} left for validation: give each class at least two {noun}, "
            "better twenty, that are not copies of each other"
        )


def _counts(found: Found, splits: Int8[np.ndarray, " n"]) -> Int64[np.ndarray, "classes splits"]:
    cells = found.labels.astype(np.int64) * len(SPLITS) + splits
    return np.bincount(cells, minlength=len(found.class_names) * len(SPLITS)).reshape(-1, len(SPLITS))


def report_of(source: str, found: Found, splits: Int8[np.ndarray, " n"], copies: list[list[tuple[int, str]]]) -> dict:
    """The report on the images. What else lies in the source is not in it: it is listed anew at every start."""

    def differing(values: np.ndarray) -> list[list[str]]:
        return [
            [name for _, name in group] for group in copies if len({float(values[number]) for number, _ in group}) > 1
        ]

    return {
        "source": source,
        "pictures": len(found.labels),
        **_report_of_labels(found, splits),
        "unreadable": found.unreadable,
        "duplicates": [[name for _, name in group] for group in copies],
        "two_labels": differing(found.labels),
        "in_two_splits": differing(splits),
    }


def _report_of_labels(found: Found, splits: Int8[np.ndarray, " n"]) -> dict:
    """How many images each class has in each split; if labels are numbers, their distribution in each split."""
    if found.class_names:
        counts = zip(found.class_names, _counts(found, splits).tolist(), strict=True)
        return {"classes": {name: dict(zip(SPLITS, of_class, strict=True)) for name, of_class in counts}}
    of_split = {name: found.labels[splits == number].astype(np.float64) for number, name in enumerate(SPLITS)}
    return {
        "classes": {},
        "numbers": {
            name: {
                "pictures": len(numbers),
                "lowest": float(numbers.min()),
                "mean": float(numbers.mean()),
                "highest": float(numbers.max()),
                "deviation": float(numbers.std()),
            }
            for name, numbers in of_split.items()
            if len(numbers)
        },
    }
