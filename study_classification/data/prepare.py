"""A listed source becomes a TFDS data set in the cache, once: every image is read, judged and given its split.

CACHE/fingerprints/, CACHE/staging/     see `staging.py`
CACHE/prepared/KEY/                     an entry, see `system/entries.py`; the key is the content and how it is split
    prepared_images/1.0.0/              TFDS, ArrayRecord, the original encoded bytes
    labels-SPLIT.npy                    the class, or the number, of every image of a split
    data_report.json                    what was found
    splits.csv                          which image is in which split
"""

import csv
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int, Int8, Int32, Int64, Shaped
from ml_collections import ConfigDict

from study_classification.data.groups import Grouping
from study_classification.data.items import SPLITS, TRAIN, VALIDATION
from study_classification.data.sources import Listing, numbers_of
from study_classification.data.splits import COLUMNS, assign_clusters, assign_splits, read_pinned
from study_classification.data.staging import Fingerprints, Part, Row, Stage, content_of, find_parts, is_settled
from study_classification.data.tables import plain_cell
from study_classification.errors import ConfigError, DataError
from study_classification.paths import on_bucket, user_path
from study_classification.system import entries
from study_classification.system.console import progress, say
from study_classification.system.files import unwritable, write_json
from study_classification.system.locks import taking_turns
from study_classification.system.threads import num_workers

FORMAT = 2  # part of every key: raise it when what is prepared changes


def cache_directory(data_config: ConfigDict) -> Path:
    """The directory for all that can be made again: `data.cache_dir`, else below the user's cache directory.

    Raises:
        ConfigError: if it lies on a bucket.
    """
    cache = data_config.cache_dir or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    if on_bucket(cache):
        raise ConfigError(
            f"the cache cannot lie on a bucket ({cache}), for its files are mapped into memory: give a folder of this "
            "machine as --config.data.cache_dir"
        )
    return user_path(cache) / ("" if data_config.cache_dir else "study_classification")


def prepare(
    source: str,
    listing: Listing,
    data_config: ConfigDict,
    everything_in: str = "",
    for_training: bool = True,
    numbers: bool = False,
) -> Path:
    """Prepares the data set if its content has not been prepared before.

    Args:
        source: name of the source, for messages and for the cache of fingerprints.
        listing: its images.
        data_config: `config.data`.
        everything_in: one split that takes all images, whatever the source says; '' draws splits as usual.
        for_training: whether there have to be images of several classes for training and validation.
        numbers: whether labels are numbers, and not classes.

    Returns:
        The directory of the prepared data set.

    Raises:
        DataError: if images cannot be read and `data.on_unreadable` is `error`, if nothing useful is left, or if a
            label is no number.
        EnvironmentFault: if the cache cannot be written.
    """
    values = numbers_of(source, listing.class_names) if numbers else None
    preparation = Preparation(source, listing, data_config, everything_in, for_training, values)
    try:
        folder = preparation.known() or preparation.make()
    except OSError as error:
        raise unwritable(cache_directory(data_config), error) from None
    unreadable = json.loads((folder / "data_report.json").read_text(encoding="utf-8"))["unreadable"]
    if unreadable and data_config.on_unreadable == "error":
        name, reason = next(iter(unreadable.items()))
        if len(unreadable) > 1:
            reason = f"{reason} (and {len(unreadable) - 1} more)"
        raise DataError(
            f"{source}: {name} cannot be read: {reason}; remove it, or allow --config.data.on_unreadable=skip"
        )
    return folder


@dataclass(frozen=True)
class Found:
    """The readable images of a source, as columns in the order of the listing: there may be millions.

    Attributes:
        class_names: sorted; none where labels are numbers.
        labels: the class of each, or its number.
        own: the split that the source gives each, as an index into SPLITS; -1 for none.
        digests: of the decoded pixels of each group of exact duplicates.
        group: that of each image.
        sizes: bytes of each file.
        starts: of each part of the source, the number of the first image; at the end, the number of all.
        unreadable: name -> reason.
        cluster: that of each image, all of which stay in one split; None where exact duplicates alone do.
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


class Preparation:
    """One source on its way into the cache."""

    def __init__(
        self,
        source: str,
        listing: Listing,
        data_config: ConfigDict,
        everything_in: str,
        for_training: bool,
        numbers: dict[str, float] | None,
    ):
        self._source, self._items, self._config = source, listing.items, data_config
        self._everything_in, self._for_training, self._numbers = everything_in, for_training, numbers
        self._workers = num_workers(data_config.workers)
        self._grouping = Grouping.of(data_config, listing.groups)
        self._pinned = read_pinned(user_path(data_config.splits)) if data_config.splits else None
        place = hashlib.sha256(os.fsencode(source if on_bucket(source) else os.path.abspath(source))).hexdigest()[:20]
        self._cache = cache_directory(data_config)
        self._fingerprints = self._cache / "fingerprints" / f"{place}.txt"
        kind = f"{data_config.max_megapixels:g}" + ("-looked-at" if self._grouping.near else "")
        self._staging = self._cache / "staging" / f"{place}-{kind}"

    def known(self) -> Path | None:
        """The data set, if no file of the source has changed since it was prepared."""
        parts = find_parts(self._items, self._workers)
        known = Fingerprints(self._fingerprints)
        if not all(part.stamp in known for part in parts):
            return None
        folder = self._folder(known.read(part.stamp) for part in parts)
        return folder if not entries.damage(folder) else None

    def make(self) -> Path:
        """Reads what has changed, and all of it if that is no content that was prepared before."""
        for folder in (self._cache / "prepared", self._fingerprints.parent, self._staging.parent):
            folder.mkdir(parents=True, exist_ok=True)
        waiting = f"Another process is reading {self._source}: waiting for it ..."
        with taking_turns(self._staging.with_name(f"{self._staging.name}.lock"), waiting) as alone:
            staging = self._staging if alone else self._staging.with_name(f"{self._staging.name}.{uuid.uuid4().hex}")
            stage = Stage(staging, self._config.max_megapixels, looked_at=self._grouping.near)
            parts = find_parts(self._items, self._workers)
            known = Fingerprints(self._fingerprints)
            fresh = {part.stamp for part in parts if part.stamp not in known}

            def contents() -> Iterator[bytes]:
                return (
                    content_of(stage.rows(part)) if part.stamp in fresh else known.read(part.stamp) for part in parts
                )

            self._read(stage, [part for part in parts if part.stamp in fresh])
            folder = self._folder(contents())
            if not entries.is_whole(folder):
                self._read(stage, [part for part in parts if part.stamp not in fresh])
                fresh = {part.stamp for part in parts}
                folder = self._folder(contents())
                if entries.damage(folder):
                    self._write(stage, parts, staging / folder.name, folder)
            self._remember(stage, parts, fresh, known)
            entries.remove(staging)
        return folder

    def _folder(self, contents: Iterable[bytes]) -> Path:
        """The place of the data set with this content."""
        config = self._config
        rules = [FORMAT, config.split_ratio, config.split_seed, config.max_megapixels, self._pinned]
        rules += [self._everything_in, self._for_training] + ["numbers"] * (self._numbers is not None)
        rules += self._grouping.rules()
        digest = hashlib.sha256(f"[{json.dumps(rules)}, [".encode())
        for number, content in enumerate(contents):
            digest.update(b", " * (number > 0) + content)
        digest.update(b"]]")
        return self._cache / "prepared" / digest.hexdigest()[:20]

    def _read(self, stage: Stage, parts: Sequence[Part]) -> None:
        """Brings parts of the source onto the stage, as far as a killed preparation has not."""
        items = self._items
        missing = [part for part in parts if not stage.has(part, items)]
        count = sum(part.stop - part.start for part in missing)
        if not count:
            return
        before = sum(part.stop - part.start for part in parts) - count
        go_on = f", after {before:,} that were read before it was stopped" if before else ""
        say(f"Reading {count:,} pictures of {self._source} for the first time{go_on} ...")
        for _ in progress(stage.fill(items, missing, self._workers), "reading pictures", total=count):
            pass

    def _remember(self, stage: Stage, parts: Sequence[Part], fresh: set[str], known: Fingerprints) -> None:
        def lines() -> Iterator[tuple[str, bytes]]:
            for part in parts:
                if part.stamp not in fresh:
                    yield part.stamp, known.read(part.stamp)
                elif is_settled(part, self._items, rows := stage.rows(part)):
                    yield part.stamp, content_of(rows)

        known.replace(lines())

    def _write(self, stage: Stage, parts: Sequence[Part], temporary: Path, folder: Path) -> None:
        """Writes the prepared data set, whole or not at all."""
        from study_classification.data.prepared_images import write_prepared_images

        found = _look_through(self._source, stage, parts, self._numbers, self._grouping)
        if self._everything_in:
            splits = np.full(len(found.labels), SPLITS.index(self._everything_in), np.int8)
        else:
            splits = choose_splits(found, self._config, self._pinned)
            if self._for_training:
                check_splits(self._source, found, splits)

        def read(rows: Int[np.ndarray, " k"]) -> Iterator[tuple[str, bytes]]:
            cuts = np.split(rows, np.searchsorted(rows, found.starts[1:-1]))
            for part, start, cut in zip(parts, found.starts, cuts, strict=False):
                if len(cut):
                    readable = _readable(stage.rows(part))
                    wanted = [readable[row - start] for row in cut]
                    yield from zip((row.name for row in wanted), stage.files(part, wanted), strict=True)

        rows = {name: np.flatnonzero(splits == number) for number, name in enumerate(SPLITS)}
        write_prepared_images(temporary, found.class_names, rows, found.labels, found.sizes, read, self._workers)
        for name, own in rows.items():
            np.save(temporary / f"labels-{name}.npy", found.labels[own])
        copies = _write_splits(temporary / "splits.csv", stage, parts, found, splits)
        write_json(temporary / "data_report.json", report_of(self._source, found, splits, copies))
        entries.publish(temporary, folder)


def _readable(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.pixels]


def _look_through(
    source: str, stage: Stage, parts: Sequence[Part], numbers: dict[str, float] | None, grouping: Grouping
) -> Found:
    """What the stage holds, as columns; with `numbers`, these take the place of the labels.

    Raises:
        DataError: if no image is readable.
    """
    codes: dict[str, int] = {}
    unreadable: dict[str, str] = {}
    columns: list[list[np.ndarray]] = [[], [], [], []]
    names: list[str] = []  # with their looks, where anything is to be kept together
    looks: list[str] = []
    for part in parts:
        rows = stage.rows(part)
        unreadable |= {row.name: row.reason for row in rows if not row.pixels}
        rows = _readable(rows)
        if grouping:
            names += (row.name for row in rows)
            looks += (row.look for row in rows)
        columns[0].append(np.array([codes.setdefault(row.label, len(codes)) for row in rows], np.int32))
        columns[1].append(np.array([SPLITS.index(row.split) if row.split else -1 for row in rows], np.int8))
        columns[2].append(np.array([row.pixels for row in rows], "S32"))
        columns[3].append(np.array([row.size for row in rows], np.int64))
    starts = np.cumsum([0, *map(len, columns[0])])
    if not codes:
        name, reason = next(iter(unreadable.items()))
        raise DataError(
            f"none of the {len(unreadable)} pictures of {source} can be read: {name}, for instance: {reason}"
        )
    labels, own, sizes = map(np.concatenate, (columns[0], columns[1], columns[3]))
    digests, group = group_digests(columns.pop(2))
    cluster = grouping.clusters(group, names, looks)
    if numbers is not None:
        values = np.array([numbers[name] for name in codes], np.float32)
        return Found((), values[labels], own, digests, group, sizes, starts, unreadable, cluster)
    class_names = tuple(sorted(codes))
    sorted_codes = np.empty(len(codes), np.int32)
    sorted_codes[[codes[name] for name in class_names]] = np.arange(len(codes))
    return Found(class_names, sorted_codes[labels], own, digests, group, sizes, starts, unreadable, cluster)


def group_digests(pixels: list[np.ndarray]) -> tuple[Shaped[np.ndarray, " g"], Int32[np.ndarray, " n"]]:
    """The different digests, and the number of that of each image; `np.unique` would hold four copies at once."""
    column = np.concatenate(pixels)
    pixels.clear()
    order = np.argsort(column)
    column = column[order]
    first = np.append(True, column[1:] != column[:-1])
    group = np.empty(len(column), np.int32)
    group[order] = np.cumsum(first) - 1
    return column[first], group


def choose_splits(found: Found, data_config: ConfigDict, pinned: dict[str, str] | None) -> Int8[np.ndarray, " n"]:
    """The source's own splits where it has some, drawn ones where not; validation is cut off training if missing.

    They are drawn by class. Images with numbers are all drawn from one lot.
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


def _counts(found: Found, splits: Int8[np.ndarray, " n"]) -> Int64[np.ndarray, "classes splits"]:
    cells = found.labels.astype(np.int64) * len(SPLITS) + splits
    return np.bincount(cells, minlength=len(found.class_names) * len(SPLITS)).reshape(-1, len(SPLITS))


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


def _write_splits(
    file: Path, stage: Stage, parts: Sequence[Part], found: Found, splits: Int8[np.ndarray, " n"]
) -> list[list[tuple[int, str]]]:
    """Writes splits.csv, by name as the images are; returns the groups of exact duplicates by number and name."""
    group, sizes = found.group, np.bincount(found.group)
    copies: dict[int, list[tuple[int, str]]] = {}
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        rows = (row for part in parts for row in _readable(stage.rows(part)))
        for number, row in enumerate(rows):
            writer.writerow((plain_cell(row.name), plain_cell(row.label), SPLITS[splits[number]], row.pixels))
            if sizes[group[number]] > 1:
                copies.setdefault(int(group[number]), []).append((number, row.name))
    return list(copies.values())


def report_of(source: str, found: Found, splits: Int8[np.ndarray, " n"], copies: list[list[tuple[int, str]]]) -> dict:
    """What the images are. What else lies in the source, the listing knows anew at every start."""

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
    """How many images each class has in each split, or, of numbers, how these are distributed in each split."""
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
