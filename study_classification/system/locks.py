"""Locks between processes, also of containers: the system frees them when their owner ends, however it ends."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from study_classification.system.console import say


def try_lock(file: Path) -> IO[bytes] | None:
    """The file, open and locked until it is closed; None if another process has locked it.

    Raises:
        OSError: if it cannot be written, or the file system has no locks.
    """
    handle = file.open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return handle
    except BlockingIOError:
        handle.close()
        return None
    except OSError:
        handle.close()
        raise


@contextlib.contextmanager
def taking_turns(file: Path, waiting: str) -> Iterator[bool]:
    """Within the context no other process is in a context of the same file; where one is, says so and waits.

    Yields:
        Whether that is sure. It is not on a file system without locks.
    """
    with contextlib.ExitStack() as stack:
        try:
            handle = try_lock(file)
            if handle is None:
                say(waiting)
                handle = file.open("ab")
                stack.enter_context(handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            handle = None
        if handle is not None:
            stack.enter_context(handle)
        yield handle is not None
