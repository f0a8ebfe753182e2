"""The checkpoints of a run. They are written while training goes on; the last two and the best are kept.

A checkpoint has two parts, `model` and `training` (see `training/state.py`), so evaluation reads only the first. Beside
them it keeps JSON: the history of the run. If a checkpoint is damaged, a message names it and the next good one is
taken.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from jaxtyping import PyTree

from study_classification.errors import RunError
from study_classification.runs.checkpoint import (
    DamagedError,
    Record,
    begin_writing,
    is_complete,
    is_half_written,
    load,
    read_record,
    remove,
    verify,
)
from study_classification.system import hosts
from study_classification.system.console import say
from study_classification.system.files import make_folder, remove_tree, unwritable

LATEST = 2  # how many are kept besides the best: the last one may turn out to be damaged


@dataclass(frozen=True)
class _Save:
    """A checkpoint that waits to be written."""

    folder: Path
    best: bool
    begin: Callable[[], Callable[[], None]]


class Checkpointer:
    """Writes the checkpoints of one run directory in a thread, one after the other; see `open_checkpoints`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._thread = ThreadPoolExecutor(1)
        self._tasks: list[Future[None]] = []
        self._waiting: list[_Save] = []
        self._lock = threading.Lock()

    def save(self, step: int, parts: Mapping[str, PyTree], beside: dict, best: bool) -> None:
        """Saves trees of arrays after a step; the file system sees all of it or nothing.

        The present values of the arrays are written while training goes on. If saves come faster than they can be
        written, the last one and the best one wait, and earlier ones are dropped. Several hosts write together, and
        write every one. The next save, or `wait`, raises errors of writing.

        Args:
            step: the step, which names the checkpoint.
            parts: name -> tree of arrays.
            beside: JSON that is kept beside the trees.
            best: whether it is better than all earlier checkpoints.
        """
        folder = self.folder / str(step)
        if not hosts.alone():  # all hosts have to begin in the same order, each in its main thread
            self.wait()
            finish = begin_writing(folder, parts, beside, best)
            self._tasks.append(self._thread.submit(self._finish, finish))
            return
        while self._tasks and self._tasks[0].done():
            self._tasks.pop(0).result()
        copies = jax.tree.map(np.array, dict(parts))  # training goes on in the arrays themselves
        with self._lock:
            self._waiting = [save for save in self._waiting if save.best and not best]
            self._waiting.append(_Save(folder, best, lambda: begin_writing(folder, copies, beside, best)))
        self._tasks.append(self._thread.submit(self._write_next))

    def wait(self) -> None:
        """Waits until everything is written."""
        while self._tasks:
            self._tasks.pop(0).result()
        hosts.broadcast_from_first(0.0)  # which has given the last checkpoint its name

    def close(self) -> None:
        """Ends the thread, after it has written its present checkpoint."""
        self._thread.shutdown(cancel_futures=True)

    def _write_next(self) -> None:
        with self._lock:
            save = self._waiting.pop(0) if self._waiting else None
        if save:
            self._finish(save.begin())

    def _finish(self, finish: Callable[[], None]) -> None:
        finish()
        if hosts.is_first():
            _remove_old(self.folder)


@contextlib.contextmanager
def open_checkpoints(folder: Path) -> Iterator[Checkpointer]:
    """A context in which checkpoints are written. It removes what a killed run left half-written.

    Raises:
        EnvironmentFault: if the folder cannot be written.
    """
    if hosts.is_first():
        try:
            make_folder(folder)
        except OSError as error:
            raise unwritable(folder, error) from None
        for path in list(folder.glob("*")):
            if is_half_written(path):
                remove_tree(path)
    checkpointer = Checkpointer(folder)
    try:
        yield checkpointer
        checkpointer.wait()
    finally:
        checkpointer.close()


def load_latest(folder: Path, parts: Mapping[str, PyTree]) -> tuple[dict[str, PyTree], dict] | None:
    """(parts, JSON beside them) of the latest good checkpoint; None if there is no checkpoint.

    Args:
        folder: the directory of the run's checkpoints.
        parts: name -> abstract tree (shapes, types, shardings); the shardings say where the arrays are put.

    Raises:
        RunError: if all checkpoints are damaged, or they belong to another network.
    """
    if not steps_in(folder):
        return None
    record, loaded = _load_first_good(folder, "last", parts)
    return loaded, record.beside


def load_model(folder: Path, which: str, variables: Mapping) -> tuple[int, dict]:
    """(step, {'params', 'batch_stats'}) of a checkpoint, for a network of these shapes.

    If `best` or `last` is damaged, the next good one is taken, and a message says so.

    Args:
        folder: the directory of the run's checkpoints.
        which: `best`, `last`, or a step as digits.
        variables: abstract variables (shapes, types and, if wanted, shardings).

    Raises:
        RunError: if the checkpoint is absent, damaged, or belongs to another network.
    """
    if not steps_in(folder):
        raise RunError(f"{folder} has no complete checkpoint yet: train for at least one epoch")
    record, loaded = _load_first_good(folder, which, {"model": dict(variables)})
    return record.step, loaded["model"]


def last_good(checkpointer: Checkpointer) -> str:
    """A sentence that names the latest checkpoint that can be read back, from which training can go on."""
    checkpointer.wait()
    for step in sorted(steps_in(checkpointer.folder), reverse=True):
        try:
            verify(checkpointer.folder / str(step))
            return f"the last good checkpoint is {checkpointer.folder / str(step)}"
        except DamagedError:
            continue
    return "none of the checkpoints is good" if steps_in(checkpointer.folder) else "there is no checkpoint yet"


def steps_in(folder: Path) -> list[int]:
    """The steps of the checkpoints in a folder, in ascending order."""
    return sorted(int(path.name) for path in folder.glob("*") if is_complete(path))


def _load_first_good(folder: Path, which: str, parts: Mapping[str, PyTree]) -> tuple[Record, dict[str, PyTree]]:
    """Loads the first checkpoint of `_candidates` that is not damaged; prints the damaged ones before it."""
    damaged: list[str] = []
    for step in _candidates(folder, which):
        try:
            found = load(folder / str(step), parts)
        except DamagedError as error:
            damaged.append(f"the checkpoint {folder / str(step)} is damaged: {error}")
            continue
        if damaged:
            say(f"Beware: {'; '.join(damaged)}. Taking {folder / str(step)} instead")
        return found
    if which in ("best", "last"):
        raise RunError(f"{'; '.join(damaged)}; there is no other one: restore {folder} from a copy, or train again")
    others = ", ".join(["best", "last", *(str(step) for step in steps_in(folder) if str(step) != which)])
    raise RunError(f"{'; '.join(damaged)}; restore it from a copy, or give another one: {others}")


def _candidates(folder: Path, which: str) -> list[int]:
    """The steps of the checkpoints that may be taken; the one that is asked for comes first."""
    steps = steps_in(folder)
    if which == "last":
        return steps[::-1]
    if which == "best":
        return sorted(steps, key=lambda step: (_was_best(folder / str(step)) is not False, step), reverse=True)
    if which.isdigit() and int(which) in steps:
        return [int(which)]
    raise RunError(f"{folder} has no checkpoint '{which}': give best, last, or one of the steps {_listed(folder)}")


def _listed(folder: Path) -> str:
    return ", ".join(map(str, steps_in(folder)))


def _was_best(folder: Path) -> bool | None:
    """Whether a checkpoint was the best when it was written; None if its record is damaged."""
    try:
        return read_record(folder).best
    except DamagedError:
        return None


def _remove_old(folder: Path) -> None:
    """Removes all checkpoints except the best, the last ones, and those with a damaged record."""
    steps = steps_in(folder)
    was_best = {step: _was_best(folder / str(step)) for step in steps}
    best = max((step for step in steps if was_best[step]), default=None)
    for step in steps[:-LATEST]:
        if step != best and was_best[step] is not None:
            remove(folder / str(step))
