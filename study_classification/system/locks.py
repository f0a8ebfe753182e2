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


def try_lock(file: Path) -> IO[bytes] | None:
    """Opens and locks a file until it is closed; returns None if another process has locked it.

    Raises:
        OSError: if the file cannot be written, or the file system has no locks.
    """
    handle = file.open("ab")
    try:
        if lock(handle.fileno()):
            return handle
    except OSError:
        handle.close()
        raise
    handle.close()
    return None


@contextlib.contextmanager
def taking_turns(file: Path, waiting: str) -> Iterator[bool]:
    """A context that one process at a time enters for the same file. The others print a message and wait.

    Yields:
        Whether it is sure that this process is alone. It is not on a file system without locks.
    """
    with contextlib.ExitStack() as stack:
        try:
            handle = stack.enter_context(file.open("ab"))
            sure = lock(handle.fileno())
            if not sure:
                say(waiting)
            while not sure:
                time.sleep(_LOOK)
                sure = lock(handle.fileno())
        except OSError:
            sure = False
        yield sure
