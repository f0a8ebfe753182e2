"""Max pooling equals Flax's, gradient included, and elsewhere than on a CPU is Flax's."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.models.layers.pooling import max_pool


def flax_pool(x, size, stride, padding):
    return nn.max_pool(x, (size, size), (stride, stride), padding)


def value_and_gradient(pool, x, dy):
    y, vjp = jax.vjp(pool, x)
    return y, *vjp(dy)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize(
    ("height", "width", "size", "stride", "padding"),
    [
        (6, 8, 2, 2, [(0, 0), (0, 0)]),
        (7, 5, 2, 2, [(0, 0), (0, 0)]),
        (7, 6, 3, 2, [(1, 1), (1, 1)]),
        (6, 7, 3, 2, [(0, 1), (0, 0)]),
        (5, 5, 3, 1, [(1, 1), (1, 1)]),
        (9, 8, 2, 3, [(0, 0), (0, 0)]),
    ],
)
def test_value_and_gradient_are_flax_s(height, width, size, stride, padding, dtype):
    random = np.random.default_rng(0)
    x = np.maximum(random.integers(-3, 4, (2, height, width, 4)), 0).astype(dtype)  # many equal maxima
    dy = random.integers(1, 9, jax.eval_shape(partial(flax_pool, size=size, stride=stride, padding=padding), x).shape)
    dy = dy.astype(dtype)
    found = value_and_gradient(lambda x: max_pool(x, size, stride, padding), x, dy)
    expected = value_and_gradient(lambda x: flax_pool(x, size, stride, padding), x, dy)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_array_equal(a, b)


def test_other_platforms_get_the_ordinary_pool():
    function = jax.jit(partial(value_and_gradient, lambda x: max_pool(x, 3, 2)))
    text = function.trace(jnp.ones((1, 7, 7, 2)), jnp.ones((1, 3, 3, 2))).lower(lowering_platforms=("tpu",)).as_text()
    assert "stablehlo.reduce_window" in text
    assert "stablehlo.select_and_scatter" in text
    assert "stablehlo.slice" not in text


def test_where_no_window_fits_the_map_is_empty():
    assert max_pool(jnp.ones((2, 1, 4, 3)), 2, 2).shape == (2, 0, 0, 3)
    assert max_pool(jnp.ones((2, 0, 0, 3)), 2, 2).size == 0
