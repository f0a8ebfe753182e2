import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.models import MODELS
from study_classification.models.resnet import BasicBlock, Bottleneck, ResNet


def count(variables):
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
    ],
)
def test_published_parameters(name, parameters, make_model, shapes):
    assert count(shapes(make_model(name, num_classes=1000), 32, 32, 3)) == parameters


def test_resnet_is_resnet50():
    assert MODELS["resnet"] is MODELS["resnet50"]


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_reproduces_torchvision(name, make_model, from_torch, shared):
    spec = importlib.util.spec_from_file_location("recipe", shared / "golden" / "recipe.py")
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    fixture = recipe.load_spec(shared / "golden", f"torchvision.{name}")
    gold = np.load(shared / "golden" / f"torchvision.{name}.npz")
    model = make_model(name, num_classes=1000)
    variables = from_torch(recipe.tensors(fixture))

    @jax.jit
    def outputs(x):
        features = model.apply(variables, x, False, method="features")
        return {"features": features, "logits": model.apply(variables, x, False)}

    for size in fixture["sizes"]:
        x = recipe.normalise(recipe.image(size), fixture["normalisation"])
        with jax.default_matmul_precision("highest"):
            ours = outputs(x)
        for key, value in ours.items():
            tolerance = fixture["tolerance"]
            np.testing.assert_allclose(
                value, gold[f"{key}_{size}"], rtol=tolerance["rtol"], atol=tolerance["atol"][f"{key}_{size}"]
            )


@pytest.mark.parametrize(("block", "last"), [(BasicBlock, "bn2"), (Bottleneck, "bn3")])
def test_blocks_start_as_the_identity(block, last):
    model = ResNet(block, (2, 2))
    init = jax.jit(lambda: model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), train=False))
    params = init()["params"]
    blocks = [params[f"layer{i}_{j}"] for i in (1, 2) for j in (0, 1)]
    assert all((block[last]["scale"] == 0).all() and (block["bn1"]["scale"] == 1).all() for block in blocks)
    # He-normal by fan-out: 7 x 7 x 64, not the 7 x 7 x 3 of fan-in
    assert params["conv1"]["kernel"].std() == pytest.approx((2 / (49 * 64)) ** 0.5, rel=0.05)
