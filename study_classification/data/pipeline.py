"""From a split to batches on the devices: resident (decoded once, kept there) or streaming (decoded on the way).

Both modes give the same batches for the same plan. A plan is a sequence of index batches that is known in advance, so
that a run can be resumed at any step by starting there.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Int32, UInt8

from study_classification.array_cache import Create, cached_arrays
from study_classification.console import progress, say
from study_classification.data.dataset import Split
from study_classification.data.decode import UnreadableImage, decode_scaled
from study_classification.data.prepare import parallel
from study_classification.data.preprocess import Preprocess, eval_view, training_canvas
from study_classification.errors import DataError

FORMAT = 2  # part of every cache key: raise it when decoding or resizing changes
RESIDENT_SHARE = 0.4  # of the free memory that resident pictures may take: the rest is for the network
Batch = dict[str, jax.Array]


@dataclass(frozen=True)
class View:
    """How an encoded picture becomes an array: the evaluation view, or, with a canvas size, a training canvas."""

    preprocess: Preprocess
    max_megapixels: float
    canvas_size: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        side = self.canvas_size or self.preprocess.image_size
        return side, side, self.preprocess.channels

    def read(self, data: bytes) -> tuple[UInt8[np.ndarray, "h w c"], np.float32]:
        """The picture, and its width / height.

        Raises:
            UnreadableImage: with the reason.
        """
        p = self.preprocess
        min_side = self.canvas_size or p.resize_size
        image, box = decode_scaled(data, min_side, max_megapixels=self.max_megapixels)
        if self.canvas_size:
            return training_canvas(image, self.canvas_size, p.channels, p.interpolation, box)
        return eval_view(image, p, box), np.float32(1.0)


class Plan(Protocol):
    """Step -> what is planned of each example of the batch: `index` [b], and `epoch` or `mask` [b]."""

    def __getitem__(self, step: int) -> dict[str, np.ndarray]: ...


@dataclass(frozen=True)
class TrainingPlan:
    """Which examples step s trains on: the shuffled epochs joined end to end, cut into batches.

    No picture is dropped or repeated within an epoch, whatever the batch size; a batch may reach into the next epoch.
    Epoch e has ended when ceil((e + 1) x examples / batch_size) steps have been taken.
    """

    num_examples: int
    batch_size: int
    seed: int

    def __getitem__(self, step: int) -> dict[str, Int32[np.ndarray, " b"]]:
        positions = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs = positions // self.num_examples
        index, seen = np.empty_like(positions), np.empty_like(positions)
        for epoch in np.unique(epochs):
            chosen = epochs == epoch
            order, times = self.order(int(epoch))
            index[chosen], seen[chosen] = (rows[positions[chosen] % self.num_examples] for rows in (order, times))
        return {"index": index.astype(np.int32), "epoch": seen.astype(np.int32)}

    def order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The examples of an epoch, [num_examples], and how often each of them has been seen before."""
        return _permutation(self.num_examples, self.seed, epoch), np.broadcast_to(epoch, self.num_examples)

    def end_of_epoch(self, epoch: int) -> int:
        """How many steps have been taken when this epoch (counted from 0) is over."""
        return -(-(epoch + 1) * self.num_examples // self.batch_size)


@dataclass(frozen=True, eq=False)
class BalancedPlan(TrainingPlan):
    """A training plan with epochs of the same length in which all classes appear equally often, but for one picture.

    Where an epoch cannot be divided by the classes, they take turns in having one picture more. The pictures of a
    class come in rounds, each shuffled anew, which go on from epoch to epoch: none comes again before all of its class
    have come, and `epoch`, by which augmentation draws, is a picture's round.

    Attributes:
        labels: class of each example, [num_examples]; every class has at least one.
    """

    labels: np.ndarray

    def order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        return _balanced_order(self, epoch)

    def begun(self, label: int, epoch: int) -> int:
        """How many pictures of a class come before this epoch."""
        classes = int(self.labels.max()) + 1
        share, left = divmod(self.num_examples, classes)
        return epoch * share + (epoch * left + classes - 1 - label) // classes


@dataclass(frozen=True)
class EvaluationPlan:
    """Every example once, in order; the last batch is filled up with examples whose mask is 0."""

    num_examples: int
    batch_size: int

    def __len__(self) -> int:
        return -(-self.num_examples // self.batch_size)

    def __getitem__(self, step: int) -> dict[str, np.ndarray]:
        positions = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        real = positions < self.num_examples
        return {"index": np.where(real, positions, 0).astype(np.int32), "mask": real.astype(np.float32)}


@functools.lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(count)


@functools.lru_cache(maxsize=4)
def _balanced_order(plan: BalancedPlan, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    index, rounds = [], []
    for label in range(int(plan.labels.max()) + 1):
        members = np.flatnonzero(plan.labels == label)
        places = np.arange(plan.begun(label, epoch), plan.begun(label, epoch + 1))
        for number in np.unique(places // len(members)):
            shuffled = np.random.default_rng((plan.seed, int(number), label)).permutation(members)
            taken = shuffled[places[places // len(members) == number] % len(members)]
            index.append(taken)
            rounds.append(np.full(len(taken), number))
    mixed = _permutation(plan.num_examples, plan.seed, epoch)
    return np.concatenate(index)[mixed], np.concatenate(rounds)[mixed]


Steps = Sequence[int | range]  # steps, or ranges of them whose batches come together, along a new first axis


def in_groups(steps: range, size: int) -> Steps:
    """Ranges of so many steps, and one by one what is left."""
    whole = len(steps) // size * size if size > 1 else 0
    return [*(steps[begin : begin + size] for begin in range(0, whole, size)), *steps[whole:]]


def _together(steps: int | range, of: Callable[[int], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What a step has, or, along a new first axis, each of several."""
    if isinstance(steps, int):
        return of(steps)
    parts = [of(step) for step in steps]
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def _of_groups(sharding: NamedSharding) -> NamedSharding:
    return NamedSharding(sharding.mesh, PartitionSpec(None, *sharding.spec))


class ResidentImages:
    """All pictures of a split on the device, uint8; a batch is gathered there."""

    def __init__(self, arrays: dict[str, np.ndarray], sharding: NamedSharding):
        everywhere = NamedSharding(sharding.mesh, PartitionSpec())
        self._arrays = {name: jax.device_put(array, everywhere) for name, array in arrays.items()}

        def gather(arrays: dict[str, jax.Array], index: jax.Array) -> Batch:
            return {name: array[index] for name, array in arrays.items()}

        self._shardings = {int: sharding, range: _of_groups(sharding)}
        self._gather = {kind: jax.jit(gather, out_shardings=it) for kind, it in self._shardings.items()}

    def batches(self, plan: Plan, steps: Steps) -> Iterator[Batch]:
        """The batches of these steps: image, aspect, label, and what the plan says of each example."""
        for each in steps:
            planned = jax.device_put(_together(each, plan.__getitem__), self._shardings[type(each)])
            yield self._gather[type(each)](self._arrays, planned["index"]) | planned


class StreamingImages:
    """Pictures decoded when they are needed, by threads, some batches ahead; each host decodes its own part."""

    def __init__(self, split: Split, view: View, workers: int, sharding: NamedSharding):
        self._split, self._view, self._workers, self._sharding = split, view, workers, sharding

    def batches(self, plan: Plan, steps: Steps) -> Iterator[Batch]:
        """The batches of these steps: image, aspect, label, and what the plan says of each example."""
        import grain

        options = grain.ReadOptions(num_threads=self._workers, prefetch_buffer_size=self._workers + 1)

        def load(number: int) -> dict[str, np.ndarray]:
            return _together(steps[int(number)], lambda step: self._load(plan[step]))

        loaded = grain.MapDataset.range(len(steps)).map(load).to_iter_dataset(options)
        for each, local in zip(steps, loaded, strict=True):
            sharding, axis = (self._sharding, 0) if isinstance(each, int) else (_of_groups(self._sharding), 1)
            yield {
                name: jax.make_array_from_process_local_data(
                    sharding,
                    array,
                    (*array.shape[:axis], array.shape[axis] * jax.process_count(), *array.shape[axis + 1 :]),
                )
                for name, array in local.items()
            }

    def _load(self, planned: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        share = len(planned["index"]) // jax.process_count()
        mine = slice(jax.process_index() * share, (jax.process_index() + 1) * share)
        planned = {name: array[mine] for name, array in planned.items()}
        batch = _empty(share, self._view)
        for row, index in enumerate(planned["index"]):
            _fill(batch, row, self._split, int(index), self._view)
        return batch | planned


Images = ResidentImages | StreamingImages


def open_images(
    split: Split, view: View, *, mode: str, free_memory: int, cache: Path, workers: int, sharding: NamedSharding
) -> Images:
    """Chooses the mode, says which and why, and makes the split ready.

    Args:
        split: the encoded pictures.
        view: how they become arrays.
        mode: `auto`, `resident` or `streaming`; auto is resident if the pictures fit into the free memory.
        free_memory: bytes free on one device.
        cache: directory for decoded pictures.
        workers: decoding threads.
        sharding: of the batches.
    """
    needed = len(split) * int(np.prod(view.shape))
    fits = needed < RESIDENT_SHARE * free_memory
    if mode == "auto":
        mode = "resident" if fits else "streaming"
    size = f"{len(split):,} pictures of {view.shape[1]} x {view.shape[0]}"
    say(f"  {mode}: {size} need {gigabytes(needed)} of {gigabytes(free_memory)} free memory")
    if mode == "streaming":
        return StreamingImages(split, view, workers, sharding)
    return ResidentImages(_decode_all(split, view, cache, workers), sharding)


def batch_shapes(view: View, size: int, sharding: NamedSharding) -> dict[str, jax.ShapeDtypeStruct]:
    """What the batches of a training plan will look like."""
    pictures = _empty(size, view)
    types = {name: (array.shape, array.dtype) for name, array in pictures.items()}
    types |= {name: ((size,), np.dtype(np.int32)) for name in ("index", "epoch")}
    return {name: jax.ShapeDtypeStruct(*of, sharding=sharding) for name, of in types.items()}


def _decode_all(split: Split, view: View, cache: Path, workers: int) -> dict[str, np.ndarray]:
    """All pictures of a split, decoded once and then read back from a memory-mapped file."""
    identity = [
        FORMAT,
        split.key,
        view.preprocess.image_size,
        view.preprocess.resize_size,
        view.preprocess.interpolation,
        view.preprocess.channels,
        view.canvas_size,
    ]

    def fill(create: Create) -> None:
        arrays = _empty(len(split), view, create)
        rows = parallel(lambda row: _fill(arrays, row, split, row, view), range(len(split)), workers)
        for _ in progress(rows, "decoding pictures", total=len(split)):
            pass

    return cached_arrays(cache / "decoded", identity, fill)


def _empty(
    count: int, view: View, create: Create = lambda name, dtype, shape: np.empty(shape, dtype)
) -> dict[str, np.ndarray]:
    return {
        "image": create("image", np.uint8, (count, *view.shape)),
        "aspect": create("aspect", np.float32, (count,)),
        "label": create("label", np.int32, (count,)),
    }


def _fill(arrays: dict[str, np.ndarray], row: int, split: Split, index: int, view: View) -> None:
    arrays["image"][row], arrays["aspect"][row], arrays["label"][row] = read(split, index, view)


def read(split: Split, index: int, view: View) -> tuple[UInt8[np.ndarray, "h w c"], np.float32, int]:
    """One example of a split: picture, width / height, label.

    Raises:
        DataError: if it cannot be read.
    """
    example = split[index]
    try:
        return *view.read(example.data), example.label
    except UnreadableImage as error:
        raise DataError(f"{example.name} cannot be read: {error}; remove it from the data set") from None


def gigabytes(count: float) -> str:
    """Bytes as a person reads them."""
    return f"{count / 1e9:.2f} GB" if count >= 1e7 else f"{count / 1e6:.2f} MB"
