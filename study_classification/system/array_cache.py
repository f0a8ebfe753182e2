"""Keeps arrays that take long to compute, as memory-mapped files in an entry of the cache, see `entries.py`."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jax.typing import DTypeLike
from numpy.lib.format import open_memmap

from study_classification.system import hosts
from study_classification.system.entries import is_whole, publish, workplace
from study_classification.system.files import unwritable, write_json

Create = Callable[[str, DTypeLike, tuple[int, ...]], np.ndarray]


def cached_arrays(parent: Path, identity: list, fill: Callable[[Create], None]) -> dict[str, np.ndarray]:
    """Name -> array of this identity, read-only and memory-mapped. Absent or damaged arrays are computed.

    Args:
        parent: the folder for all arrays of a kind.
        identity: everything that the arrays depend on, for JSON.
        fill: computes the arrays. It is given a function (name, dtype, shape) -> array on disk, to write into.

    Raises:
        EnvironmentFault: if the folder cannot be written.
    """
    folder = parent / hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:20]
    if not hosts.min_over_hosts(is_whole(folder)):  # hosts have to begin together what they compute together
        try:
            with workplace(folder) as temporary:
                fill(lambda name, dtype, shape: _create(temporary / f"{name}.npy", np.dtype(dtype), shape))
                write_json(temporary / "identity.json", identity)
                publish(temporary, folder)
        except OSError as error:
            raise unwritable(parent, error) from None
    return {file.stem: np.load(file, mmap_mode="r") for file in sorted(folder.glob("*.npy"))}


def _create(file: Path, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Makes an array on disk and takes its space, for writing to a sparse file on a full disk ends the process."""
    array = open_memmap(file, "w+", dtype, shape)
    with file.open("r+b") as handle:
        _reserve(handle.fileno(), file.stat().st_size - array.nbytes, array.nbytes)
    return array


def _reserve(descriptor: int, start: int, count: int) -> None:
    """Takes the space on disk of `count` bytes; they read as zeros.

    Raises:
        OSError: if there is no space.
    """
    if hasattr(os, "posix_fallocate"):
        if count:
            os.posix_fallocate(descriptor, start, count)
        return
    zeros = bytes(1 << 20)
    for offset in range(0, count, len(zeros)):
        os.pwrite(descriptor, zeros[: count - offset], start + offset)
