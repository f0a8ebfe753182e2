"""What a TPU computes instead of reading is the same, and it is what a TPU is given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.inputs.images import sampling

SIDE = 10  # no multiple of the rows that are computed at once


@pytest.fixture
def image():
    return jnp.array(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)), jnp.float32)


def test_pixels_by_products(image):
    y, x = jax.random.randint(jax.random.key(0), (2, SIDE, SIDE), 0, SIDE)
    expected = np.asarray(image)[np.asarray(y), np.asarray(x)]
    assert (sampling.nearest(image, y, x) == expected).all()
    assert (sampling._products(image, y, x, jnp.bfloat16) == expected).all()


def test_values_between_pixels_by_products(image):
    y, x = jax.random.uniform(jax.random.key(0), (2, SIDE, SIDE), minval=-2, maxval=SIDE + 1)
    found = sampling.bilinear(image, y, x)
    np.testing.assert_allclose(sampling._products(image, y, x, jnp.float32), found, atol=1e-3)
    half = sampling._products(image, jnp.full((SIDE, SIDE), 2.5), jnp.full((SIDE, SIDE), 4.25), jnp.float32)
    by_hand = 0.5 * (0.75 * image[2, 4] + 0.25 * image[2, 5]) + 0.5 * (0.75 * image[3, 4] + 0.25 * image[3, 5])
    np.testing.assert_allclose(half[7, 3], by_hand, atol=1e-4)


def test_a_tpu_is_given_neither_gathers_nor_scatters(image):
    def all_of_them(image, places, values):
        moved = sampling.nearest(image, places, places) + sampling.bilinear(image, places + 0.5, places + 0.5)
        return moved, sampling.look_up(sampling.count_values(values, 256), values)

    places, values = jnp.zeros((SIDE, SIDE), jnp.int32), jnp.array([3, 0, 3])
    traced = jax.jit(all_of_them).trace(image, places, values)
    on_tpu, on_cpu = (traced.lower(lowering_platforms=(platform,)).as_text() for platform in ("tpu", "cpu"))
    assert "stablehlo.dot_general" in on_tpu and "gather" not in on_tpu and "scatter" not in on_tpu
    assert "stablehlo.gather" in on_cpu and "stablehlo.scatter" in on_cpu


def test_tables_by_comparisons(monkeypatch):
    values = jnp.array([3, 0, 3, 255])
    on_tpu = lambda *operands, tpu, default: tpu(*operands)  # noqa: E731
    for choose in (jax.lax.platform_dependent, on_tpu):
        monkeypatch.setattr(jax.lax, "platform_dependent", choose)
        count = sampling.count_values(values, 256)
        assert count.sum() == 4 and count[jnp.array([0, 3, 255])].tolist() == [1, 2, 1]
        assert sampling.look_up(count * 10, values).tolist() == [20, 10, 20, 10]
