import flax.linen as nn
import jax
import pytest

from study_classification.models.efficientnet import scaled
from study_classification.models.layers.inverted_residual import InvertedResidual


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("efficientnet_b0", 5_288_548),
        ("efficientnet_b1", 7_794_184),
        ("efficientnet_b2", 9_109_994),
        ("efficientnet_b3", 12_233_232),
        ("efficientnet_b4", 19_341_616),
        ("efficientnet_b5", 30_389_784),
        ("efficientnet_b6", 43_040_704),
        ("efficientnet_b7", 66_347_960),
        ("efficientnet_lite0", 4_652_008),
        ("efficientnet_lite1", 5_416_680),
        ("efficientnet_lite2", 6_092_072),
        ("efficientnet_lite3", 8_197_096),
        ("efficientnet_lite4", 13_006_568),
    ],
)
def test_published_parameters(name, parameters, make_model, shapes):
    params = shapes(make_model(name, num_classes=1000), 32, 32, 3)["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == parameters


def test_lite_has_ends_of_fixed_size_and_no_squeeze_and_excitation(make_model, shapes):
    backbone = shapes(make_model("efficientnet_lite4"), 32, 32, 3)["params"]["backbone"]
    assert backbone["stem"]["conv"]["kernel"].shape == (3, 3, 3, 32)
    assert backbone["top"]["conv"]["kernel"].shape[-1] == 1280
    blocks = [sum(name.startswith(f"stage{stage}_") for name in backbone) for stage in range(1, 8)]
    assert blocks == [1, 4, 4, 6, 6, 8, 1]  # 1.8 times 2, 2, 3, 3, 4, rounded up, between the ends
    assert not any("se" in block for block in backbone.values())
    assert "se" in shapes(make_model("efficientnet_b0"), 32, 32, 3)["params"]["backbone"]["stage1_0"]


def test_lite_is_tensorflows_also_from_scratch(make_model):
    for origin in ("", "timm_tf"):
        conventions = make_model("efficientnet_lite0", origin=origin).backbone.conventions
        assert (conventions.same_padding, conventions.bn_epsilon, conventions.bn_momentum) == (True, 1e-3, 0.99)


@pytest.mark.parametrize(
    ("name", "rate"), [("lite0", 0.2), ("lite1", 0.2), ("lite2", 0.3), ("lite3", 0.3), ("lite4", 0.3)]
)
def test_dropout_of_the_release(name, rate, make_model):
    assert make_model(f"efficientnet_{name}", dropout=-1.0).head.dropout == rate


def test_filters_become_multiples_of_eight_at_most_a_tenth_smaller():
    assert scaled(32, 1.4) == 48  # 44.8
    assert scaled(24, 1.4) == 32  # 33.6
    assert scaled(16, 1.2) == 24  # 19.2: 16 would be a sixth less


def test_stochastic_depth_grows_linearly_towards_a_fifth(make_model, shapes):
    rates = []

    def note(call, args, kwargs, context):
        if isinstance(context.module, InvertedResidual):
            rates.append(context.module.drop_path)
        return call(*args, **kwargs)

    with nn.intercept_methods(note):
        shapes(make_model("efficientnet_b0"), 32, 32, 3)
    assert rates == pytest.approx([0.2 * i / 16 for i in range(16)])
