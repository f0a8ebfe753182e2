"""Ends the program: a user's mistake and Ctrl-C become one sentence on stderr and an exit code."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

from study_classification.errors import as_user_error
from study_classification.system import lifeline
from study_classification.system.console import complain


@contextlib.contextmanager
def exiting_on_user_errors() -> Iterator[None]:
    """A context in which a user's mistake ends the program with a sentence on stderr and its exit code."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        known = as_user_error(error)
        if known is None:
            lifeline.wait_for_the_reason(error)
            raise
        stopped = known.exit_code > 128
        if stopped:
            _end_at_once_when_asked_again(known.exit_code)
        complain(f"stopped: {known}" if stopped else f"error: {known}")
        lifeline.end(known.exit_code, str(known))


def _end_at_once_when_asked_again(exit_code: int) -> None:
    """Lets a second Ctrl-C end the program at once, for only tidying is left to do."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: os._exit(exit_code))
