"""What training, evaluation and prediction ask of a task. They know the loss and named measures, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Array, Float

LOSS = "loss"  # the name of what every task reports besides its measures; lower is better


@dataclass(frozen=True)
class Measure:
    """A number that a task reports as a mean over examples, such as the accuracy."""

    name: str
    higher_is_better: bool


class Task(Protocol):
    """One way to learn from labels.

    Outputs are what a network computes, float32 [b, outputs]. Predictions are what they mean, in the form that is
    measured and averaged over several views of an example.
    """

    @property
    def num_outputs(self) -> int:
        """How many outputs the network has."""
        ...

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is reported besides the loss; the first one says which epoch is the best."""
        ...

    @property
    def kept(self) -> Mapping[str, float]:
        """What `fitted` took from the labels that predictions need; it is stored with the run."""
        ...

    def targets(self, labels: Array) -> Float[Array, "b ..."]:
        """Labels [b] as what the outputs are compared with; targets of several examples can be mixed linearly."""
        ...

    def fitted(self, labels: np.ndarray) -> "Task":
        """The same task with what it takes from the labels of a training split: the weights of classes, a scale."""
        ...

    def losses(self, outputs: Float[Array, "b outputs"], targets: Float[Array, "b ..."]) -> Float[Array, " b"]:
        """What training minimises the mean of."""
        ...

    def predictions(self, outputs: Float[Array, "b outputs"]) -> Array:
        """What the outputs mean, [b, ...]."""
        ...

    def average(self, one: Array, other: Array) -> Array:
        """The predictions that are the mean of two views'."""
        ...

    def measured(self, predictions: Array, targets: Float[Array, "b ..."]) -> Mapping[str, Float[Array, " b"]]:
        """The plain loss (LOSS) and each measure of every example; their means are reported."""
        ...


def names_of(task: Task) -> tuple[str, ...]:
    """The loss and the measures, in the order in which they are shown."""
    return (LOSS, *(measure.name for measure in task.measures))


def higher_is_better(task: Task, name: str) -> bool:
    """The direction of the loss or of a measure.

    Raises:
        KeyError: if the task has no such measure.
    """
    return {LOSS: False, **{measure.name: measure.higher_is_better for measure in task.measures}}[name]
