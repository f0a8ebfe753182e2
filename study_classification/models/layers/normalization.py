"""BatchNorm as the networks use it."""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
from jax.typing import DTypeLike


def batch_norm(train: bool, momentum: float, epsilon: float, dtype: DTypeLike) -> Callable[..., Callable]:
    """A constructor of BatchNorm layers: `norm(name="bn1")(x)`.

    Each is told at its call, not when it is made, whether to use its running statistics, so that a training step can
    tell a frozen one otherwise (`steps.keep_statistics`).
    """

    def make(**own) -> Callable:
        layer = nn.BatchNorm(momentum=momentum, epsilon=epsilon, dtype=dtype, **own)
        return partial(layer, use_running_average=not train)

    return make
