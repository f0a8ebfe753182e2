"""Reads values of an image at other places, and of a table at its pixels, in the way that is fast on each device.

A TPU reads one value after the other if the places are not known beforehand. Its compiler estimates 0.6 s for 128
images of 224 pixels on a v5e. Products with matrices of zeros and ones, or comparisons with every entry of a table,
take a few hundredths of that.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
from jax.typing import DTypeLike
from jaxtyping import Array, Float, Int

_ROWS = 4  # of the result at once: what comes between the two products then never leaves the chip


def nearest(image: Float[Array, "s s c"], y: Int[Array, "s s"], x: Int[Array, "s s"]) -> Float[Array, "s s c"]:
    """The pixels at whole coordinates inside an image of whole numbers from 0 to 255."""
    products = partial(_products, dtype=jnp.bfloat16)  # has 8 bits, so such numbers are exact
    return jax.lax.platform_dependent(image, y, x, tpu=products, default=lambda image, y, x: image[y, x])


def bilinear(image: Float[Array, "s s c"], y: Float[Array, "s s"], x: Float[Array, "s s"]) -> Float[Array, "s s c"]:
    """The bilinear value of the four pixels around each place. Edge pixels are repeated outside."""
    return jax.lax.platform_dependent(image, y, x, tpu=partial(_products, dtype=jnp.float32), default=_interpolated)


def count_values(values: Int[Array, " n"], size: int) -> Int[Array, " size"]:
    """How often each whole number from 0 to size - 1 occurs."""
    return jax.lax.platform_dependent(
        values,
        tpu=lambda values: (values[:, None] == jnp.arange(size)).sum(0, dtype=jnp.int32),
        default=lambda values: jnp.zeros(size, jnp.int32).at[values].add(1),
    )


def look_up(table: Int[Array, " size"], values: Int[Array, " n"]) -> Int[Array, " n"]:
    """table[values], for values inside the table."""
    return jax.lax.platform_dependent(
        table,
        values,
        tpu=lambda table, values: jnp.where(values[:, None] == jnp.arange(table.size), table, 0).sum(-1),
        default=lambda table, values: table[values],
    )


def _interpolated(image: jax.Array, y: jax.Array, x: jax.Array) -> jax.Array:
    sample = partial(map_coordinates, coordinates=[y, x], order=1, mode="nearest")
    return jax.vmap(sample, in_axes=-1, out_axes=-1)(image)


def _products(image: jax.Array, y: jax.Array, x: jax.Array, dtype: DTypeLike) -> jax.Array:
    """For each place the sum, over rows and columns, of pixel x share of its row x share of its column."""
    image, places = image.astype(dtype), jnp.arange(image.shape[0])

    def shares(coordinates: jax.Array) -> jax.Array:
        inside = jnp.clip(coordinates, 0, image.shape[0] - 1)
        return jnp.maximum(0, 1 - jnp.abs(inside[:, None] - places)).astype(dtype)

    def row(coordinates: tuple[jax.Array, jax.Array]) -> jax.Array:
        by_row, by_column = map(shares, coordinates)
        columns = jnp.einsum("pj,jic->pic", by_row, image, precision=jax.lax.Precision.HIGHEST)
        return (columns * by_column[..., None]).sum(1, dtype=jnp.float32)

    return jax.lax.map(row, (y, x), batch_size=_ROWS)
