"""Work by several threads."""

import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def num_workers(workers: int) -> int:
    """The number of threads: `workers`, or for 0 one for each core that this process may use."""
    return workers or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))


def parallel(function: Callable[[A], B], items: Iterable[A], workers: int) -> Generator[B, None, None]:
    """Yields the results in the order of the items. Threads compute some of them ahead, in constant memory."""
    items = iter(items)
    with ThreadPoolExecutor(workers) as pool:
        pending = [pool.submit(function, item) for item in islice(items, 8 * workers)]
        try:
            while pending:
                yield pending.pop(0).result()
                pending.extend(pool.submit(function, item) for item in islice(items, 1))
        finally:
            for future in pending:
                future.cancel()
