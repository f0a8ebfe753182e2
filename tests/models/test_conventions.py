import pytest

from study_classification.errors import ConfigError
from study_classification.models.conventions import conventions_of


def test_torchvision_is_the_default():
    assert conventions_of("", "resnet50") == conventions_of("torchvision", "resnet50")


@pytest.mark.parametrize(
    ("origin", "model", "epsilon", "momentum"),
    [
        ("torchvision", "efficientnet_b4", 1e-5, 0.9),
        ("torchvision", "efficientnet_b5", 1e-3, 0.99),
        ("timm", "efficientnet_b5", 1e-5, 0.9),
        ("timm_tf", "efficientnet_b0", 1e-3, 0.99),
        ("keras", "efficientnet_b5", 1e-3, 0.99),
        ("keras", "mobilenet_v2", 1e-3, 0.999),
        ("keras", "resnet50", 1.001e-5, 0.99),
    ],
)
def test_batchnorm(origin, model, epsilon, momentum):
    conventions = conventions_of(origin, model)
    assert (conventions.bn_epsilon, conventions.bn_momentum) == (epsilon, momentum)


def test_padding_is_symmetric_in_pytorch():
    assert conventions_of("timm", "efficientnet_b0").padding(5, 2) == [(2, 2), (2, 2)]
    assert conventions_of("timm_tf", "efficientnet_b0").padding(5, 2) == "SAME"


def test_unknown_origin_names_the_nearest():
    with pytest.raises(ConfigError, match=r"model.origin is 'kera': did you mean keras"):
        conventions_of("kera", "resnet50")
