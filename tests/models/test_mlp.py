import jax
import jax.numpy as jnp
import numpy as np


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
