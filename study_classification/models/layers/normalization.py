"""BatchNorm as the networks use it."""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import DTypeLike


def batch_norm(train: bool, momentum: float, epsilon: float, dtype: DTypeLike) -> Callable[..., Callable]:
    """A constructor of BatchNorm layers: `norm(name="bn1")(x)`.

    A layer learns at its call whether to use its running statistics, so that a training step can choose otherwise for a
    frozen layer (`choose_statistics` in `training/step.py`).
    """

    def make(**own) -> Callable:
        layer = nn.BatchNorm(momentum=momentum, epsilon=epsilon, dtype=dtype, **own)
        return partial(layer, use_running_average=not train)

    return make


def normalized_in_parts(layer: nn.BatchNorm, x: Array, size: int) -> Array:
    """Normalises a batch [b, ..., c] in parts, each by the statistics of its own images, as a BatchNorm in training.

    Parts that lie on one device need no exchange between devices. The running statistics take the mean over the parts.
    Source: Hoffer et al., arXiv:1705.08741, algorithm 1; the parts of Goyal et al., arXiv:1706.02677, are the 32 images
    of a GPU.

    Args:
        layer: a bound layer, with its variables.
        x: the batch.
        size: the number of images in a part. If it does not divide the batch, parts are larger, and equal.
    """
    count = next(parts for parts in range(max(1, len(x) // size), 0, -1) if len(x) % parts == 0)
    apart = x.reshape(count, -1, *x.shape[1:]).astype(jnp.promote_types(x.dtype, jnp.float32))
    axes = tuple(range(1, apart.ndim - 1))
    mean = apart.mean(axes, keepdims=True)
    variance = jnp.maximum((apart**2).mean(axes, keepdims=True) - mean**2, 0)
    variables = layer.variables
    for name, values in (("mean", mean), ("var", variance)):
        running = variables["batch_stats"][name]
        new = layer.momentum * running + (1 - layer.momentum) * values.mean(0).reshape(running.shape)
        layer.put_variable("batch_stats", name, new)
    params = variables.get("params", {})
    y = (apart - mean) * (lax.rsqrt(variance + layer.epsilon) * params.get("scale", 1.0)) + params.get("bias", 0.0)
    return y.reshape(x.shape).astype(layer.dtype or x.dtype)


def normalized_by_own(layer: nn.BatchNorm, x: Array, mask: Array) -> tuple[Array, Array]:
    """What a BatchNorm makes of a batch [b, ..., c] by the statistics of the batch, which are stored nowhere.

    Args:
        layer: bound, with its variables.
        x: the batch.
        mask: [b], 1 for examples that count.

    Returns:
        The batch, and the variances, float32 [c].
    """
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    axes, counts = tuple(range(x.ndim - 1)), mask.reshape(-1, *(1,) * (x.ndim - 1)) > 0
    mean, variance = wide.mean(axes, where=counts), wide.var(axes, where=counts)
    params = layer.variables.get("params", {})
    y = (wide - mean) * (lax.rsqrt(variance + layer.epsilon) * params.get("scale", 1.0)) + params.get("bias", 0.0)
    return y.astype(layer.dtype or x.dtype), variance
