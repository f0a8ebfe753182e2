"""Removes from the cache what nothing uses any more. All of it can be made again."""

import time
from collections.abc import Iterator
from pathlib import Path

from study_classification.system import entries
from study_classification.system.console import say
from study_classification.system.locks import try_lock

KINDS = ("prepared", "decoded", "features", "labels")  # folders of entries
FILES = ("fingerprints", "xla")  # folders of files
DAY = 24 * 3600


def prune(cache: Path, days: float) -> int:
    """Removes what was not opened for `days` days, and what killed processes left; prints each thing and its size.

    Returns:
        The number of bytes that were removed.
    """
    total = 0
    for path, reason in _unused(cache, days):
        size = sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())
        total += size
        say(f"{size / 1e6:12,.1f} MB  {path}  ({reason})")
        if path.is_dir():
            entries.remove(path)
        else:
            path.unlink(missing_ok=True)
    say(f"{total / 1e6:12,.1f} MB ({total:,} bytes) removed from {cache}")
    return total


def _unused(cache: Path, days: float) -> Iterator[tuple[Path, str]]:
    now = time.time()
    for kind in KINDS:
        yield from ((path, "left by a process that has ended") for path in entries.abandoned(cache / kind))
        for folder in sorted((cache / kind).glob("[!.]*")):
            seal = folder / entries.SEAL
            if not seal.exists():
                yield folder, "not complete"
            elif now - seal.stat().st_mtime > days * DAY:
                yield folder, f"not used for {(now - seal.stat().st_mtime) / DAY:.0f} days"
    for file in sorted(file for kind in FILES for file in (cache / kind).glob("*")):
        status = file.stat()
        age = now - max(status.st_mtime, status.st_atime)  # whoever reads a program does not mark it
        if age > days * DAY:
            yield file, f"not used for {age / DAY:.0f} days"
    for folder in sorted(path for path in (cache / "staging").glob("*") if path.is_dir()):
        if _is_free(folder.with_name(f"{folder.name}.lock")):
            yield folder, "a preparation that was not finished"


def _is_free(lock: Path) -> bool:
    try:
        handle = try_lock(lock)
    except OSError:
        return False
    if handle is not None:
        handle.close()
    return handle is not None
