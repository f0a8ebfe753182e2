"""Entries of a cache: folders that are whole and sealed with digests, or do not exist.

PARENT/NAME/                an entry
    sealed.json             size and CRC-32 of each file, written last
PARENT/.NAME.UNIQUE/        an entry while it is being made
PARENT/.NAME.UNIQUE.lock    held by the process that makes it
"""

import contextlib
import json
import os
import shutil
import time
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path

from study_classification.paths import read_file
from study_classification.system.console import say
from study_classification.system.files import flush_to_disk, write_json
from study_classification.system.locks import try_lock
from study_classification.system.threads import num_workers, parallel

SEAL = "sealed.json"
COMPARED = 4e9  # bytes; in a larger entry the largest files are compared only by size, so that starting stays quick
SURELY_DEAD = 24 * 3600  # a folder without a change for so many seconds has no owner, if no lock can tell


def damage(folder: Path) -> str:
    """The damage of an entry; '' if it is whole. A whole entry is marked as used."""
    try:
        sealed = json.loads(read_file(folder / SEAL))
        sizes = {name: int(size) for name, (size, _) in sealed.items()}
        changed = next((name for name, size in sizes.items() if (folder / name).stat().st_size != size), None)
        small, total = [], 0
        for name in sorted(sizes, key=sizes.__getitem__):
            total += sizes[name]
            if total <= COMPARED:
                small.append(name)
        if changed is None:
            digests = parallel(lambda name: _crc(folder / name), small, num_workers(0))
            changed = next((name for name, crc in zip(small, digests, strict=True) if crc != sealed[name][1]), None)
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except OSError as error:
        return f"{error.strerror}"
    except (ValueError, TypeError, AttributeError):
        return f"{SEAL} is damaged"
    if changed is None:
        with contextlib.suppress(OSError):  # a cache that others have filled may be read-only
            os.utime(folder / SEAL)
        return ""
    return f"{changed} is not what was written"


def is_whole(folder: Path) -> bool:
    """Whether an entry can be used. A message says that a damaged one is made again."""
    reason = damage(folder)
    if reason and folder.exists():
        say(f"{folder} is damaged ({reason}): it is made again")
    return not reason


def break_seal(folder: Path) -> None:
    """Breaks the seal of a damaged entry, so that it is made again at the next start."""
    with contextlib.suppress(OSError):
        (folder / SEAL).unlink()


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """A context with a new folder beside this one, to fill and publish. What is left of it at the end is removed.

    Raises:
        OSError: if the folder cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in abandoned(folder.parent):
        remove(left)
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    lock = temporary.with_name(f"{temporary.name}.lock")
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # without locks its age tells
            stack.enter_context(try_lock(lock) or contextlib.nullcontext())
        try:
            temporary.mkdir()
            yield temporary
        finally:
            remove(temporary)


def publish(temporary: Path, folder: Path) -> None:
    """Seals a finished folder and gives it its name, unless another process has published the same entry meanwhile.

    Raises:
        OSError: if the folder cannot be sealed or renamed.
    """
    files = sorted(path for path in temporary.rglob("*") if path.is_file() and path.name != SEAL)
    for path in files:
        flush_to_disk(path)
    digests = parallel(_crc, files, num_workers(0))
    sealed = {
        str(path.relative_to(temporary)): [path.stat().st_size, crc] for path, crc in zip(files, digests, strict=True)
    }
    write_json(temporary / SEAL, sealed)
    try:
        temporary.rename(folder)
    except OSError:  # of several types if the folder exists: Linux says "directory not empty"
        if not os.path.lexists(folder):
            raise
        if damage(folder):
            remove(folder)
            with contextlib.suppress(OSError):  # another process was quicker still
                temporary.rename(folder)
    flush_to_disk(folder.parent)


def abandoned(parent: Path) -> Iterator[Path]:
    """Folders that were never published and whose owner has ended."""
    for temporary in parent.glob(".*"):
        if not temporary.is_dir():
            continue
        lock = temporary.with_name(f"{temporary.name}.lock")
        try:
            if lock.exists():
                handle = try_lock(lock)
                if handle is not None:
                    handle.close()
                    yield temporary
                continue
        except OSError:
            pass
        with contextlib.suppress(OSError):
            newest = max(path.stat().st_mtime for path in (temporary, *temporary.rglob("*")))
            if time.time() - newest > SURELY_DEAD:
                yield temporary


def remove(folder: Path) -> None:
    """Removes an entry or a workplace. It loses its name first, so that nobody meets half an entry."""
    aside = folder.with_name(f".{folder.name.lstrip('.')}.{uuid.uuid4().hex}")
    with contextlib.suppress(OSError):
        folder.rename(aside)
        if aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink()
    folder.with_name(f"{folder.name}.lock").unlink(missing_ok=True)


def _crc(file: Path) -> int:
    """The CRC-32 of a file, in constant memory. zlib releases the interpreter lock, so threads share the work."""
    crc, block = 0, memoryview(bytearray(1 << 20))
    with file.open("rb", buffering=0) as handle:
        while count := handle.readinto(block):
            crc = zlib.crc32(block[:count], crc)
    return crc
