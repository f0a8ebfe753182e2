"""Prints messages: lines to the terminal and to the log file, aligned tables, a progress bar on a terminal."""

import contextlib
import errno
import io
import math
import os
import sys
import threading
import time
import unicodedata
import warnings
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeVar

from study_classification.errors import EnvironmentFault
from study_classification.language.translate import translated
from study_classification.paths import on_bucket, read_file
from study_classification.system.files import write_text

T = TypeVar("T")
UPLOAD_EVERY = 30  # seconds between two writings of a log on a bucket


@dataclass(frozen=True)
class _Console:
    """The places of messages: stdout or stderr, and a log file; or nowhere."""

    to_stderr: bool = False
    silent: bool = False
    log_only: bool = False
    log: TextIO | None = None


_console = _Console()
_changes: list[dict] = []  # of the open contexts, the innermost last
_changing = threading.Lock()


def say(text: str = "") -> None:
    """Prints one message in the chosen language, and appends it with the time to the log file if one is open."""
    if _console.silent:
        return
    text = translated(text)
    if not _console.log_only:
        _Outlet(sys.stderr if _console.to_stderr else sys.stdout).write(f"{text}\n")
    if _console.log is not None:
        for line in text.splitlines():
            _console.log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
        _console.log.flush()


def complain(text: str) -> None:
    """Prints the last sentence of the program to stderr, even if messages are silenced."""
    _Outlet(sys.stderr).write(f"{translated(text)}\n")


@contextlib.contextmanager
def data_on_stdout() -> Iterator[TextIO]:
    """A context in which stdout is for data, and messages go to stderr. It ends if a reader such as `head` leaves.

    Raises:
        EnvironmentFault: if there is no stdout, or it cannot be written.
    """
    stream = sys.stdout
    if stream is None or stream.closed:
        raise EnvironmentFault("there is no standard output for the results: send it to a file, as in > FILE")
    with saying_to_stderr():
        try:
            yield stream
            stream.flush()
        except OSError as error:
            _discard(stream)  # or Python would complain again when it ends
            if error.filename is not None:  # it is not of the stream
                raise
            if not _reader_left(error):
                raise EnvironmentFault(
                    f"standard output cannot be written ({error.strerror}): send the results to a file that can, as in "
                    "> FILE"
                ) from None


class _Outlet(io.TextIOBase):
    """A standard stream that cannot stop the work: it may be absent or closed, lose its reader, or lack a letter."""

    def __init__(self, stream: TextIO | None):
        self._stream = None if stream is None or stream.closed else stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def write(self, text: str) -> int:
        if self._stream is None:
            return len(text)
        try:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self._stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
            self._stream.flush()
        except OSError as error:
            _discard(self._stream)
            if not _reader_left(error) and self._stream is not sys.stderr:
                complain(f"standard output cannot be written ({error.strerror}): what is said from now on is lost")
        return len(text)


def _reader_left(error: OSError) -> bool:
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL)


def _discard(stream: TextIO) -> None:
    """Discards everything that is written to the stream from now on, so that the work goes on."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:  # a stream without a descriptor
        os.dup2(nowhere.fileno(), stream.fileno())


def complete_streams() -> None:
    """Opens missing standard streams onto nothing, and lets all of them write any letter.

    Otherwise the next file that is opened would get the free descriptor of a stream, and the complaints of C libraries
    would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def hush_libraries() -> None:
    """Silences the threads of Orbax and TensorStore, whose errors reach the user as exceptions.

    It also silences Pillow's remarks on an image that it refuses: the reason is printed with the name of the file. And
    Orbax leaves coroutines behind where it fails, of which Python would tell after the last sentence.
    """
    import logging as python_logging

    from absl import logging

    def show(*error) -> None:
        if threading.current_thread() is threading.main_thread():
            sys.__excepthook__(*error)

    logging.set_verbosity(logging.FATAL)
    warnings.filterwarnings("ignore", message="coroutine '.*' was never awaited", category=RuntimeWarning)
    python_logging.getLogger("PIL").setLevel(python_logging.CRITICAL)
    sys.excepthook, sys.unraisablehook = show, lambda _: None


@contextlib.contextmanager
def _changed(**changes) -> Iterator[None]:
    """A context that changes the console. After it the console is what the contexts that are still open make of it.

    Contexts of several threads overlap, so none may restore the console that it found.
    """
    _change(_changes.append, changes)
    try:
        yield
    finally:
        _change(_changes.remove, changes)


def _change(act: Callable[[dict], None], changes: dict) -> None:
    global _console
    with _changing:
        act(changes)
        _console = _Console(**dict(ChainMap(*reversed(_changes))))


def saying_to_stderr() -> contextlib.AbstractContextManager[None]:
    """A context in which messages go to stderr, for stdout is for data."""
    return _changed(to_stderr=True)


def saying_nothing() -> contextlib.AbstractContextManager[None]:
    """A context without messages, for only one of several hosts speaks."""
    return _changed(silent=True)


def saying_to_the_log() -> contextlib.AbstractContextManager[None]:
    """A context in which messages go only to log files, for the study speaks for its runs."""
    return _changed(log_only=True)


class _BucketLog(io.StringIO):
    """A log on a bucket. Nothing can be appended there, so all of it is written again, after a pause and at the end."""

    def __init__(self, file: Path):
        super().__init__()
        with contextlib.suppress(FileNotFoundError):
            self.write(read_file(file).decode(errors="backslashreplace"))
        self._file, self._written = file, -math.inf

    def flush(self) -> None:
        if not self.closed and time.monotonic() - self._written > UPLOAD_EVERY:
            self._upload()

    def close(self) -> None:
        if not self.closed:
            self._upload()
        super().close()

    def _upload(self) -> None:
        write_text(self._file, self.getvalue())
        self._written = time.monotonic()


@contextlib.contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """A context in which messages are appended to this file instead of the previous log file."""
    log: TextIO = _BucketLog(file) if on_bucket(file) else file.open("a", encoding="utf-8", errors="backslashreplace")
    with log, _changed(log=log):
        yield


def display_width(text: str) -> int:
    """The number of terminal columns of a text: a Japanese character takes two, a combining mark none."""
    return sum(map(_columns, unicodedata.normalize("NFC", text)))


def pad(text: str, width: int, align: str = "<") -> str:
    """The text with spaces up to a display width: after it, or before it with `align=">"`."""
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
    """Yields the items. On a terminal it shows a bar with the time left."""
    outlet = _Outlet(sys.stderr)
    if _console.silent or not outlet.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=outlet), transient=True) as bar:  # type: ignore[arg-type]
        yield from bar.track(items, total=total, description=translated(description))
