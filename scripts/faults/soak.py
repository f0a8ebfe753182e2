"""Long work: thousands of epochs, a million predictions. Memory, descriptors and threads have to stay what they are."""

import math
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from program import Running
from workload import Workload, train

_BATCH = 1000
_context = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Soaked:
    """What a long work took.

    Attributes:
        work: what it was.
        count: how many of them were done.
        code: the exit code of its process.
        memory: kilobytes by which the resident memory grows with a thousand of them, in the second half.
        descriptors: the same of open files.
        threads: the same of threads.
    """

    work: str
    count: int
    code: int | None
    memory: float
    descriptors: float
    threads: float


def soaked(work: Workload, epochs: int, predictions: int) -> Iterator[Soaked]:
    """Trains so many epochs; makes so many predictions."""
    folder = work.scratch("soak")
    arguments = [*train(work.folder, folder / "run", work.cache, epochs), "--config.checkpoint_every_steps=100"]
    running = Running(arguments, folder)
    slopes = _slopes(running.pid, lambda: running.alive, lambda: _rows(folder / "run" / "history.csv"))
    yield Soaked("epochs", _rows(folder / "run" / "history.csv"), running.ended().code, *slopes)

    done = _context.RawValue("q", 0)
    process = _context.Process(target=_predict, args=(work.half, predictions, done))
    process.start()
    slopes = _slopes(process.pid, process.is_alive, lambda: done.value)
    process.join()
    yield Soaked("predictions", done.value, process.exitcode, *slopes)


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Of the line of least squares through the second half of the points; the first half is for warming up."""
    half = len(xs) // 2
    return float(np.polyfit(xs[half:], ys[half:], 1)[0]) if len(set(xs[half:])) > 1 else 0.0


def to_markdown(rows: Sequence[Soaked]) -> str:
    """A row for each work."""
    lines = ["| work | done | exit | memory, kB per 1,000 | descriptors | threads |", "|" + "---|" * 6]
    lines += [
        f"| {row.work} | {row.count:,} | {row.code} | {row.memory:+.1f} | {row.descriptors:+.3f} | {row.threads:+.3f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _slopes(pid: int, alive: Callable[[], bool], done: Callable[[], int]) -> tuple[float, float, float]:
    """How memory (kilobytes), descriptors and threads of a process grow with a thousand of what it does."""
    process, samples = psutil.Process(pid), []
    while alive():
        try:
            with process.oneshot():
                taken = (process.memory_info().rss / 1024, process.num_fds(), process.num_threads())
        except psutil.Error:  # it has just ended
            break
        if count := done():
            samples.append((count / 1000, *taken))
        time.sleep(0.2)
    if not samples:
        return (math.nan,) * 3
    counts, *columns = zip(*samples, strict=True)
    memory, descriptors, threads = (slope(counts, column) for column in columns)
    return memory, descriptors, threads


def _rows(file: Path) -> int:
    return max(len(file.read_bytes().splitlines()) - 1, 0) if file.exists() else 0


def _predict(run: Path, count: int, done) -> None:
    from study_classification import load

    predictor = load(run)
    random = np.random.default_rng(0)
    while done.value < count:
        predictor.predict(random.integers(0, 256, (_BATCH, 8, 8, 3), np.uint8))
        done.value += _BATCH
