from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.configs import default
from study_classification.errors import ConfigError
from study_classification.models import create_model
from study_classification.models.layers.drop_path import drop_path
from study_classification.models.layers.normalization import batch_norm
from study_classification.models.resnet import BasicBlock, Bottleneck
from study_classification.models.resnet_cifar import CifarBlock


def model_of(name, drop_path):
    config = default.get_config().model
    config.name, config.dropout, config.drop_path = name, 0.0, drop_path
    return create_model(config, 10)


def rates_of(name, drop_path):
    """Name of the block -> rate, of all blocks with stochastic depth."""
    rates = {}

    def note(call, args, kwargs, context):
        if context.module.name == "drop_path" and context.module.rate:
            rates[context.module.path[-2]] = context.module.rate
        return call(*args, **kwargs)

    model = model_of(name, drop_path)
    with nn.intercept_methods(note):
        jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), train=False))
    return rates


def test_rates_grow_linearly_to_the_last_block():
    found = rates_of("resnet20", 0.45)
    assert list(found) == [f"layer{i}_{j}" for i in (1, 2, 3) for j in range(3)]
    assert list(found.values()) == pytest.approx([0.05 * place for place in range(1, 10)])
    assert list(rates_of("resnet18", 0.4).values()) == pytest.approx([0.05 * place for place in range(1, 9)])
    assert rates_of("mobilenet_v2", 0.17)["stage6_2"] == pytest.approx(0.16)  # the 16th of 17; the last has no shortcut
    assert rates_of("efficientnet_b0", 0.16)["stage6_3"] == pytest.approx(0.14)  # the 15th of 16 blocks, from 0


@pytest.mark.parametrize("name", ["resnet20", "resnet18", "mobilenet_v2"])
def test_the_papers_rate_is_none(name):
    assert rates_of(name, -1.0) == rates_of(name, 0.0) == {}


def test_efficientnet_has_it_unless_told_otherwise():
    assert rates_of("efficientnet_b0", -1.0) == rates_of("efficientnet_b0", 0.2) != {}
    assert rates_of("efficientnet_b0", 0.0) == {}


@pytest.mark.parametrize("kind", [CifarBlock, BasicBlock, Bottleneck])
def test_a_branch_is_dropped_of_whole_images_and_the_mean_stays(kind):
    filters = {CifarBlock: 4, BasicBlock: 4, Bottleneck: 1}[kind]
    given = {} if kind is CifarBlock else {"stride_first": False}
    conv = partial(nn.Conv, use_bias=False, **({"kernel_size": (3, 3)} if kind is CifarBlock else {}))
    x = 100 + jax.random.normal(jax.random.key(1), (64, 4, 4, 4))  # so large that the last ReLU changes nothing

    def branch(train, rate):
        norm = batch_norm(train, 0.9, 1e-5, jnp.float32)
        block = kind(conv, norm, drop_path(train, rate), filters, 1, **given)

        def added():
            variables = jax.tree.map(lambda leaf: leaf + 0.5, block.init(jax.random.key(0), x))
            return block.apply(variables, x, mutable=["batch_stats"], rngs={"dropout": jax.random.key(2)})[0] - x

        return jax.jit(added)()

    whole, dropped = branch(True, 0.0), branch(True, 0.75)
    kept = np.abs(dropped).max((1, 2, 3)) > 1e-3
    assert 8 <= kept.sum() <= 24  # 16 expected
    np.testing.assert_allclose(dropped[kept], 4 * whole[kept], atol=1e-3)
    assert np.abs(whole).max() > 0.5
    np.testing.assert_array_equal(branch(False, 0.75), branch(False, 0.0))


def test_networks_without_branches_refuse_it():
    with pytest.raises(ConfigError, match=r"model\.drop_path is 0\.2, but vgg11 has no residual branches"):
        model_of("vgg11", 0.2)
    model_of("vgg11", 0.0)
