import flax.linen as nn
import jax
import pytest

from study_classification.models.efficientnet import scaled
from study_classification.models.inverted_residual import InvertedResidual


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
    ],
)
def test_published_parameters(name, parameters, make_model, shapes):
    params = shapes(make_model(name, num_classes=1000), 32, 32, 3)["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == parameters


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
