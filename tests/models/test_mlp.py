import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn


def count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


def test_parameters_on_mnist(make_model, shapes):
    assert count(shapes(make_model("mlp"), 28, 28, 1)) == 101_770
    assert count(shapes(make_model("mlp", hidden=(100, 50)), 28, 28, 1)) == 78_500 + 5_050 + 510
    assert count(shapes(make_model("mlp", hidden=()), 28, 28, 1)) == 7_850


def test_logits_by_hand(make_model):
    model, x = make_model("mlp", num_classes=2, hidden=(2,)), jnp.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 2, 2, 1)
    params = {
        "backbone": {"dense1": {"kernel": jnp.array([[1.0, -1], [1, -1], [1, -1], [1, -1]]), "bias": jnp.ones(2)}},
        "head": {"classifier": {"kernel": jnp.array([[2.0, 0], [0, 2]]), "bias": jnp.array([0.0, 5])}},
    }
    np.testing.assert_array_equal(model.apply({"params": params}, x, train=False), [[22, 5]])


def test_the_last_hidden_layers_dropout_is_the_heads(make_model):
    def features(hidden, train):
        model, x = make_model("mlp", dropout=0.5, hidden=hidden), jnp.ones((1, 4, 4, 1))
        variables = model.init(jax.random.key(0), x, train=False)
        return model.apply(variables, x, train, method="features", rngs={"dropout": jax.random.key(1)})

    np.testing.assert_array_equal(features((64,), True), features((64,), False))
    assert (features((64, 64), True) != features((64, 64), False)).any()


@pytest.mark.parametrize(
    ("activation", "values"),
    [
        ("relu", [2, 0]),
        ("linear", [2, -1]),
        ("tanh", np.tanh([2, -1])),
        ("sigmoid", 1 / (1 + np.exp([-2, 1]))),
        ("gelu", nn.gelu(jnp.array([2.0, -1]))),
    ],
)
def test_activations(make_model, activation, values):
    model = make_model("mlp", hidden=(2,), activation=activation).backbone
    params = {"dense1": {"kernel": jnp.array([[2.0, -1]]), "bias": jnp.zeros(2)}}
    found = model.apply({"params": params}, jnp.ones((1, 1)), train=False)
    np.testing.assert_allclose(found[0], values, rtol=1e-5)


def test_rows_of_a_table_and_a_linear_model(make_model, shapes):
    assert count(shapes(make_model("mlp", num_classes=3, hidden=(8,), batch_norm=True), 4)) == 40 + 16 + 27
    linear = make_model("mlp", num_classes=3, hidden=())
    assert count(shapes(linear, 4)) == 15
    x = jnp.array([[1.0, 2, 3, 4]])
    params = {"head": {"classifier": {"kernel": jnp.arange(12.0).reshape(4, 3), "bias": jnp.array([0.0, 1, 2])}}}
    np.testing.assert_array_equal(linear.apply({"params": params}, x, train=False), [[60, 71, 82]])


def test_batch_norm_follows_the_activation(make_model):
    """Inputs 1 and -1 become 1 and 0 by ReLU, and these 1 and -1 by BatchNorm."""
    model = make_model("mlp", hidden=(1,), batch_norm=True).backbone
    x = jnp.array([[1.0], [-1.0]])
    variables = model.init(jax.random.key(0), x, train=False)
    params = variables["params"] | {"dense1": {"kernel": jnp.ones((1, 1)), "bias": jnp.zeros(1)}}
    found, _ = model.apply(variables | {"params": params}, x, train=True, mutable=["batch_stats"])
    np.testing.assert_allclose(found, [[1], [-1]], rtol=1e-4)


def test_texts_are_averaged_or_stand_one_behind_the_other(make_model, shapes):
    vectors = jnp.array([[9.0, 9], [0, 0], [1, 2], [3, 6]])  # of no word, of unknown words, of the words 2 and 3
    tokens = jnp.array([[2, 3, 0], [3, 1, 2], [0, 0, 0]])

    def features(name):
        model = make_model(name, hidden=(), num_tokens=4, embedding=2)
        return model.backbone.apply({"params": {"embedding": {"embedding": vectors}}}, tokens, train=False)

    np.testing.assert_allclose(features("text_average"), [[2, 4], [4 / 3, 8 / 3], [0, 0]])
    np.testing.assert_array_equal(features("mlp"), [[1, 2, 3, 6, 0, 0], [3, 6, 0, 0, 1, 2], [0] * 6])
    model = make_model("text_average", num_classes=2, hidden=(8,), num_tokens=102, embedding=16)
    assert count(shapes(model, 50)) == 102 * 16 + 136 + 18
    assert count(shapes(make_model("mlp", num_classes=2, hidden=(8,), num_tokens=102), 50)) == 102 * 16 + 6408 + 18


def test_unknown_words_begin_at_zero(make_model):
    model = make_model("text_average", num_tokens=1000, embedding=16)
    table = model.init(jax.random.key(0), jnp.zeros((1, 3)), train=False)["params"]["backbone"]["embedding"][
        "embedding"
    ]
    assert not table[:2].any()
    assert np.square(table[2:]).sum(1).mean() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("activation", "variance"), [("relu", 2), ("gelu", 2), ("tanh", 1), ("sigmoid", 1), ("linear", 1)]
)
def test_kernels_begin_as_wide_as_their_activation_asks(make_model, activation, variance):
    model = make_model("mlp", hidden=(400,), activation=activation)
    params = model.init(jax.random.key(0), jnp.zeros((1, 400)), train=False)["params"]["backbone"]["dense1"]
    assert params["kernel"].var() * 400 == pytest.approx(variance, rel=0.03) and not params["bias"].any()
