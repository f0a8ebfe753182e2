"""What a run says: plain lines to the terminal and to its log file, and a progress bar where there is a terminal."""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

T = TypeVar("T")
_streams: dict[str, TextIO | None] = {"terminal": None, "log": None}


def say(text: str = "") -> None:
    """Prints one message, and appends it with the time to the log file if one is open."""
    print(text, file=_streams["terminal"] or sys.stdout, flush=True)
    log = _streams["log"]
    if log is not None:
        for line in text.splitlines():
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
        log.flush()


def say_to_stderr() -> None:
    """From now on messages go to stderr: stdout is for data."""
    _streams["terminal"] = sys.stderr


def open_log(file: Path) -> None:
    """From now on messages are appended to this file as well."""
    close_log()
    _streams["log"] = file.open("a", encoding="utf-8")


def close_log() -> None:
    """Ends what `open_log` began."""
    log = _streams["log"]
    if log is not None:
        log.close()
        _streams["log"] = None


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yields the items, with a bar and the time left on a terminal, and nothing where the output is a file."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=description)
