"""Allows one training at a time in a run directory: its file `.lock` is locked, and names the process.

A study locks the directory of a trial before it trains there, so a thread may take its own lock again (`_HELD`).

The operating system ends a lock with its process, however that ends. It tells apart processes of several containers
even if their names and numbers are equal. Another machine may not see the lock, so the file names the machine.
"""

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from study_classification.errors import RunError
from study_classification.paths import on_bucket
from study_classification.system.files import unwritable
from study_classification.system.locks import is_at, lock

FILE = ".lock"
BOOT = Path("/proc/sys/kernel/random/boot_id")  # containers of one machine share it
_HELD: ContextVar[frozenset[Path]] = ContextVar("_HELD", default=frozenset())  # directories that this thread has locked


@contextlib.contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """A context in which no other process trains in this run directory. On a bucket nothing can ensure that.

    The same thread may lock the directory again, which changes nothing.

    Raises:
        RunError: if another process trains there, or may do so on another machine, or if the file is none.
        EnvironmentFault: if the directory cannot be written.
    """
    if on_bucket(workdir) or workdir.absolute() in _HELD.get():
        yield
        return
    file = workdir / FILE
    if os.path.lexists(file) and not file.is_file():
        raise RunError(f"{file} is no file, so it cannot say who trains there: remove it")
    try:
        opened, has_it = _open_locked(file)
    except OSError as error:
        raise unwritable(workdir, error) from None
    try:
        _require_free(file, has_it, _content(opened))
        os.ftruncate(opened, 0)
        os.lseek(opened, 0, os.SEEK_SET)
        os.write(opened, json.dumps(_this_process()).encode())
        held = _HELD.set(_HELD.get() | {workdir.absolute()})
        try:
            yield
        finally:
            _HELD.reset(held)
            if sys.platform != "win32":  # where an open file cannot be removed, an empty one stays
                file.unlink(missing_ok=True)
            else:
                os.ftruncate(opened, 0)
    finally:
        os.close(opened)


def _open_locked(file: Path) -> tuple[int, bool | None]:
    """(open file, result of `_lock` for it)."""
    while True:
        opened = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        has_it = _lock(opened)
        if not has_it or is_at(opened, file):
            return opened, has_it
        os.close(opened)  # another process has removed the file at its end


def _lock(opened: int) -> bool | None:
    """Whether this process has the lock now; None if the file system has no locks."""
    try:
        return lock(opened)
    except OSError:
        return None


def _this_process() -> dict:
    boot = BOOT.read_text(encoding="ascii").strip() if BOOT.exists() else ""
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    return {"host": socket.gethostname(), "boot": boot, "process": os.getpid(), "since": now}


def _content(opened: int) -> dict:
    """The description of the last process that did not finish; {} if there is none, or it is damaged."""
    os.lseek(opened, 0, os.SEEK_SET)
    try:
        content = json.loads(os.read(opened, 1000))
        return content if content.keys() == _this_process().keys() else {}
    except (AttributeError, ValueError):
        return {}


def _require_free(file: Path, has_it: bool | None, last: dict) -> None:
    """Raises RunError if another process trains there, or may do so.

    Args:
        file: the file of the lock.
        has_it: whether this process has the lock; None if the file system has no locks.
        last: the last process that had the lock and did not finish; {} if there is none.
    """
    who = f"process {last['process']} on {last['host']}, since {last['since']}" if last else "another process"
    this = _this_process()
    here = last.get("host") == this["host"] or (this["boot"] and last.get("boot") == this["boot"])
    if has_it is False or (has_it is None and last and here and _runs(last["process"])):
        raise RunError(f"{file.parent} is being trained by {who}: wait for its end, or give another --workdir")
    if last and not here:
        raise RunError(
            f"{file.parent} was trained by {who}, and it cannot be seen from here whether that has ended: if it has, "
            f"remove {file}; else wait for its end, or give another --workdir"
        )


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)  # which on Windows would end it, but there are locks
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True
