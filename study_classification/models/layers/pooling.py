"""Max pooling, whose gradient XLA computes 10 times slower on a CPU than need be."""

from collections.abc import Sequence
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax

from study_classification.models.layers.convolution import Padding, interleaved, shifted_views


def max_pool(x: Array, size: int, stride: int, padding: Sequence[tuple[int, int]] = ((0, 0), (0, 0))) -> Array:
    """[b, h, w, c] -> [b, h', w', c], the maxima of size x size windows, as `nn.max_pool`; empty where none fits.

    The gradient goes to the first of equal pixels, as XLA's does. On a CPU it is made of elementwise operations; other
    platforms get XLA's own.
    """
    (top, bottom), (left, right) = padding
    if x.shape[1] + top + bottom < size or x.shape[2] + left + right < size:
        return x[:, :0, :0]
    return _max_pool(x, size, stride, ((top, bottom), (left, right)))


@partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def _max_pool(x: Array, size: int, stride: int, padding: Padding) -> Array:
    def shifted(x: Array) -> Array:
        maximum, *others = _views(x, size, stride, padding)
        for view in others:
            maximum = jnp.maximum(maximum, view)
        return maximum

    return lax.platform_dependent(x, cpu=shifted, default=partial(_xla, size=size, stride=stride, padding=padding))


def _save(x: Array, size: int, stride: int, padding: Padding) -> tuple[Array, tuple[Array, Array]]:
    y = _max_pool(x, size, stride, padding)
    return y, (x, y)


def _gradient(size: int, stride: int, padding: Padding, saved: tuple[Array, Array], dy: Array) -> tuple[Array]:
    def shifted(x: Array, y: Array, dy: Array) -> Array:
        """Each place of a window takes what is its own; places of equal parity never fall on one pixel together."""
        height, width = (length + sum(pair) for length, pair in zip(x.shape[1:3], padding, strict=True))
        rows, columns = -(-height // stride), -(-width // stride)
        taken, shares = jnp.zeros(y.shape, bool), {}
        for place, view in enumerate(_views(x, size, stride, padding)):
            is_maximum = (view == y) & ~taken
            taken |= is_maximum
            shares[divmod(place, size)] = jnp.where(is_maximum, dy, 0)

        def phase(u: int, v: int) -> Array:
            total = jnp.zeros((len(x), rows, columns, x.shape[-1]), x.dtype)
            for i in range(u, size, stride):
                for j in range(v, size, stride):
                    before = (i - u) // stride, (j - v) // stride
                    after = rows - y.shape[1] - before[0], columns - y.shape[2] - before[1]
                    total += lax.pad(
                        shares[i, j],
                        jnp.zeros((), x.dtype),
                        [(0, 0, 0), (before[0], after[0], 0), (before[1], after[1], 0), (0, 0, 0)],
                    )
            return total

        (top, _), (left, _) = padding
        return interleaved(phase, stride)[:, top : top + x.shape[1], left : left + x.shape[2]]

    def xla(x: Array, y: Array, dy: Array) -> Array:
        return jax.vjp(partial(_xla, size=size, stride=stride, padding=padding), x)[1](dy)[0]

    return (lax.platform_dependent(*saved, dy, cpu=shifted, default=xla),)


_max_pool.defvjp(_save, _gradient)


def _views(x: Array, size: int, stride: int, padding: Padding) -> list[Array]:
    """What each place of the windows sees, and -inf beyond the image."""
    return shifted_views(x, (size, size), stride, padding, -jnp.inf)


def _xla(x: Array, size: int, stride: int, padding: Padding) -> Array:
    return nn.max_pool(x, (size, size), (stride, stride), padding)
