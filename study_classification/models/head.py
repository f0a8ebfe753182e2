"""The head of every network except SqueezeNet: from the feature map of the backbone to logits."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from study_classification.errors import ConfigError


class Head(nn.Module):
    """Pooling, hidden layers with ReLU, and the last layer, in float32 (LeCun-normal kernels, zero biases).

    Attributes:
        num_classes: the number of outputs of the last layer.
        dropout: the rate of dropout after each hidden layer, or of the pooled features if there is no hidden layer.
        pooling: `average` or `max` over the map, or `flatten`, which keeps every place of the map.
        grid: the average is taken in each of grid x grid cells, which are then flattened; 1 is global.
        hidden: the widths of the hidden layers.
        batch_norm: whether a BatchNorm follows the ReLU of each hidden layer.
    """

    num_classes: int
    dropout: float = 0.0
    pooling: str = "average"
    grid: int = 1
    hidden: tuple[int, ...] = ()
    batch_norm: bool = False

    def pool(self, x: jax.Array) -> jax.Array:
        """Pools a feature map [b, h, w, d] to features float32 [b, d], or [b, n d] if n places are kept. Vectors stay.

        Pooling belongs to the head, for another head may pool the same backbone in another way.

        Raises:
            ConfigError: if the map has no pixel, for the images were too small for the pools of the backbone.
        """
        if not x.size:
            raise ConfigError(
                "preprocess.image_size is too small: the network's pools leave nothing of a picture; give a larger one "
                "(vgg takes 32 and more, alexnet 63), or choose another model.name"
            )
        x = x.astype(jnp.float32)
        if x.ndim == 4 and self.pooling == "max":
            x = x.max((1, 2))
        elif x.ndim == 4 and self.pooling == "average":
            x = adaptive_average(x, self.grid)
        return x.reshape(len(x), -1)

    @nn.compact
    def __call__(self, features: jax.Array, train: bool) -> jax.Array:
        """Features [b, d] -> logits [b, num_classes]."""
        dropout = nn.Dropout(self.dropout, deterministic=not train, name="dropout")
        x = features if self.hidden else dropout(features)
        for i, width in enumerate(self.hidden, start=1):
            x = nn.relu(nn.Dense(width, name=f"dense{i}")(x))
            if self.batch_norm:
                x = nn.BatchNorm(use_running_average=not train, momentum=0.9, name=f"bn{i}")(x)
            x = dropout(x)
        return nn.Dense(self.num_classes, name="classifier")(x)


def adaptive_average(x: jax.Array, grid: int) -> jax.Array:
    """Averages [b, h, w, d] over grid x grid cells. They overlap if the sides do not divide, as in PyTorch."""
    for axis in (1, 2):
        size = x.shape[axis]
        cells = [(i * size // grid, -(-(i + 1) * size // grid)) for i in range(grid)]
        x = jnp.stack([jax.lax.slice_in_dim(x, *cell, axis=axis).mean(axis) for cell in cells], axis)
    return x
