"""Learns one class of several: softmax with cross-entropy, measured by accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from study_classification.tasks.task import LOSS, Measure

ACCURACY = "accuracy"


@dataclass(frozen=True, eq=False)
class Softmax:
    """Outputs are logits, predictions log-probabilities, both float32 [b, classes].

    Attributes:
        num_classes: the number of classes.
        label_smoothing: the share of a target that is spread over all classes (arXiv:1512.00567), in training only.
        class_weights: the factor of the training loss of an example, by its class. As in Keras, they are not normalised
            within a batch. None gives all examples the same weight.
    """

    num_classes: int
    label_smoothing: float = 0.0
    class_weights: Float[np.ndarray, " classes"] | None = None

    @property
    def num_outputs(self) -> int:
        return self.num_classes

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (Measure(ACCURACY, higher_is_better=True),)

    @property
    def kept(self) -> Mapping[str, float]:
        return {}

    def targets(self, labels: Int[Array, " b"]) -> Float[Array, "b classes"]:
        return jax.nn.one_hot(labels, self.num_classes)

    def fitted(self, labels: Int[np.ndarray, " n"]) -> Self:
        """The task with class weights: examples / (classes x examples of the class), scikit-learn's `balanced`."""
        counts = np.bincount(labels, minlength=self.num_classes)
        return replace(self, class_weights=(len(labels) / (self.num_classes * counts)).astype(np.float32))

    def losses(self, outputs: Float[Array, "b classes"], targets: Float[Array, "b classes"]) -> Float[Array, " b"]:
        losses = self.cross_entropy(outputs, optax.smooth_labels(targets, self.label_smoothing))
        if self.class_weights is None:
            return losses
        return losses * jnp.sum(targets * self.class_weights, axis=-1)

    def cross_entropy(
        self, outputs: Float[Array, "b classes"], targets: Float[Array, "b classes"]
    ) -> Float[Array, " b"]:
        return optax.softmax_cross_entropy(outputs, targets)

    def predictions(self, outputs: Float[Array, "b classes"]) -> Float[Array, "b classes"]:
        return jax.nn.log_softmax(outputs)

    def average(self, one: Float[Array, "b classes"], other: Float[Array, "b classes"]) -> Float[Array, "b classes"]:
        """The mean of the probabilities."""
        return jnp.logaddexp(one, other) - jnp.log(2.0)

    def measured(
        self, predictions: Float[Array, "b classes"], targets: Float[Array, "b classes"]
    ) -> Mapping[str, Float[Array, " b"]]:
        """The plain cross-entropy, and whether the likeliest class is right: the greatest part of a mixed target."""
        losses = -jnp.sum(jnp.where(targets > 0, targets * predictions, 0.0), axis=-1)
        right = predictions.argmax(-1) == targets.argmax(-1)
        return {LOSS: losses, ACCURACY: right.astype(jnp.float32)}
