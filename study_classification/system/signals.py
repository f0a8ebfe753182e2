"""Turns Ctrl-C and SIGTERM into a request that the training loop answers between two steps, after saving."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

from study_classification.system import hosts


@contextlib.contextmanager
def requested_stop() -> Iterator[Callable[[int], int]]:
    """A context with a function: step -> the signal that asked to stop; 0 for none.

    The first Ctrl-C or SIGTERM is only noted; a second one has its ordinary effect at once. Several hosts all stop at
    the same step, whichever of them the signal reached.
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

    # With several hosts JAX handles SIGTERM and tells the others. Python allows handlers in the main thread only;
    # elsewhere the caller has to stop the run by its own means.
    caught = (signal.SIGINT, signal.SIGTERM) if hosts.alone() else (signal.SIGINT,)
    watched = caught if threading.current_thread() is threading.main_thread() else ()
    previous = {number: signal.signal(number, remember) for number in watched}
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
