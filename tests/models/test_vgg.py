import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.models import Head, adaptive_average


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


def test_average_over_cells_that_overlap_as_in_pytorch():
    x = jnp.arange(1.0, 6).reshape(1, 5, 1, 1) * jnp.ones((1, 5, 7, 1))
    # 5 pixels in 3 cells: 0..2, 1..4, 3..5
    np.testing.assert_allclose(adaptive_average(x, 3)[0, :, 0, 0], [1.5, 3, 4.5])
    assert adaptive_average(x, 3).shape == (1, 3, 3, 1)
    np.testing.assert_array_equal(adaptive_average(x[:, :3, :3], 3), x[:, :3, :3])
    # 1 pixel is in every cell
    np.testing.assert_array_equal(adaptive_average(x[:, :1, :1], 2), jnp.ones((1, 2, 2, 1)))


def test_head_with_hidden_layers_by_hand():
    head = Head(1, grid=2, hidden=(2,))
    features = head.pool(jnp.arange(8.0).reshape(1, 2, 2, 2))
    np.testing.assert_array_equal(features, [np.arange(8)])
    params = {
        "dense1": {"kernel": jnp.ones((8, 2)) * jnp.array([1, -1]), "bias": jnp.array([2.0, 1])},
        "classifier": {"kernel": jnp.array([[10.0], [100]]), "bias": jnp.array([1.0])},
    }
    assert head.apply({"params": params}, features, train=False).tolist() == [[10 * (28 + 2) + 1]]


def test_dropout_follows_each_hidden_layer():
    head = Head(64, dropout=0.5, hidden=(64, 64))
    params = {name: {"kernel": jnp.eye(64), "bias": jnp.zeros(64)} for name in ("dense1", "dense2", "classifier")}
    output = head.apply({"params": params}, jnp.ones((1, 64)), train=True, rngs={"dropout": jax.random.key(0)})
    # a unit lives through both with probability 1/4, doubled twice
    assert set(output.ravel().tolist()) == {0, 4}
    assert 4 <= (output == 4).sum() <= 30
