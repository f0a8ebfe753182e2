import jax
import pytest


def count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("vgg11", 132_863_336),
        ("vgg13", 133_047_848),
        ("vgg16", 138_357_544),
        ("vgg19", 143_667_240),
        ("vgg16_bn", 138_365_992),
    ],
)
def test_published_parameters(name, parameters, make_model, shapes):
    assert count(shapes(make_model(name, num_classes=1000), 32, 32, 3)) == parameters


# a BatchNorm has a scale and a bias for each filter
@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("vgg11", 64 + 128 + 2 * 256 + 4 * 512),
        ("vgg13", 2 * (64 + 128 + 256 + 512 + 512)),
        ("vgg19", 2 * (64 + 128) + 4 * (256 + 512 + 512)),
    ],
)
def test_batch_norm_adds_a_scale_and_a_bias_a_filter(name, filters, make_model, shapes):
    with_bn, without = (shapes(make_model(name + suffix), 32, 32, 3) for suffix in ("_bn", ""))
    assert count(with_bn) - count(without) == 2 * filters
    assert sum(leaf.size for leaf in jax.tree.leaves(with_bn["batch_stats"])) == 2 * filters


def test_blocks_have_keras_names(make_model, shapes):
    assert list(shapes(make_model("vgg16"), 32, 32, 3)["params"]["backbone"]) == [
        f"block{i}_conv{j}" for i, convs in enumerate((2, 2, 3, 3, 3), start=1) for j in range(1, convs + 1)
    ]
