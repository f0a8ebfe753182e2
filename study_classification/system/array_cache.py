"""Arrays that took long to compute, kept as memory-mapped files: written whole or not at all, as `files.py`."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jax.typing import DTypeLike
from numpy.lib.format import open_memmap

from study_classification.system.files import publish, unwritable, write_json

Create = Callable[[str, DTypeLike, tuple[int, ...]], np.ndarray]


def cached_arrays(parent: Path, identity: list, fill: Callable[[Create], None]) -> dict[str, np.ndarray]:
    """The arrays of this identity by name, read-only and memory-mapped; computed if they are not there yet.

    Args:
        parent: folder of all arrays of a kind.
        identity: whatever the arrays depend on, for JSON.
        fill: computes them. It is given a function (name, dtype, shape) -> array on disk to write into.

    Raises:
        EnvironmentFault: if the folder cannot be written.
    """
    folder = parent / hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:20]
    if not folder.exists():
        temporary = folder.with_name(f".{folder.name}.{os.getpid()}")

        def create(name: str, dtype: DTypeLike, shape: tuple[int, ...]) -> np.ndarray:
            return open_memmap(temporary / f"{name}.npy", "w+", np.dtype(dtype), shape)

        try:
            temporary.mkdir(parents=True, exist_ok=True)
            fill(create)
            write_json(temporary / "identity.json", identity)
            publish(temporary, folder)
        except OSError as error:
            raise unwritable(parent, error) from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return {file.stem: np.load(file, mmap_mode="r") for file in sorted(folder.glob("*.npy"))}
