"""Reads every file of a source once: the bytes that are checked are those that are stored.

A killed preparation goes on from the stored files. A source is cut into parts of successive images. A part has a stamp,
which changes with any name, class, split, size or time of its files.

CACHE/fingerprints/SOURCE.txt       one line for each part: its stamp, and the names and digests of its images
CACHE/staging/SOURCE/STAMP.bytes    the files of a part, end to end
CACHE/staging/SOURCE/STAMP.json     one row for each of its images, written when the part is complete
"""

import contextlib
import errno
import hashlib
import itertools
import json
import os
import stat
import threading
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from study_classification.data.items import Item, Items
from study_classification.data.near import look_of
from study_classification.errors import EnvironmentFault
from study_classification.inputs.images.decode import UnreadableImage, decode_image
from study_classification.paths import on_bucket, version_on_bucket, why
from study_classification.system.files import replace_bytes
from study_classification.system.threads import parallel

MEAN_PART = 256  # images
EVERYONE = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
FAULTS_OF_THIS_PROCESS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class Row(NamedTuple):
    """What is known of one image, and where its bytes lie in its part."""

    name: str
    label: str
    split: str | None
    digest: str = ""  # SHA-256 of the file; '' if it could not be read
    pixels: str = ""  # digest of the decoded pixels; '' if the file is no readable image
    reason: str = ""  # why the image cannot be read; '' if it can
    offset: int = 0
    size: int = 0
    look: str = ""  # see `near.look_of`; '' if near-duplicates are not asked for


@dataclass(frozen=True)
class Part:
    """The images `start` to `stop` of a source."""

    start: int
    stop: int
    stamp: str


def find_parts(items: Items, workers: int) -> list[Part]:
    """Cuts a source into parts. The names of images decide where, so one image more or less changes one part."""
    bounds = [0]
    bounds += [end for end, name in enumerate(items.names, 1) if zlib.crc32(name.encode()) % MEAN_PART == 0]
    if bounds[-1] < len(items):
        bounds.append(len(items))
    spans = list(itertools.pairwise(bounds))
    stamps = parallel(lambda span: _stamp(items[slice(*span)]), spans, workers)
    return [Part(*span, stamp) for span, stamp in zip(spans, stamps, strict=True)]


def _stamp(items: Iterable[Item]) -> str:
    return hashlib.sha256(repr([(*_identity(item), *_state(item)) for item in items]).encode()).hexdigest()[:32]


def _identity(item: Item) -> tuple[str, str, str | None]:
    return item.name, item.label, item.split


def _state(item: Item) -> tuple:
    """A text that changes when a file changes, appears, or becomes readable."""
    if item.path is None:
        return (hashlib.sha256(item.data).hexdigest(),)
    if on_bucket(item.path):
        return (version_on_bucket(item.path),)
    try:
        status = os.stat(item.path)
    except OSError as error:
        return (error.errno,)
    # The system is asked only where the mode leaves it open: for a million files that is two seconds.
    readable = stat.S_ISREG(status.st_mode) and (status.st_mode & EVERYONE == EVERYONE or os.access(item.path, os.R_OK))
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, readable


def content_of(rows: Iterable[Row]) -> bytes:
    """The content of a part for the key of a data set: names, classes, splits and digests."""
    return ", ".join(json.dumps([*row[:3], row.digest]) for row in rows).encode()


def is_settled(part: Part, items: Items, rows: Iterable[Row]) -> bool:
    """Whether no file of a part changed while it was read, and none failed that may be readable later."""
    own = items[part.start : part.stop]
    failed = (item for item, row in zip(own, rows, strict=True) if not row.digest)
    return not any(_state(item)[-1] is True for item in failed) and _stamp(own) == part.stamp


class Fingerprints:
    """The contents of the parts of a source when they were last read. They stay on disk, for they may be large."""

    def __init__(self, file: Path):
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        with contextlib.suppress(OSError), file.open("rb") as lines:
            place = 0
            for line in lines:
                stamp, _, sealed = line.partition(b" ")
                if _opened(sealed) is not None:
                    self._places[stamp.decode("ascii", "replace")] = place + len(stamp) + 1, len(sealed)
                place += len(line)
            os.utime(file)  # marked as used

    def __contains__(self, stamp: str) -> bool:
        return stamp in self._places

    def read(self, stamp: str) -> bytes:
        """The content of a part."""
        place, size = self._places[stamp]
        with self._file.open("rb") as lines:
            lines.seek(place)
            return _opened(lines.read(size)) or b""

    def replace(self, contents: Iterable[tuple[str, bytes]]) -> None:
        """Replaces the file by the stamps and contents of all parts."""
        replace_bytes(self._file, (b"%s %s" % (stamp.encode(), _sealed(content)) for stamp, content in contents))


def _sealed(content: bytes) -> bytes:
    """A line with its checksum, which shows whether it was damaged."""
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _opened(line: bytes) -> bytes | None:
    """The content of a sealed line; None if it was damaged or cut short."""
    digest, _, content = line[:-1].partition(b" ")
    return content if line.endswith(b"\n") and digest == b"%08x" % zlib.crc32(content) else None


class Stage:
    """The folder in which the files of a source are kept until its data set is complete."""

    def __init__(self, folder: Path, max_megapixels: float, looked_at: bool = False):
        self._folder = folder
        self._max_megapixels, self._looked_at = max_megapixels, looked_at

    def has(self, part: Part, items: Items) -> bool:
        """Whether the stage holds a part as the source holds it now, by stamps and sizes."""
        try:
            rows = self.rows(part)
            whole = self._bytes_of(part).stat().st_size == sum(row.size for row in rows)
        except (OSError, EnvironmentFault):
            return False
        return whole and is_settled(part, items, rows)

    def rows(self, part: Part) -> list[Row]:
        """The rows of a part that the stage holds."""
        content = _opened(self._table_of(part).read_bytes())
        if content is None:
            raise self._damaged(part)
        return [Row(*row) for row in json.loads(content)]

    def files(self, part: Part, rows: Iterable[Row]) -> Iterator[bytes]:
        """The bytes of these rows of a part, exactly as they were checked."""
        with self._bytes_of(part).open("rb") as handle:
            for row in rows:
                handle.seek(row.offset)
                data = handle.read(row.size)
                if hashlib.sha256(data).hexdigest() != row.digest:
                    raise self._damaged(part)
                yield data

    def fill(self, items: Items, parts: Iterable[Part], workers: int) -> Iterator[Row]:
        """Reads the files of these parts; yields the row of each image once it is read.

        Raises:
            OSError: if the files cannot be stored.
            EnvironmentFault: if this process may open no more files.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        opened: list[_Writer] = []

        def jobs() -> Iterator[tuple[_Writer, Item]]:
            for part in parts:
                opened.append(writer := _Writer(part, self._bytes_of(part)))
                yield from ((writer, item) for item in items[part.start : part.stop])

        def keep(job: tuple[_Writer, Item]) -> tuple[_Writer, Row]:
            return job[0], job[0].keep(job[1], self._max_megapixels, self._looked_at)

        rows: list[Row] = []
        try:
            with contextlib.closing(parallel(keep, jobs(), workers)) as results:
                for writer, row in results:
                    rows.append(row)
                    yield row
                    if len(rows) == writer.part.stop - writer.part.start:
                        writer.close()
                        opened.remove(writer)
                        replace_bytes(self._table_of(writer.part), [_sealed(json.dumps(rows).encode())])
                        rows = []
        finally:
            for writer in opened:
                writer.close()

    def _table_of(self, part: Part) -> Path:
        return self._folder / f"{part.stamp}.json"

    def _bytes_of(self, part: Part) -> Path:
        return self._folder / f"{part.stamp}.bytes"

    def _damaged(self, part: Part) -> EnvironmentFault:
        self._table_of(part).unlink(missing_ok=True)
        return EnvironmentFault(
            f"{self._bytes_of(part)} is not what was written a moment ago, so its disk may be failing: run the same "
            "command again, or choose another --config.data.cache_dir"
        )


class _Writer:
    """Writes the files of a part end to end, in the order in which threads read them."""

    def __init__(self, part: Part, file: Path):
        self.part = part
        self._file, self._end, self._lock = file.open("wb"), 0, threading.Lock()

    def keep(self, item: Item, max_megapixels: float, looked_at: bool) -> Row:
        """Reads, checks and stores one file."""
        name = _identity(item)
        try:
            data = item.read()
        except OSError as error:
            if error.errno in FAULTS_OF_THIS_PROCESS:
                raise EnvironmentFault(
                    f"{item.name} cannot be read ({error.strerror}): end other programs, or give a smaller "
                    "--config.data.workers"
                ) from None
            return Row(*name, reason=why(error))
        digest = hashlib.sha256(data).hexdigest()
        try:
            image = decode_image(data, max_megapixels=max_megapixels)
        except UnreadableImage as error:
            return Row(*name, digest, reason=str(error))
        pixels = hashlib.sha256(repr(image.size).encode())
        pixels.update(image.tobytes())
        with self._lock:
            offset, self._end = self._end, self._end + len(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.pwrite(self._file.fileno(), rest, offset + len(data) - len(rest)) :]
        look = look_of(image) if looked_at else ""
        return Row(*name, digest, pixels.hexdigest()[:32], offset=offset, size=len(data), look=look)

    def close(self) -> None:
        self._file.close()
