import jax
import jax.numpy as jnp
import pytest

from study_classification.models import MODELS
from study_classification.models.conventions import CONVENTIONS
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


@pytest.mark.parametrize(
    ("name", "parameters"), [("resnet50", 25_583_592), ("resnet101", 44_601_832), ("resnet152", 60_268_520)]
)
def test_parameters_of_keras_with_biases(name, parameters, make_model, shapes):
    assert count(shapes(make_model(name, num_classes=1000, origin="keras"), 32, 32, 3)) == parameters


def test_keras_has_the_stride_in_the_first_convolution(make_model, shapes):
    def sides(origin):
        model = make_model("resnet50", origin=origin)

        def maps(variables):
            _, state = model.apply(
                variables, jnp.zeros((1, 64, 64, 3)), False, capture_intermediates=True, mutable="intermediates"
            )
            return state["intermediates"]["backbone"]["layer2_0"]

        block = jax.eval_shape(maps, shapes(model, 64, 64, 3))
        return [block[f"conv{i}"]["__call__"][0].shape[1] for i in (1, 2, 3)]

    assert sides("torchvision") == [16, 8, 8]
    assert sides("keras") == [8, 8, 8]


@pytest.mark.parametrize(("block", "last"), [(BasicBlock, "bn2"), (Bottleneck, "bn3")])
def test_blocks_start_as_the_identity(block, last):
    model = ResNet(block, (2, 2), CONVENTIONS["torchvision"])
    init = jax.jit(lambda: model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), train=False))
    params = init()["params"]
    blocks = [params[f"layer{i}_{j}"] for i in (1, 2) for j in (0, 1)]
    assert all((block[last]["scale"] == 0).all() and (block["bn1"]["scale"] == 1).all() for block in blocks)
    # He-normal by fan-out: 7 x 7 x 64, not the 7 x 7 x 3 of fan-in
    assert params["conv1"]["kernel"].std() == pytest.approx((2 / (49 * 64)) ** 0.5, rel=0.05)
