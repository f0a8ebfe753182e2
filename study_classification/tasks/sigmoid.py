"""Learns one class of two by a single output: sigmoid with binary cross-entropy, measured by accuracy.

One logit z means the same as the two logits (0, z) of a softmax. Loss, gradients and probabilities are the same.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from study_classification.tasks.softmax import Softmax


@dataclass(frozen=True, eq=False)
class Sigmoid(Softmax):
    """Outputs are logits float32 [b, 1] of the positive class; targets and predictions are as in `Softmax`, [b, 2].

    A prediction is the class whose probability is above 0.5.

    Attributes:
        positive: the class that a large output stands for, 0 or 1.
    """

    positive: int = 1

    @property
    def num_outputs(self) -> int:
        return 1

    def cross_entropy(self, outputs: Float[Array, "b 1"], targets: Float[Array, "b 2"]) -> Float[Array, " b"]:
        return optax.sigmoid_binary_cross_entropy(outputs[:, 0], targets[:, self.positive])

    def predictions(self, outputs: Float[Array, "b 1"]) -> Float[Array, "b 2"]:
        signs = jnp.array([1.0, -1.0]) if self.positive == 0 else jnp.array([-1.0, 1.0])
        return jax.nn.log_sigmoid(outputs * signs)
