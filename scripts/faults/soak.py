"""Long work: 2,000 epochs, a million predictions. Memory, descriptors and threads have to stay what they are."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from cases import Case
from program import DIFFERENT, EQUAL, Running
from workload import Workload, train

_PER_THOUSAND = {"memory (kB)": 400.0, "descriptors": 2.0, "threads": 1.0}  # more than that is a leak


@dataclass(frozen=True)
class Sample:
    """What a process has at a moment: `done` counts its epochs or predictions."""

    done: float
    memory: float
    descriptors: float
    threads: float


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Of the line of least squares through the second half of the points; the first half is warming up."""
    half = len(xs) // 2
    return float(np.polyfit(xs[half:], ys[half:], 1)[0])
