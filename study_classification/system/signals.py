"""Ctrl-C and SIGTERM become a request that the training loop answers between two steps, after saving."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

from study_classification.system import hosts


@contextlib.contextmanager
def requested_stop() -> Iterator[Callable[[int], int]]:
    """Within the context a function tells, given the step, which signal asked to stop; 0 is none.

    The first Ctrl-C or SIGTERM only sets it; a second one has its ordinary effect at once. On several hosts all of
    them are told to stop at the same step, whichever of them it reached.
    """
    received = 0

    def remember(number: int, frame) -> None:
        nonlocal received
        received = number
        for each, handler in previous.items():
            signal.signal(each, handler)
        if not hosts.alone():
            signal.raise_signal(signal.SIGTERM)

    def asked(step: int) -> int:
        if not hosts.alone():
            return (received or signal.SIGTERM) if hosts.all_asked_to_stop() else 0
        return received

    # Of several hosts SIGTERM is JAX's, which tells the others. Python allows handlers in the main thread only;
    # elsewhere the caller has to stop the run by its own means.
    caught = (signal.SIGINT, signal.SIGTERM) if hosts.alone() else (signal.SIGINT,)
    watched = caught if threading.current_thread() is threading.main_thread() else ()
    previous = {number: signal.signal(number, remember) for number in watched}
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
