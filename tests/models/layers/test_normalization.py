"""BatchNorm in parts, with numbers counted by hand, and without a word between devices."""

import os
import subprocess
import sys

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.models.layers.normalization import normalized_by_own, normalized_in_parts

IMAGES = jnp.array([0.0, 2.0, 10.0, 14.0]).reshape(4, 1, 1, 1)


def in_parts(x, size, **own):
    """Output and statistics of a BatchNorm whose scale is 3 and bias 1, where it has them; they begin with 0 and 1."""
    layer = nn.BatchNorm(use_running_average=False, momentum=0.9, epsilon=0.0, **own)
    params = {
        name: jnp.array([value]) for name, value in (("scale", 3.0), ("bias", 1.0)) if own.get(f"use_{name}", True)
    }
    stats = {"mean": jnp.zeros(1), "var": jnp.ones(1)}
    variables = {"params": params, "batch_stats": stats}
    y, updated = layer.apply(
        variables, x, mutable=["batch_stats"], method=lambda layer, x: normalized_in_parts(layer, x, size)
    )
    return np.asarray(y, np.float32).ravel().tolist(), {k: float(v[0]) for k, v in updated["batch_stats"].items()}


@pytest.mark.parametrize(
    ("size", "normalised", "mean", "var"),
    [
        (2, [-1, 1, -1, 1], 6.5, 2.5),  # means 1 and 12, variances 1 and 4
        (4, [-6.5, -4.5, 3.5, 7.5], 6.5, 32.75),  # divided by the root of 32.75
        (3, [-6.5, -4.5, 3.5, 7.5], 6.5, 32.75),  # does not divide the batch, nor is it there twice: one part
        (100, [-6.5, -4.5, 3.5, 7.5], 6.5, 32.75),
    ],
)
def test_each_part_has_its_own_statistics(size, normalised, mean, var):
    found, stats = in_parts(IMAGES, size)
    root = 1 if size == 2 else 32.75**0.5
    assert found == pytest.approx([3 * value / root + 1 for value in normalised], rel=1e-5)
    assert stats == pytest.approx({"mean": 0.1 * mean, "var": 0.9 + 0.1 * var}, rel=1e-5)


def test_parts_that_do_not_divide_a_batch_are_larger():
    _, stats = in_parts(jnp.arange(6.0).reshape(6, 1, 1, 1), 2)  # three pairs of variance 1/4
    assert stats["var"] == pytest.approx(0.9 + 0.1 / 4)
    _, stats = in_parts(jnp.arange(9.0).reshape(9, 1, 1, 1), 2)  # not four parts, but three of variance 2/3
    assert stats["var"] == pytest.approx(0.9 + 0.1 * 2 / 3)


def test_it_is_as_flax_has_it():
    x = jnp.array(np.random.default_rng(0).normal(size=(4, 3, 3, 1)), jnp.bfloat16)
    for own in ({}, {"use_scale": False, "dtype": jnp.bfloat16}, {"use_bias": False, "dtype": jnp.float32}):
        layer = nn.BatchNorm(use_running_average=False, **own)
        variables = layer.init(jax.random.key(0), x)
        expected, stats = layer.apply(variables, x, mutable=["batch_stats"])
        y, found = layer.apply(
            variables, x, mutable=["batch_stats"], method=lambda layer, x: normalized_in_parts(layer, x, 4)
        )
        assert y.dtype == own.get("dtype", jnp.bfloat16)
        np.testing.assert_allclose(np.asarray(y, np.float32), np.asarray(expected, np.float32), atol=0.02)
        for name in ("mean", "var"):
            np.testing.assert_allclose(found["batch_stats"][name], stats["batch_stats"][name], rtol=1e-5)


DEVICES = """
import re, sys
import flax.linen as nn, jax, jax.numpy as jnp, numpy as np
from study_classification.models.layers.normalization import normalized_by_own, normalized_in_parts
from study_classification.system import devices

layer = nn.BatchNorm(use_running_average=False)
x = np.random.default_rng(0).normal(size=(16, 4, 4, 3)).astype(np.float32)
variables = layer.init(jax.random.key(0), x)
for fsdp in (1, 2):
    sharding = devices.batch_sharding(devices.make_mesh(fsdp))
    for size in (2, 4, 8, 16):
        def normalise(x):
            in_parts = lambda layer, x: normalized_in_parts(layer, x, size)
            return layer.apply(variables, x, mutable=["batch_stats"], method=in_parts)[0]
        compiled = jax.jit(normalise, in_shardings=sharding, out_shardings=sharding).lower(x).compile()
        parts = x.reshape(-1, size, 4, 4, 3)
        axes = {"axis": (1, 2, 3), "keepdims": True}
        expected = (parts - parts.mean(**axes)) / np.sqrt(parts.var(**axes) + 1e-5)
        np.testing.assert_allclose(compiled(jax.device_put(x, sharding)), expected.reshape(x.shape), atol=1e-5)
        together = re.findall(r"(all-reduce|all-gather|all-to-all|collective-permute)[(]", compiled.as_text())
        print(fsdp, size, *together)
"""


def test_devices_that_share_no_part_do_not_wait_for_each_other():
    """Four devices have four images each: parts of 2 and 4 are theirs, and parts of 8 and 16 are shared."""
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", DEVICES], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    alone, shared = ["2", "4"], ["8 all-reduce", "16 all-reduce"]
    assert done.stdout.splitlines() == [f"{fsdp} {line}" for fsdp in (1, 2) for line in alone + shared]


def test_by_own_statistics_of_the_images_that_count():
    layer = nn.BatchNorm(use_running_average=True, epsilon=0.0)
    variables = {
        "params": {"scale": jnp.array([3.0]), "bias": jnp.array([1.0])},
        "batch_stats": {"mean": jnp.array([100.0]), "var": jnp.ones(1)},
    }
    mask = jnp.array([1.0, 1.0, 0.0, 0.0])
    y, variance = layer.apply(variables, IMAGES, method=lambda layer, x: normalized_by_own(layer, x, mask))
    np.testing.assert_allclose(y.ravel(), [-2, 4, 28, 40])  # of 0 and 2: mean 1, variance 1
    assert variance.tolist() == [1.0]
