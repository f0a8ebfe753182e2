"""The order of the examples: which ones each step sees. It is known in advance, so a run resumes at any step."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Int32

LOOKED_AT = 128  # examples of a split, about, by which the layers of a network are judged


class Order(Protocol):
    """Step -> `index` [b] of the examples of its batch, and their `epoch` or `mask` [b]."""

    def __getitem__(self, step: int) -> dict[str, np.ndarray]: ...


@dataclass(frozen=True)
class TrainingOrder:
    """The order of training: the shuffled epochs joined end to end and cut into batches.

    No example is dropped or repeated within an epoch, whatever the batch size. A batch may reach into the next epoch.
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
        """(examples of an epoch, how often each has been seen before), both [num_examples]."""
        return _permutation(self.num_examples, self.seed, epoch), np.broadcast_to(epoch, self.num_examples)

    def end_of_epoch(self, epoch: int) -> int:
        """How many steps have been taken when this epoch (counted from 0) is over."""
        return -(-(epoch + 1) * self.num_examples // self.batch_size)


@dataclass(frozen=True, eq=False)
class BalancedOrder(TrainingOrder):
    """An order of training in which all classes appear equally often in each epoch, to within one example.

    If the length of an epoch cannot be divided by the number of classes, the classes take turns in having one example
    more. The examples of a class come in rounds, each shuffled anew, that go on from epoch to epoch: none comes again
    before all of its class have come. `epoch`, by which augmentation draws, is the round of an example.

    Attributes:
        labels: the class of each example, [num_examples]; every class has at least one example.
    """

    labels: np.ndarray

    def order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        return _balanced_order(self, epoch)

    def begun(self, label: int, epoch: int) -> int:
        """How many examples of a class come before this epoch."""
        classes = int(self.labels.max()) + 1
        share, left = divmod(self.num_examples, classes)
        return epoch * share + (epoch * left + classes - 1 - label) // classes


def training_order(
    num_examples: int, batch_size: int, seed: int, balanced: Int32[np.ndarray, " n"] | None
) -> TrainingOrder:
    """The order of training, or a balanced one by these labels."""
    if balanced is None:
        return TrainingOrder(num_examples, batch_size, seed)
    return BalancedOrder(num_examples, batch_size, seed, balanced)


@dataclass(frozen=True)
class EvaluationOrder:
    """The order of evaluation: every example once. The last batch is filled up with examples whose mask is 0."""

    num_examples: int
    batch_size: int

    def __len__(self) -> int:
        return -(-self.num_examples // self.batch_size)

    def __getitem__(self, step: int) -> dict[str, np.ndarray]:
        positions = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        real = positions < self.num_examples
        return {"index": np.where(real, positions, 0).astype(np.int32), "mask": real.astype(np.float32)}


@dataclass(frozen=True)
class SpreadOrder:
    """Some examples, at most `count`, in batches of which each is from all over a split; see `EvaluationOrder`."""

    num_examples: int
    batch_size: int
    count: int

    def __len__(self) -> int:
        return -(-min(self.count, self.num_examples) // self.batch_size)

    def __getitem__(self, step: int) -> dict[str, np.ndarray]:
        chosen = min(self.count, self.num_examples)
        positions = np.arange(step, step + len(self) * self.batch_size, len(self))
        real = positions < chosen
        index = np.where(real, positions, 0) * self.num_examples // chosen
        return {"index": index.astype(np.int32), "mask": real.astype(np.float32)}


def some_of(num_examples: int, batch_size: int, num_devices: int) -> SpreadOrder:
    """Enough examples to judge the layers of a network by, in batches that devices can share."""
    most = max(LOOKED_AT // num_devices, 1) * num_devices
    return SpreadOrder(num_examples, min(batch_size, most), LOOKED_AT)


@functools.lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(count)


@functools.lru_cache(maxsize=4)
def _balanced_order(order: BalancedOrder, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    index, rounds = [], []
    for label in range(int(order.labels.max()) + 1):
        members = np.flatnonzero(order.labels == label)
        places = np.arange(order.begun(label, epoch), order.begun(label, epoch + 1))
        for number in np.unique(places // len(members)):
            shuffled = np.random.default_rng((order.seed, int(number), label)).permutation(members)
            taken = shuffled[places[places // len(members) == number] % len(members)]
            index.append(taken)
            rounds.append(np.full(len(taken), number))
    mixed = _permutation(order.num_examples, order.seed, epoch)
    return np.concatenate(index)[mixed], np.concatenate(rounds)[mixed]


Steps = Sequence[int | range]  # steps, or ranges of steps, whose batches are stacked along a new first axis


def in_groups(steps: range, size: int) -> Steps:
    """Cuts steps into ranges of `size`; the steps that are left follow one by one."""
    whole = len(steps) // size * size if size > 1 else 0
    return [*(steps[begin : begin + size] for begin in range(0, whole, size)), *steps[whole:]]
