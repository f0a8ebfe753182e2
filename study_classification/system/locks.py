"""Locks between processes, also across containers. The system frees them when their owner ends, however it ends."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from study_classification.system.console import say

_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_UNSUPPORTED = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_FAR = 1 << 30  # Windows keeps others from reading what is locked, so a byte behind the text is
_LOOK = 0.2  # seconds between two looks at a lock that another process has


def lock(opened: int) -> bool:
    """Tries to lock an open file; returns whether this process has the lock, which it keeps until the file is closed.

    Raises:
        OSError: if the file system has no locks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(opened, _FAR, os.SEEK_SET)
            msvcrt.locking(opened, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise


def is_at(opened: int, file: Path) -> bool:
    """Whether an open file still has this name: its last owner may have removed it."""
    try:
        return os.path.samestat(os.fstat(opened), os.stat(file))
    except FileNotFoundError:
        return False


def try_lock(file: Path) -> IO[bytes] | None:
    """Opens and locks a file until it is closed; returns None if another process has locked it.

    Raises:
        OSError: if the file cannot be written, or the file system has no locks.
    """
    while True:
        handle = file.open("ab")
        try:
            has_it = lock(handle.fileno())
        except OSError:
            handle.close()
            raise
        if has_it and is_at(handle.fileno(), file):
            return handle
        handle.close()
        if not has_it:
            return None


@contextlib.contextmanager
def taking_turns(file: Path, waiting: str = "") -> Iterator[bool]:
    """A context that one process at a time enters for the same file. The others print a message, if any, and wait.

    The file is removed at the end.

    Yields:
        Whether it is sure that this process is alone. It is not on a file system without locks.
    """
    handle, has_locks = None, True
    try:
        while (handle := try_lock(file)) is None:
            if waiting:
                say(waiting)
                waiting = ""
            time.sleep(_LOOK)
    except OSError as error:
        has_locks = error.errno not in _UNSUPPORTED
    try:
        yield handle is not None
    finally:
        if handle is not None:
            with contextlib.suppress(OSError):  # Windows cannot remove an open file: there it stays
                file.unlink()  # before the lock is free, so that nobody has a lock on a file that is gone
            handle.close()
        elif not has_locks:
            file.unlink(missing_ok=True)
