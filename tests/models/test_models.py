import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.errors import ConfigError
from study_classification.models import ALIASES, MODELS, Classifier, Head
from study_classification.models.resnet_cifar import CifarResNet


@pytest.mark.parametrize("name", sorted(MODELS.keys() - ALIASES.keys()))
def test_every_model_is_a_float32_backbone_and_head(name, make_model):
    model = make_model(name, dtype=jnp.bfloat16)

    def parts(model, x):
        maps = model.backbone(x, False)
        features = model.head.pool(maps)
        return maps, features, model.head(features, False)

    (maps, features, logits), variables = jax.eval_shape(
        lambda: model.init_with_output(jax.random.key(0), jnp.zeros((2, 64, 64, 3)), method=parts)
    )
    assert set(variables["params"]) == {"backbone", "head"}
    assert "classifier" in variables["params"]["head"]
    assert set(variables.get("batch_stats", {})) <= {"backbone"}
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    assert maps.dtype == jnp.bfloat16
    assert features.dtype == logits.dtype == jnp.float32
    assert logits.shape == (2, 10)


def test_head_on_features_gives_the_models_logits():
    model, x = Classifier(CifarResNet(1), Head(10)), jax.random.normal(jax.random.key(1), (2, 8, 8, 3))
    variables = jax.jit(model.init, static_argnames="train")(jax.random.key(0), x, train=False)
    features = jax.jit(lambda: model.apply(variables, x, False, method="features"))()
    logits = model.head.apply({"params": variables["params"]["head"]}, features, train=False)
    np.testing.assert_allclose(logits, jax.jit(lambda: model.apply(variables, x, False))(), rtol=1e-5)


def test_dropout_works_in_training_only(make_model):
    model, x = make_model("mlp", dropout=0.5), jnp.ones((1, 8, 8, 3))
    variables = model.init(jax.random.key(0), x, train=False)

    def logits(train, seed):
        return model.apply(variables, x, train, rngs={"dropout": jax.random.key(seed)})

    np.testing.assert_array_equal(logits(False, 1), logits(False, 2))
    assert np.abs(logits(True, 1) - logits(True, 2)).max() > 1e-3


def test_batch_statistics_move_by_a_tenth_in_training_only():
    model, x = Classifier(CifarResNet(1), Head(10)), jax.random.normal(jax.random.key(1), (4, 8, 8, 3))
    variables = jax.jit(model.init, static_argnames="train")(jax.random.key(0), x, train=False)
    apply = jax.jit(lambda train: model.apply(variables, x, train, mutable=["batch_stats"])[1], static_argnums=0)
    after = apply(True)
    conv1 = jax.lax.conv_general_dilated(
        x,
        variables["params"]["backbone"]["conv1"]["kernel"],
        (1, 1),
        [(1, 1)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    statistics = after["batch_stats"]["backbone"]["bn1"]
    np.testing.assert_allclose(statistics["mean"], 0.1 * conv1.mean((0, 1, 2)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(statistics["var"], 0.9 + 0.1 * conv1.var((0, 1, 2)), rtol=1e-4)
    jax.tree.map(np.testing.assert_array_equal, apply(False)["batch_stats"], variables["batch_stats"])


def test_unknown_name_names_the_nearest_and_all(make_model):
    with pytest.raises(ConfigError, match=r"'resnet51'.*did you mean resnet5\d"):
        make_model("resnet51")
    with pytest.raises(ConfigError, match="did you mean original"):
        make_model("orignal")


def test_a_rate_of_zero_is_no_rate_of_a_paper(make_model):
    assert [make_model("alexnet", dropout=rate).head.dropout for rate in (-1.0, 0.0, 0.25)] == [0.5, 0.0, 0.25]
    rates = [make_model("efficientnet_b0", drop_path=rate).backbone.drop_path for rate in (-1.0, 0.0, 0.5)]
    assert rates == [0.2, 0.0, 0.5]
