"""The interface of a task: training, evaluation and prediction know its loss and named measures, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Array, Float

LOSS = "loss"  # every task reports it besides its measures; lower is better


@dataclass(frozen=True)
class Measure:
    """A number that a task reports as a mean over examples, such as the accuracy."""

    name: str
    higher_is_better: bool


class Task(Protocol):
    """One way to learn from labels.

    Outputs are what a network computes, float32 [b, outputs]. Predictions are their meaning, in the form that is
    measured and averaged over several views of an example.
    """

    @property
    def num_outputs(self) -> int:
        """The number of outputs of the network."""
        ...

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures besides the loss. The first one decides which epoch is the best."""
        ...

    @property
    def kept(self) -> Mapping[str, float]:
        """The values that `fitted` took from the labels and predictions need. They are stored with the run."""
        ...

    def targets(self, labels: Array) -> Float[Array, "b ..."]:
        """The targets of labels [b], with which outputs are compared. Targets can be mixed linearly."""
        ...

    def fitted(self, labels: np.ndarray) -> "Task":
        """The task fitted to the labels of a training split, such as by weights of classes or a scale."""
        ...

    def losses(self, outputs: Float[Array, "b outputs"], targets: Float[Array, "b ..."]) -> Float[Array, " b"]:
        """The loss of each example [b]; training minimises its mean."""
        ...

    def predictions(self, outputs: Float[Array, "b outputs"]) -> Array:
        """The predictions that the outputs mean, [b, ...]."""
        ...

    def average(self, one: Array, other: Array) -> Array:
        """The mean of the predictions of two views."""
        ...

    def measured(self, predictions: Array, targets: Float[Array, "b ..."]) -> Mapping[str, Float[Array, " b"]]:
        """The plain loss (LOSS) and each measure for every example, [b]; their means are reported."""
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
