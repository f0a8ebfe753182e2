"""The devices: the mesh over them, their memory, and the precision of computing."""

import contextlib
import ctypes
import functools
import os
import re
import shutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import psutil
from jax.sharding import AbstractMesh, AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Int64

from study_classification.errors import ConfigError
from study_classification.system import hosts
from study_classification.system.console import say

DATA, FSDP = "data", "fsdp"
ACCELERATORS = ("/dev/nvidia0", "/dev/accel0", "/dev/vfio/0", "/dev/kfd")  # GPUs of NVIDIA, TPUs, GPUs of AMD
PROGRAMS = "xla"  # the folder of compiled programs in the cache
_DAMAGED_PROGRAM = r"Error reading persistent compilation cache entry for '(\w+)'"
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8  # of glibc's malloc.h


def start_devices(cache: Path) -> None:
    """Joins the other hosts of a pod, if any, and turns on the persistent compilation cache."""
    if not any(Path(path).exists() for path in ACCELERATORS):
        _keep_freed_memory()
    hosts.join()
    jax.config.update("jax_compilation_cache_dir", str(cache / PROGRAMS))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
    # Where the cache cannot be written, programs are compiled anew each time, and whoever needs the cache says so.
    warnings.filterwarnings("ignore", message="Error writing persistent compilation cache")
    warnings.filterwarnings("always", message=_DAMAGED_PROGRAM)
    _remove_damaged_programs(cache / PROGRAMS)


@functools.cache
def _remove_damaged_programs(folder: Path) -> None:
    """Removes a program that JAX cannot read, from now on. JAX only warns, compiles it, and leaves the file."""
    show = warnings.showwarning

    def remove_or_show(message: Warning | str, *where: Any, **named: Any) -> None:
        if name := re.match(_DAMAGED_PROGRAM, str(message)):
            say(f"{folder} has a damaged program ({name[1]}): it is compiled again")
            for file in folder.glob(f"{name[1]}-*-cache"):  # the warning does not tell which one
                with contextlib.suppress(OSError):
                    file.unlink()
        else:
            show(message, *where, **named)

    warnings.showwarning = remove_or_show


def _keep_freed_memory() -> None:
    """Tells glibc not to hand freed memory back to the kernel, before JAX's first thread starts.

    A step on the CPU takes all its scratch memory anew, and its pages would be made and zeroed every time: half of the
    processor time of a MobileNetV2. The price is a higher peak of memory, for free memory lies in pieces.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for option, value in ((_M_ARENA_MAX, 1), (_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1)):
            libc.mallopt(option, value)


def banner(precision: jnp.dtype) -> str:
    """One line about devices, precision and versions."""
    kinds = sorted({device.device_kind for device in jax.devices()})
    found = f"{jax.device_count()} x {', '.join(kinds)}"
    if jax.default_backend() == "cpu":
        found = f"{found} ({psutil.cpu_count(logical=True)} cores)"
    if not hosts.alone():
        found = f"{found} on {hosts.count()} hosts"
    return f"Device: {found}, {jnp.dtype(precision).name}, jax {jax.__version__}"


def warn_of_idle_accelerator() -> None:
    """Warns that the machine has a GPU that this jax does not use."""
    if jax.default_backend() != "cpu" or os.environ.get("JAX_PLATFORMS", "") == "cpu":
        return
    if shutil.which("nvidia-smi") or Path("/dev/nvidia0").exists():
        say(
            "WARNING: this machine has an NVIDIA GPU, but this jax runs on the CPU, which is many times slower.\n"
            "         Install a jax that uses it: pip install -U 'jax[cuda13]'"
        )


def make_mesh(fsdp: int, found: Sequence[jax.Device] | None = None) -> Mesh:
    """A mesh over these devices, or all devices, with the axes `data` and `fsdp`.

    Raises:
        ConfigError: if the devices cannot be grouped by `fsdp`.
    """
    found = jax.devices() if found is None else found
    count = len(found)
    if count % fsdp:
        raise ConfigError(f"fsdp is {fsdp}, which does not divide the {count} devices: choose a divisor")
    return jax.make_mesh((count // fsdp, fsdp), (DATA, FSDP), axis_types=(AxisType.Auto, AxisType.Auto), devices=found)


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """The sharding of batches: the first axis is split over all devices."""
    return NamedSharding(mesh, PartitionSpec((DATA, FSDP)))


def replicated(mesh: Mesh | AbstractMesh) -> NamedSharding:
    """The sharding of a value that is the same on every device."""
    return NamedSharding(mesh, PartitionSpec())


def rows_here(sharding: NamedSharding, count: int) -> Int64[np.ndarray, " n"]:
    """The indices of the rows, of `count`, that lie on this host's devices, ascending; all rows on a single host."""
    slices = sharding.addressable_devices_indices_map((count,)).values()
    return np.unique(np.concatenate([np.arange(count)[index[0]] for index in slices if index is not None]))


def from_rows_here(
    sharding: NamedSharding, rows: Int64[np.ndarray, " n"], here: np.ndarray, count: int, axis: int = 0
) -> jax.Array:
    """Makes the array over all devices from the rows along `axis` that each host has, see `rows_here`."""

    def of_device(index: tuple[slice, ...] | None) -> np.ndarray:
        assert index is not None
        return here.take(np.searchsorted(rows, np.arange(count)[index[axis]]), axis)

    shape = (*here.shape[:axis], count, *here.shape[axis + 1 :])
    return jax.make_array_from_callback(shape, sharding, of_device)


def state_sharding(mesh: Mesh, abstract_state):
    """The shardings of a state: large arrays are split over `fsdp` along the largest dimension that it divides."""
    parts = mesh.shape[FSDP]

    def place(leaf) -> NamedSharding:
        divisible = [axis for axis, size in enumerate(leaf.shape) if size % parts == 0]
        if parts == 1 or leaf.size < 2**16 or not divisible:
            return replicated(mesh)
        axis = max(divisible, key=lambda axis: leaf.shape[axis])
        return NamedSharding(mesh, PartitionSpec(*[None] * axis, FSDP))

    return jax.tree.map(place, abstract_state)


def abstract(tree):
    """The shapes, types and shardings of a tree of arrays."""
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding), tree)


def with_shardings(shapes, shardings):
    """The shapes and types of a tree, with the shardings of another tree."""
    return jax.tree.map(
        lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), shapes, shardings
    )


def compute_dtype(precision: str) -> jnp.dtype:
    """The type of activations and products. `auto` is bfloat16 on devices that gain from it."""
    if precision == "auto":
        precision = "float32" if jax.default_backend() == "cpu" else "bfloat16"
    return jnp.dtype(precision)


def free_memory() -> int:
    """The bytes that a device can still hold, in its own memory, or in that of the machine for a CPU."""
    device = jax.local_devices()[0]
    statistics = device.memory_stats() or {} if device.platform != "cpu" else {}
    if "bytes_limit" in statistics:
        return statistics["bytes_limit"] - statistics["bytes_in_use"]
    return psutil.virtual_memory().available // (jax.local_device_count() if device.platform == "cpu" else 1)
