"""From a split to batches on the devices: resident (decoded once, kept there) or streaming (decoded on the way).

Both modes give the same batches for the same order (see `order.py`), so a run can be resumed at any step.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Int64, UInt8

from study_classification.data.dataset import Split
from study_classification.data.order import Order, Steps
from study_classification.data.rows import RowSplit, read_rows
from study_classification.errors import DataError
from study_classification.inputs.images.decode import UnreadableImage
from study_classification.inputs.images.reader import ImageReader
from study_classification.inputs.kinds import Reader
from study_classification.system import devices, hosts
from study_classification.system.array_cache import Create, cached_arrays
from study_classification.system.console import progress, say
from study_classification.system.threads import parallel

FORMAT = 2  # part of every cache key: raise it when decoding or resizing changes
RESIDENT_SHARE = 0.4  # the share of free memory that resident images may take: the rest is for the network
Batch = dict[str, jax.Array]


def _together(steps: int | range, of: Callable[[int], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of one step, or those of several steps, stacked along a new first axis."""
    if isinstance(steps, int):
        return of(steps)
    parts = [of(step) for step in steps]
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def _of_groups(sharding: NamedSharding) -> NamedSharding:
    return NamedSharding(sharding.mesh, PartitionSpec(None, *sharding.spec))


class ResidentImages:
    """All examples of a split, kept on the devices, images as uint8. Batches are gathered there.

    `arrays` lie on every device, see `on_every_device`. `sharding` is the sharding of the batches.
    """

    def __init__(self, arrays: dict[str, jax.Array], sharding: NamedSharding):
        self._arrays = arrays

        def gather(arrays: dict[str, jax.Array], index: jax.Array) -> Batch:
            return {name: array[index] for name, array in arrays.items()}

        self._shardings = {int: sharding, range: _of_groups(sharding)}
        self._gather = {kind: jax.jit(gather, out_shardings=it) for kind, it in self._shardings.items()}

    def batches(self, order: Order, steps: Steps) -> Iterator[Batch]:
        """The batches of these steps: for images image, aspect and label, and what the order says of each example."""
        for each in steps:
            planned = jax.device_put(_together(each, order.__getitem__), self._shardings[type(each)])
            yield self._gather[type(each)](self._arrays, planned["index"]) | planned


class StreamingImages:
    """Images that threads decode some batches before they are needed. Each host decodes its own part of a batch."""

    def __init__(self, split: Split, reader: ImageReader, workers: int, sharding: NamedSharding):
        self._split, self._reader, self._workers, self._sharding = split, reader, workers, sharding

    def batches(self, order: Order, steps: Steps) -> Iterator[Batch]:
        """The batches of these steps: image, aspect, label, and what the order says of each example."""
        import grain

        options = grain.ReadOptions(num_threads=self._workers, prefetch_buffer_size=self._workers + 1)

        def load(number: int) -> tuple[int, dict[str, np.ndarray]]:
            each = steps[int(number)]
            first = each if isinstance(each, int) else each[0]
            return len(order[first]["index"]), _together(each, lambda step: self._load(order[step]))

        loaded = grain.MapDataset.range(len(steps)).map(load).to_iter_dataset(options)
        for each, (size, here) in zip(steps, loaded, strict=True):
            sharding, axis = (self._sharding, 0) if isinstance(each, int) else (_of_groups(self._sharding), 1)
            rows = devices.rows_here(self._sharding, size)
            yield {name: devices.from_rows_here(sharding, rows, array, size, axis) for name, array in here.items()}

    def _load(self, planned: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        rows = devices.rows_here(self._sharding, len(planned["index"]))
        planned = {name: array[rows] for name, array in planned.items()}
        batch = _empty(len(rows), self._split.label_type, self._reader)
        for row, index in enumerate(planned["index"]):
            _fill(batch, row, self._split, int(index), self._reader)
        return batch | planned


Images = ResidentImages | StreamingImages


def open_examples(
    split: Split | RowSplit,
    reader: Reader,
    *,
    mode: str,
    free_memory: int,
    cache: Path,
    workers: int,
    sharding: NamedSharding,
) -> Images:
    """Makes a split ready to give batches: images by `open_images`; rows are small, so they are always resident.

    Raises:
        DataError: if a row does not fit what was learnt from the training rows.
    """
    if isinstance(split, RowSplit):
        assert not isinstance(reader, ImageReader)
        values = read_rows(split, reader)
        say(f"  {reader.remarks(values)}")
        return ResidentImages(on_every_device({reader.key: values, "label": split.labels}, sharding), sharding)
    assert isinstance(reader, ImageReader)
    return open_images(
        split, reader, mode=mode, free_memory=free_memory, cache=cache, workers=workers, sharding=sharding
    )


def open_images(
    split: Split,
    reader: ImageReader,
    *,
    mode: str,
    free_memory: int,
    cache: Path,
    workers: int,
    sharding: NamedSharding,
) -> Images:
    """Chooses resident or streaming, prints which and why, and makes the split ready to give batches.

    Args:
        split: the encoded images.
        reader: turns encoded images into arrays.
        mode: `auto`, `resident` or `streaming`; auto is resident if the images fit into the free memory.
        free_memory: bytes free on one device.
        cache: directory for decoded images.
        workers: decoding threads.
        sharding: the sharding of the batches.
    """
    needed = len(split) * int(np.prod(reader.shape))
    fits = needed < RESIDENT_SHARE * free_memory
    if mode == "auto":
        mode = "resident" if fits else "streaming"
    size = f"{len(split):,} pictures of {reader.shape[1]} x {reader.shape[0]}"
    say(f"  {mode}: {size} need {gigabytes(needed)} of {gigabytes(free_memory)} free memory")
    if mode == "streaming":
        return StreamingImages(split, reader, workers, sharding)
    return ResidentImages(_decode_all(split, reader, cache, workers, sharding), sharding)


def batch_shapes(
    reader: ImageReader, label_type: np.dtype, size: int, sharding: NamedSharding
) -> dict[str, jax.ShapeDtypeStruct]:
    """The shapes and types of the training batches, by name."""
    arrays = _empty(size, label_type, reader)
    types = {name: (array.shape, array.dtype) for name, array in arrays.items()}
    types |= {name: ((size,), np.dtype(np.int32)) for name in ("index", "epoch")}
    return {name: jax.ShapeDtypeStruct(*of, sharding=sharding) for name, of in types.items()}


def on_every_device(arrays: dict[str, np.ndarray], sharding: NamedSharding) -> dict[str, jax.Array]:
    """Puts arrays that every host has onto every device of the mesh."""
    everywhere = devices.replicated(sharding.mesh)
    return {name: jax.device_put(np.asarray(array), everywhere) for name, array in arrays.items()}


def _decode_all(
    split: Split, reader: ImageReader, cache: Path, workers: int, sharding: NamedSharding
) -> dict[str, jax.Array]:
    """Puts all images of a split onto every device. They are decoded once, and kept in a memory-mapped file.

    Each of several hosts decodes its own part, as if the split were one batch; the devices exchange the parts.
    """
    count = len(split)
    if hosts.alone():
        return on_every_device(_decoded(split, reader, cache, workers, np.arange(count)), sharding)
    filled = -(-count // sharding.mesh.size) * sharding.mesh.size
    rows = devices.rows_here(sharding, filled)
    here = _decoded(split, reader, cache, workers, rows[rows < count])
    complete = jax.jit(lambda array: array[:count], out_shardings=devices.replicated(sharding.mesh))
    missing = [(0, int((rows >= count).sum()))]
    return {
        name: complete(
            devices.from_rows_here(sharding, rows, np.pad(array, missing + [(0, 0)] * (array.ndim - 1)), filled)
        )
        for name, array in here.items()
    }


def _decoded(
    split: Split, reader: ImageReader, cache: Path, workers: int, indices: Int64[np.ndarray, " n"]
) -> dict[str, np.ndarray]:
    """The images with these indices, from a memory-mapped file that is written if need be."""
    identity = [
        FORMAT,
        split.key,
        reader.preprocess.image_size,
        reader.preprocess.resize_size,
        reader.preprocess.interpolation,
        reader.preprocess.channels,
        reader.canvas_size,
    ]
    if len(indices) < len(split):
        identity.append(hashlib.sha256(indices.tobytes()).hexdigest())

    def fill(create: Create) -> None:
        arrays = _empty(len(indices), split.label_type, reader, create)
        rows = parallel(lambda row: _fill(arrays, row, split, int(indices[row]), reader), range(len(indices)), workers)
        for _ in progress(rows, "decoding pictures", total=len(indices)):
            pass

    return cached_arrays(cache / "decoded", identity, fill)


def _empty(
    count: int,
    label_type: np.dtype,
    reader: ImageReader,
    create: Create = lambda name, dtype, shape: np.empty(shape, dtype),
) -> dict[str, np.ndarray]:
    return {
        "image": create("image", np.uint8, (count, *reader.shape)),
        "aspect": create("aspect", np.float32, (count,)),
        "label": create("label", label_type, (count,)),
    }


def _fill(arrays: dict[str, np.ndarray], row: int, split: Split, index: int, reader: ImageReader) -> None:
    arrays["image"][row], arrays["aspect"][row], arrays["label"][row] = read(split, index, reader)


def read(split: Split, index: int, reader: ImageReader) -> tuple[UInt8[np.ndarray, "h w c"], np.float32, int | float]:
    """Reads one example of a split: image, aspect (width / height), label.

    Raises:
        DataError: if the image cannot be read.
    """
    example = split[index]
    try:
        return *reader.read(example.data), example.label
    except UnreadableImage as error:
        raise DataError(f"{example.name} cannot be read: {error}; remove it from the data set") from None


def gigabytes(count: float) -> str:
    """A number of bytes as a person reads it."""
    return f"{count / 1e9:.2f} GB" if count >= 1e7 else f"{count / 1e6:.2f} MB"
