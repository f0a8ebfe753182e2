"""Stochastic depth (Huang et al. 2016, https://arxiv.org/abs/1603.09382) for the residual branches of a network."""

from collections.abc import Callable

import flax.linen as nn
import jax


def drop_path(train: bool, rate: float) -> Callable[[jax.Array], jax.Array]:
    """A function of the branch [b, h, w, c]: in training 0 for a share `rate` of the images, and larger by as much
    for the others, so that its mean stays; to be called within the block's `nn.compact` method."""

    def drop(y: jax.Array) -> jax.Array:
        if not rate:
            return y
        return nn.Dropout(rate, broadcast_dims=(1, 2, 3), deterministic=not train, name="drop_path")(y)

    return drop


def linear_rates(last: float, blocks: int) -> list[float]:
    """The rates of the blocks: l / blocks x last for the l-th of them (the paper's equation 4)."""
    return [last * (place + 1) / blocks for place in range(blocks)]
