"""Ctrl-C and SIGTERM become a request that the training loop answers between two steps, after saving."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

import jax
from jax.experimental import multihost_utils


@contextlib.contextmanager
def requested_stop() -> Iterator[Callable[[int], int]]:
    """Within the context a function tells, given the step, which signal asked to stop; 0 is none.

    The first Ctrl-C or SIGTERM only sets it; a second one has its ordinary effect at once. On several hosts all of
    them are told to stop at the same step.
    """
    received = 0

    def remember(number: int, frame) -> None:
        nonlocal received
        received = number
        for each, handler in previous.items():
            signal.signal(each, handler)

    def asked(step: int) -> int:
        if jax.process_count() > 1:
            return signal.SIGTERM if multihost_utils.reached_preemption_sync_point(step) else 0
        return received

    # Python allows handlers in the main thread only; elsewhere the caller has to stop the run by its own means.
    alone = jax.process_count() == 1 and threading.current_thread() is threading.main_thread()
    watched = (signal.SIGINT, signal.SIGTERM) if alone else ()
    previous = {number: signal.signal(number, remember) for number in watched}
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
