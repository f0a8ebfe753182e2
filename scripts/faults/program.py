"""The program in a process of its own, forked from one that has imported everything, and what came of it."""

import contextlib
import importlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

EQUAL, SENTENCE, TRACEBACK, HANG, DIFFERENT = VERDICTS = (
    "equal", "one sentence", "traceback", "hang", "silent difference",
)  # fmt: skip
DOCUMENTED = (2, 3, 4, 5, 6, 7, 130, 143)  # exit codes, see docs/commands.md
_WARNING = ("Beware: ", "WARNING: ")  # how a line begins that tells of something wrong
WORK, LIMIT = 120, 1200  # seconds of a processor, and by the clock: a case takes 10 of the first, however busy all is

_IMPORTED = (
    "study_classification.training.loop", "study_classification.inference.evaluate",
    "study_classification.inference.predict", "tensorflow_datasets", "matplotlib.pyplot", "sklearn.linear_model",
)  # fmt: skip
_context = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Ended:
    """What a process left.

    Attributes:
        code: its exit code; of one that a signal ended, minus its number; None if it hung and had to be ended.
        out: what it wrote to stdout.
        err: what it wrote to stderr.
        found: what `after` gave, of a process that ended with 0.
    """

    code: int | None
    out: str
    err: str
    found: object = None

    @property
    def last_words(self) -> str:
        """The last line that it wrote to stderr."""
        lines = self.err.strip().splitlines()
        return lines[-1] if lines else ""


class Running:
    """A process that runs the program.

    Args:
        arguments: of the command line.
        folder: for what it writes; made if need be.
        after: what is computed in it, and handed back as JSON, once the program is done: a function at the top of a
            module.
    """

    def __init__(self, arguments: Sequence[str], folder: Path, after: Callable[[], object] | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._process = _context.Process(target=_run, args=(list(arguments), folder, after))
        self._process.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def kill(self, number: int) -> None:
        """Sends a signal, unless the process has ended."""
        if self.alive:
            os.kill(self.pid, number)

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        """Waits until the condition holds; False if the process ends, or LIMIT, before."""
        end = time.monotonic() + LIMIT
        while not condition():
            if not self.alive or time.monotonic() > end:
                return False
            time.sleep(0.0005)
        return True

    def ended(self) -> Ended:
        """Waits for the end, and brings it about where a process has taken WORK or LIMIT seconds."""
        end = time.monotonic() + LIMIT
        while self.alive:
            self._process.join(0.2)
            with contextlib.suppress(psutil.Error):  # it has just ended
                if time.monotonic() > end or sum(psutil.Process(self.pid).cpu_times()[:2]) > WORK:
                    break
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            self._process.join()
        out, err = (self._read(name) for name in ("out", "err"))
        found = self._folder / "found"
        return Ended(
            code, out, err, json.loads(found.read_text(encoding="utf-8")) if code == 0 and found.exists() else None
        )

    def _read(self, name: str) -> str:
        file = self._folder / name
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""


def run(arguments: Sequence[str], folder: Path, after: Callable[[], object] | None = None) -> Ended:
    """Runs the program from its start to its end."""
    return Running(arguments, folder, after).ended()


def start_server(*more: str) -> None:
    """Imports what all processes need, once; they are forked from there, so none of them waits for imports."""
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    os.environ["PYTHONWARNINGS"] = "ignore:os.fork:RuntimeWarning"
    _context.set_forkserver_preload([*_IMPORTED, *more])


def verdict(ended: Ended, same: bool) -> str:
    """What a process's end means, given whether it left what it should.

    A result that differs is all right where a line says so: what it says is the sentence then.
    """
    if ended.code is None:
        return HANG
    if ended.code == 0 and "Traceback" not in ended.err:
        told = any(line.startswith(_WARNING) for line in (ended.out + ended.err).splitlines())
        return EQUAL if same else SENTENCE if told else DIFFERENT
    said = [line for line in ended.err.splitlines() if line.strip()]
    plain = len(said) == 1 and said[0].startswith(("error: ", "stopped: "))
    return SENTENCE if ended.code in DOCUMENTED and plain else TRACEBACK


def _run(arguments: list[str], folder: Path, after: Callable[[], object] | None) -> None:
    """The program as a user's shell runs it: stdout and stderr are files, and it ends as it will."""
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    (folder / "found").unlink(missing_ok=True)
    sys.argv = ["study-classification", *arguments]
    try:
        importlib.import_module("study_classification.main").run()
    except SystemExit as end:
        if end.code or after is None:
            raise
        (folder / "found").write_text(json.dumps(after()), encoding="utf-8")
