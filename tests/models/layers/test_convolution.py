"""The convolution on a CPU equals XLA's by every method, and elsewhere is XLA's."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from study_classification.models.layers import convolution as module
from study_classification.models.layers.convolution import Conv, convolution

# height, width, channels, filters, kernel, stride, padding, groups
SHAPES = {
    "depthwise 3x3": (6, 7, 8, 8, (3, 3), 1, "SAME", 8),
    "depthwise 3x3 strided SAME": (7, 8, 8, 8, (3, 3), 2, "SAME", 8),
    "depthwise 3x3 strided symmetric": (8, 7, 8, 8, (3, 3), 2, [(1, 1), (1, 1)], 8),
    "depthwise 5x5": (5, 3, 8, 8, (5, 5), 1, [(2, 2), (2, 2)], 8),
    "depthwise 5x5 strided": (9, 8, 8, 8, (5, 5), 2, "SAME", 8),
    "depthwise with a multiplier": (6, 6, 4, 8, (3, 3), 1, "SAME", 4),
    "groups": (6, 6, 4, 6, (3, 3), 1, "SAME", 2),
    "1x1": (5, 4, 3, 6, (1, 1), 1, "VALID", 1),
    "1x1 strided": (5, 4, 3, 6, (1, 1), 2, "SAME", 1),
    "1x1 padded": (5, 4, 3, 6, (1, 1), 2, [(1, 0), (2, 1)], 1),
    "3x3": (6, 7, 5, 4, (3, 3), 1, [(1, 1), (1, 1)], 1),
    "3x3 not padded": (6, 7, 5, 4, (3, 3), 1, "VALID", 1),
    "3x3 strided": (7, 8, 5, 4, (3, 3), 2, "SAME", 1),
    "3x3 strided, last row unseen": (8, 8, 3, 4, (3, 3), 2, "VALID", 1),
    "kernel larger than the picture": (2, 3, 3, 4, (3, 3), 1, "SAME", 1),
    "kernel larger than the output": (4, 4, 3, 4, (3, 3), 1, "VALID", 1),
    "7x7 stem": (15, 14, 3, 4, (7, 7), 2, [(3, 3), (3, 3)], 1),
    "11x11 stride 4": (31, 30, 3, 4, (11, 11), 4, [(2, 2), (2, 2)], 1),
    "stride beyond the kernel": (9, 9, 3, 4, (2, 3), 4, [(0, 0), (0, 0)], 1),
}
METHODS = ("shifted", "patches")


def reference(x, kernel, stride, padding, groups):
    return lax.conv_general_dilated(
        x, kernel, [stride] * 2, padding, dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups
    )


def value_and_gradients(function, x, kernel, dy):
    y, vjp = jax.vjp(function, x, kernel)
    return y, *vjp(dy)


def example(height, width, channels, filters, window, stride, padding, groups, dtype=jnp.float32):
    random = np.random.default_rng(0)
    x = random.normal(size=(2, height, width, channels)).astype(dtype)
    kernel = random.normal(size=(*window, channels // groups, filters)).astype(dtype)
    y = jax.eval_shape(lambda x, kernel: reference(x, kernel, stride, padding, groups), x, kernel)
    return (x, kernel, random.normal(size=y.shape).astype(dtype)), (stride, padding, groups)


def methods_of(shape):
    *_, filters, _kernel, _stride, _padding, groups = SHAPES[shape]
    if groups == 1:
        return ["chosen", *METHODS]
    return ["chosen", "shifted"] if groups == filters else ["chosen"]


@pytest.mark.parametrize(("shape", "method"), [(shape, method) for shape in SHAPES for method in methods_of(shape)])
def test_value_and_gradients_are_xlas(monkeypatch, shape, method):
    if method != "chosen":
        monkeypatch.setattr(module, "methods", lambda *shapes: module.Methods(method, method, method))
    arrays, geometry = example(*SHAPES[shape])
    expected = jax.jit(partial(value_and_gradients, lambda x, kernel: reference(x, kernel, *geometry)))(*arrays)
    found = jax.jit(partial(value_and_gradients, lambda x, kernel: convolution(x, kernel, *geometry)))(*arrays)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize("shape", ["depthwise 3x3", "1x1", "kernel larger than the picture", "3x3 strided"])
def test_bfloat16_is_summed_in_float32(shape):
    arrays, geometry = example(*SHAPES[shape], dtype=jnp.bfloat16)
    exact = value_and_gradients(
        lambda x, kernel: reference(x, kernel, *geometry), *(array.astype(jnp.float32) for array in arrays)
    )
    found = jax.jit(partial(value_and_gradients, lambda x, kernel: convolution(x, kernel, *geometry)))(*arrays)
    for a, b in zip(found, exact, strict=True):
        assert a.dtype == jnp.bfloat16
        np.testing.assert_allclose(a.astype(np.float32), b, rtol=0.005, atol=0.005)


def test_what_is_chosen():
    def chosen(shape):
        (x, kernel, _), (stride, padding, groups) = example(*SHAPES[shape])
        if isinstance(padding, str):
            padding = lax.padtype_to_pads(x.shape[1:3], kernel.shape[:2], (stride, stride), padding)
        return tuple(module.methods(x.shape, kernel.shape, stride, padding, groups))

    assert chosen("depthwise 3x3") == chosen("1x1 strided") == ("shifted", "shifted", "shifted")
    assert chosen("groups") == chosen("3x3") == ("xla", "xla", "xla")
    assert chosen("3x3 strided") == ("xla", "shifted", "xla")
    assert chosen("kernel larger than the picture") == ("patches", "shifted", "xla")
    assert chosen("kernel larger than the output") == ("xla", "shifted", "xla")


@pytest.mark.parametrize("shape", ["depthwise 3x3", "1x1", "kernel larger than the picture", "3x3 strided"])
def test_other_platforms_get_one_ordinary_convolution_each(shape):
    arrays, geometry = example(*SHAPES[shape])
    function = jax.jit(partial(value_and_gradients, lambda x, kernel: convolution(x, kernel, *geometry)))
    text = function.trace(*arrays).lower(lowering_platforms=("tpu",)).as_text()
    assert text.count("stablehlo.convolution") == 3
    assert not any(f"stablehlo.{name} " in text for name in ("dot_general", "slice", "multiply", "concatenate", "case"))


@pytest.mark.parametrize("dtype", [None, jnp.bfloat16])
@pytest.mark.parametrize("use_bias", [True, False])
def test_module_is_flax_own(dtype, use_bias):
    arguments = {"strides": 2, "padding": 1, "feature_group_count": 4, "dtype": dtype, "use_bias": use_bias}
    ours, flax = Conv(4, (3, 3), **arguments), nn.Conv(4, (3, 3), **arguments)
    x = np.random.default_rng(0).normal(size=(2, 8, 9, 4)).astype(np.float32)
    variables = flax.init(jax.random.key(0), x)
    jax.tree.map(np.testing.assert_array_equal, ours.init(jax.random.key(0), x), variables)
    y, expected = ours.apply(variables, x), flax.apply(variables, x)
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(
        y.astype(np.float32), expected.astype(np.float32), rtol=0.01 if dtype else 1e-5, atol=1e-6
    )
