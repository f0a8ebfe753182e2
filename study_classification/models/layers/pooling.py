"""Max pooling with a gradient that a CPU computes 10 times faster than XLA's own."""

from collections.abc import Sequence
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax

from study_classification.models.layers.convolution import Padding, interleaved, shifted_views


def max_pool(x: Array, size: int, stride: int, padding: Sequence[tuple[int, int]] = ((0, 0), (0, 0))) -> Array:
    """The maxima of size x size windows, as in `nn.max_pool`: [b, h, w, c] -> [b, h', w', c]; empty if no window fits.

    The gradient goes to the first of equal pixels, as in XLA. On a CPU it consists of elementwise operations; other
    platforms use XLA's own.
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
        """The gradient at each place of a window. Places of equal parity never fall on the same pixel."""
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
    """The image as each place of the window sees it, with -inf beyond the edges."""
    return shifted_views(x, (size, size), stride, padding, -jnp.inf)


def _xla(x: Array, size: int, stride: int, padding: Padding) -> Array:
    return nn.max_pool(x, (size, size), (stride, stride), padding)
