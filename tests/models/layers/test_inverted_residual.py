from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.models.conventions import conventions_of
from study_classification.models.layers.inverted_residual import ConvNorm, InvertedResidual, SqueezeExcite

CONV_NORM = partial(ConvNorm, conventions_of("keras", "mobilenet_v2"), jnp.float32)


def block(**fields):
    return InvertedResidual(CONV_NORM, nn.relu6, **{"expansion": 2, "filters": 4, "kernel": 3, "stride": 1, **fields})


def test_layers_and_shapes():
    x = jnp.zeros((1, 8, 8, 4))
    variables = jax.eval_shape(lambda: block(filters=6, stride=2, se_ratio=0.5).init(jax.random.key(0), x, False))
    assert {name: layer["conv"]["kernel"].shape for name, layer in variables["params"].items() if name != "se"} == {
        "expand": (1, 1, 4, 8),
        "depthwise": (3, 3, 1, 8),
        "project": (1, 1, 8, 6),
    }
    se = variables["params"]["se"]
    assert se["reduce"]["kernel"].shape == (1, 1, 8, 2)  # of the 4 channels of the input, not of the expanded 8
    assert se["expand"]["kernel"].shape == (1, 1, 2, 8)
    assert set(jax.eval_shape(lambda: block(expansion=1).init(jax.random.key(0), x, False))["params"]) == {
        "depthwise",
        "project",
    }


def test_the_input_is_added_to_an_output_of_its_shape():
    x = jax.random.normal(jax.random.key(1), (2, 4, 4, 4))

    def with_zeros(module):
        variables = jax.eval_shape(lambda: module.init(jax.random.key(0), x, False))
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), variables)
        return jax.jit(module.apply, static_argnums=2)(zeros, x, False)

    np.testing.assert_array_equal(with_zeros(block()), x)
    assert not with_zeros(block(filters=8)).any()
    assert not with_zeros(block(stride=2)).any()


def test_stochastic_depth_drops_whole_images_and_keeps_the_mean():
    x = jax.random.normal(jax.random.key(1), (64, 4, 4, 4))
    module = block(drop_path=0.75)
    variables = jax.jit(lambda: module.init(jax.random.key(0), x, False))()

    def branch(module, train):
        rngs = {"dropout": jax.random.key(2)}
        return jax.jit(lambda: module.apply(variables, x, train, mutable=["batch_stats"], rngs=rngs)[0] - x)()

    whole, dropped = branch(block(), True), branch(module, True)
    kept = np.abs(dropped).max((1, 2, 3)) > 0
    assert 8 <= kept.sum() <= 24  # 16 expected
    np.testing.assert_allclose(dropped[kept], 4 * whole[kept], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(branch(module, False), branch(block(), False))


def test_squeeze_excite_by_hand():
    x = jnp.array([[1.0, 2], [3, 6]]).reshape(1, 1, 2, 2)  # averages 2 and 4
    params = {
        "reduce": {"kernel": jnp.array([[[[1.0], [1]]]]), "bias": jnp.array([-9.0])},  # 6 - 9, which ReLU makes 0
        "expand": {"kernel": jnp.ones((1, 1, 1, 2)), "bias": jnp.log(jnp.array([1.0, 3]))},  # gates 1/2 and 3/4
    }
    y = SqueezeExcite(1, nn.relu, jnp.float32).apply({"params": params}, x)
    np.testing.assert_allclose(y.ravel(), [0.5, 1.5, 1.5, 4.5], rtol=1e-6)


@pytest.mark.parametrize(("depthwise", "fan_out"), [(True, 9), (False, 9 * 512)])
def test_kernels_start_he_normal_by_the_fan_out_of_a_group(depthwise, fan_out):
    module = CONV_NORM(512, 3, depthwise=depthwise)
    params = jax.jit(lambda: module.init(jax.random.key(0), jnp.zeros((1, 4, 4, 512)), False))()["params"]
    assert params["conv"]["kernel"].std() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
