"""Stochastic depth (Huang et al. 2016, https://arxiv.org/abs/1603.09382) for the residual branches of a network."""

from collections.abc import Callable

import flax.linen as nn
import jax


def drop_path(train: bool, rate: float) -> Callable[[jax.Array], jax.Array]:
    """A function of the branch [b, h, w, c], to be called in the `nn.compact` method of the block.

    In training it gives 0 for a share `rate` of the images, and scales the others up so that the mean stays."""

    def drop(y: jax.Array) -> jax.Array:
        if not rate:
            return y
        return nn.Dropout(rate, broadcast_dims=(1, 2, 3), deterministic=not train, name="drop_path")(y)

    return drop


def linear_rates(last: float, blocks: int) -> list[float]:
    """The rate of each block: last * l / blocks for the l-th block (equation 4 of the paper)."""
    return [last * (place + 1) / blocks for place in range(blocks)]
