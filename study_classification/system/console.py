"""What a run says: plain lines to the terminal and to its log file, aligned tables, a progress bar on a terminal."""

import contextlib
import os
import sys
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO, TypeVar

from absl import logging

T = TypeVar("T")


@dataclass(frozen=True)
class _Console:
    """Where messages go: to stdout or stderr and to a log file, or nowhere."""

    to_stderr: bool = False
    silent: bool = False
    log: TextIO | None = None


_console = _Console()


def say(text: str = "") -> None:
    """Prints one message, and appends it with the time to the log file if one is open."""
    if _console.silent:
        return
    stream = sys.stderr if _console.to_stderr else sys.stdout
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        discard(stream)
    if _console.log is not None:
        for line in text.splitlines():
            _console.log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
        _console.log.flush()


def discard(stream: TextIO) -> None:
    """After a reader such as `head` has gone: what is written from now on vanishes, and the work goes on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def hush_libraries() -> None:
    """What threads of Orbax and TensorStore complain of reaches the user as an exception, or not at all."""

    def show(*error) -> None:
        if threading.current_thread() is threading.main_thread():
            sys.__excepthook__(*error)

    logging.set_verbosity(logging.FATAL)
    sys.excepthook, sys.unraisablehook = show, lambda _: None


@contextlib.contextmanager
def _changed(**changes) -> Iterator[None]:
    """Within the context the console is another one; behind it, again what it was before."""
    global _console
    before, _console = _console, replace(_console, **changes)
    try:
        yield
    finally:
        _console = before


def saying_to_stderr() -> contextlib.AbstractContextManager[None]:
    """Within the context messages go to stderr: stdout is for data."""
    return _changed(to_stderr=True)


def saying_nothing() -> contextlib.AbstractContextManager[None]:
    """Within the context there are no messages: of several hosts one speaks."""
    return _changed(silent=True)


@contextlib.contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """Within the context messages are appended to this file, in the place of the one before."""
    with file.open("a", encoding="utf-8") as log, _changed(log=log):
        yield


def display_width(text: str) -> int:
    """How many columns of a terminal a text takes: a Japanese character takes two, a combining mark none."""
    return sum(map(_columns, unicodedata.normalize("NFC", text)))


def pad(text: str, width: int, align: str = "<") -> str:
    """The text with spaces up to a display width: behind it, or with `align=">"` before it."""
    spaces = " " * (width - display_width(text))
    return spaces + text if align == ">" else text + spaces


def cut(text: str, width: int) -> str:
    """The beginning of a text that is no wider than this."""
    text = unicodedata.normalize("NFC", text)
    while display_width(text) > width:
        text = text[:-1]
    return text


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):  # marks on the character before, and invisible signs
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yields the items, with a bar and the time left on a terminal, and nothing where the output is a file."""
    if _console.silent or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=description)
