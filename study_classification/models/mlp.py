"""`mlp`: the multilayer perceptron. With `hidden=(128,)` on MNIST, the first network of every course:

layer       output    parameters
flatten     784       0             28 x 28 x 1
dense1      128       100,480       ReLU, dropout
(head)      10        1,290
"""

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike


class MLP(nn.Module):
    """Dense layers of the widths `hidden`, each with ReLU and dropout; He-normal kernels (fan-in), zero biases."""

    hidden: Sequence[int]
    dropout: float = 0.0
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> features [b, hidden[-1]], or the flat pixels without hidden layers."""
        x = x.reshape(len(x), -1)
        for i, width in enumerate(self.hidden, start=1):
            if i > 1:  # the dropout after the last hidden layer is the head's
                x = nn.Dropout(self.dropout, deterministic=not train, name=f"dropout{i - 1}")(x)
            dense = nn.Dense(width, dtype=self.dtype, kernel_init=nn.initializers.he_normal(), name=f"dense{i}")
            x = nn.relu(dense(x))
        return x
