"""Makes a TFDS data set in the cache from a listed source, once: reads and checks every image, and draws its split.

CACHE/fingerprints/, CACHE/staging/     see `staging.py`
CACHE/prepared/KEY/                     an entry, see `system/entries.py`; KEY comes from the content and its splits
    prepared_images/1.0.0/              TFDS, ArrayRecord, the original encoded bytes
    labels-SPLIT.npy                    the label (class or number) of every image of a split
    data_report.json                    what was found
    splits.csv                          which image is in which split
"""

import csv
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int, Int8
from ml_collections import ConfigDict

from study_classification.data.found import Found, check_splits, choose_splits, look_through, readable, report_of
from study_classification.data.groups import Grouping
from study_classification.data.items import SPLITS
from study_classification.data.sources import Listing, numbers_of
from study_classification.data.splits import COLUMNS, read_pinned
from study_classification.data.staging import Fingerprints, Part, Stage, content_of, find_parts, is_settled
from study_classification.data.tables import plain_cell
from study_classification.errors import ConfigError, DataError
from study_classification.paths import on_bucket, require_storable, user_folder, user_path
from study_classification.system import entries
from study_classification.system.console import progress, say
from study_classification.system.files import write_json, writing_to
from study_classification.system.locks import taking_turns
from study_classification.system.threads import num_workers

FORMAT = 2  # part of every key: raise it when the files of prepared data change


def cache_directory(data_config: ConfigDict) -> Path:
    """The directory for everything that can be made again: `data.cache_dir`, or a folder in the user's cache directory.

    Raises:
        ConfigError: if `data.cache_dir` lies on a bucket, is no folder, or is refused by `require_storable`.
    """
    cache = data_config.cache_dir or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    if on_bucket(cache):
        raise ConfigError(
            f"the cache cannot lie on a bucket ({cache}), for its files are mapped into memory: give a folder of this "
            "machine as --config.data.cache_dir"
        )
    return require_storable(user_folder(cache) / ("" if data_config.cache_dir else "study_classification"))


def prepare(
    source: str,
    listing: Listing,
    data_config: ConfigDict,
    everything_in: str = "",
    for_training: bool = True,
    numbers: bool = False,
) -> Path:
    """Prepares the data set, unless the same content has been prepared before.

    Args:
        source: name of the source, for messages and for the cache of fingerprints.
        listing: the images of the source.
        data_config: `config.data`.
        everything_in: name of a split that takes all images, whatever the source says; '' draws splits as usual.
        for_training: whether there have to be images of several classes for training and validation.
        numbers: whether labels are numbers instead of classes.

    Returns:
        The directory of the prepared data set.

    Raises:
        DataError: if images cannot be read and `data.on_unreadable` is `error`, if nothing useful is left, or if a
            label is no number.
        EnvironmentFault: if the cache cannot be written.
    """
    values = numbers_of(source, listing.class_names) if numbers else None
    preparation = Preparation(source, listing, data_config, everything_in, for_training, values)
    with writing_to(cache_directory(data_config)):
        folder = preparation.known() or preparation.make()
    unreadable = json.loads((folder / "data_report.json").read_text(encoding="utf-8"))["unreadable"]
    if unreadable and data_config.on_unreadable == "error":
        name, reason = next(iter(unreadable.items()))
        if len(unreadable) > 1:
            reason = f"{reason} (and {len(unreadable) - 1} more)"
        raise DataError(
            f"{source}: {name} cannot be read: {reason}; remove it, or allow --config.data.on_unreadable=skip"
        )
    return folder


class Preparation:
    """The preparation of one source."""

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
        """The folder of the prepared data set, if no file of the source has changed since; else None."""
        parts = find_parts(self._items, self._workers)
        known = Fingerprints(self._fingerprints)
        if not all(part.stamp in known for part in parts):
            return None
        folder = self._folder(known.read(part.stamp) for part in parts)
        return folder if not entries.damage(folder) else None

    def make(self) -> Path:
        """Reads the files that have changed, or all files if this content was never prepared; returns the folder."""
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
        """The folder of the data set with this content."""
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
        """Reads the parts of the source that no killed preparation has read."""
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

        found = look_through(self._source, stage, parts, self._numbers, self._grouping)
        if self._everything_in:
            splits = np.full(len(found.labels), SPLITS.index(self._everything_in), np.int8)
        else:
            splits = choose_splits(found, self._config, self._pinned)
            if self._for_training:
                check_splits(self._source, found, splits)

        found = replace(found, digests=found.digests[:0].copy())  # which nobody needs any more, a third of the columns

        def read(rows: Int[np.ndarray, " k"]) -> Iterator[tuple[str, bytes]]:
            cuts = np.split(rows, np.searchsorted(rows, found.starts[1:-1]))
            for part, start, cut in zip(parts, found.starts, cuts, strict=False):
                if len(cut):
                    rows_of_part = readable(stage.rows(part))
                    wanted = [rows_of_part[row - start] for row in cut]
                    yield from zip((row.name for row in wanted), stage.files(part, wanted), strict=True)

        rows = {name: np.flatnonzero(splits == number) for number, name in enumerate(SPLITS)}
        write_prepared_images(temporary, found.class_names, rows, found.labels, found.sizes, read, self._workers)
        for name, own in rows.items():
            np.save(temporary / f"labels-{name}.npy", found.labels[own])
        copies = _write_splits(temporary / "splits.csv", stage, parts, found, splits)
        write_json(temporary / "data_report.json", report_of(self._source, found, splits, copies))
        entries.publish(temporary, folder)


def _write_splits(
    file: Path, stage: Stage, parts: Sequence[Part], found: Found, splits: Int8[np.ndarray, " n"]
) -> list[list[tuple[int, str]]]:
    """Writes splits.csv, sorted by name; returns the groups of exact duplicates, as (number, name) of each image."""
    group, sizes = found.group, np.bincount(found.group)
    copies: dict[int, list[tuple[int, str]]] = {}
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        rows = (row for part in parts for row in readable(stage.rows(part)))
        for number, row in enumerate(rows):
            writer.writerow((plain_cell(row.name), plain_cell(row.label), SPLITS[splits[number]], row.pixels))
            if sizes[group[number]] > 1:
                copies.setdefault(int(group[number]), []).append((number, row.name))
    return list(copies.values())
