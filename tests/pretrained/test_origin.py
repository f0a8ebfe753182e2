import json
from pathlib import Path

import numpy as np
import pytest

from study_classification.errors import WeightsError
from study_classification.inputs.images.preprocess import INTERPOLATIONS
from study_classification.models import ALIASES, MODELS
from study_classification.pretrained.files import TensorFile
from study_classification.pretrained.origin import CAFFE, IMAGENET, INCEPTION, detect_origin, preprocess_of


def file(layout="torch", *names, path="weights", **tensors):
    return TensorFile(Path(path), layout, dict.fromkeys(names, np.ones(2)) | tensors)


KERAS, TORCHVISION = file("keras", "stem_conv/kernel"), file("torch", "features.0.0.weight")
TIMM, RESNET = file("torch", "conv_stem.weight"), file("torch", "conv1.weight")


@pytest.mark.parametrize(
    ("tensors", "model", "origin"),
    [
        (KERAS, "efficientnet_b0", "keras"),
        (TORCHVISION, "efficientnet_b0", "torchvision"),
        (TIMM, "efficientnet_b0", "timm"),
        (file("torch", "conv_stem.weight", path="tf_efficientnet_b0.pth"), "efficientnet_b0", "timm_tf"),
        (file("torch", "pre_logits.fc1.weight"), "vgg16", "timm"),
        (RESNET, "resnet50", "torchvision"),
        (RESNET, "resnet20", "torchvision"),
    ],
)
def test_what_a_file_tells(tensors, model, origin):
    assert detect_origin(tensors, model) == origin
    assert detect_origin(tensors, model, stated=origin) == origin


def test_what_is_stated_stands_unless_the_file_says_otherwise():
    assert detect_origin(TIMM, "efficientnet_b0", "timm_tf") == "timm_tf"
    assert detect_origin(TORCHVISION, "efficientnet_b0", "keras") == "keras"
    assert detect_origin(RESNET, "resnet50", "timm") == "timm"
    with pytest.raises(WeightsError, match="its layout is Keras'; give keras"):
        detect_origin(KERAS, "efficientnet_b0", "torchvision")
    with pytest.raises(WeightsError, match="its names are timm's; give timm or timm_tf or keras"):
        detect_origin(TIMM, "efficientnet_b0", "torchvision")


def test_networks_that_an_origin_has_not():
    with pytest.raises(WeightsError, match="no weights of resnet18 are known: give torchvision or timm"):
        detect_origin(RESNET, "resnet18", "keras")
    with pytest.raises(WeightsError, match="Keras', but weights of resnet18 are known from torchvision and timm"):
        detect_origin(KERAS, "resnet18")
    with pytest.raises(WeightsError, match="no other library has weights of original"):
        detect_origin(RESNET, "original", "keras")


def folded(epsilon):
    scale = np.full(2, np.sqrt(np.float32(1 + epsilon)))
    tensors = {"weight": scale, "bias": np.arange(2), "running_mean": np.zeros(2), "running_var": np.ones(2)}
    return {f"features.{i}.1.{name}": array for i in range(3) for name, array in tensors.items()}


def test_folded_batchnorms_tell_their_epsilon():
    assert detect_origin(file(**folded(1e-3)), "mobilenet_v2") == "keras"
    assert detect_origin(file(**folded(1e-5)), "mobilenet_v2") == "torchvision"
    with pytest.raises(WeightsError, match=r"torchvision, but .* folded for an epsilon of 0.001; give keras"):
        detect_origin(file(**folded(1e-3)), "mobilenet_v2", "torchvision")
    others = folded(1e-3) | {"features.2.1.running_mean": np.array([0, 0.1])}
    assert detect_origin(file(**others), "mobilenet_v2") == "torchvision"


@pytest.mark.parametrize(
    ("model", "origin", "expected"),
    [
        ("resnet50", "torchvision", (224, 256, "bilinear", IMAGENET)),
        ("resnet50", "timm", (224, 235, "bicubic", IMAGENET)),
        ("resnet50", "keras", (224, 256, "bilinear", CAFFE)),
        ("resnet20", "torchvision", (32, 32, "bilinear", IMAGENET)),
        ("vgg16", "keras", (224, 256, "bilinear", CAFFE)),
        ("mobilenet_v2", "keras", (224, 256, "bilinear", INCEPTION)),
        ("efficientnet_b4", "torchvision", (380, 384, "bicubic", IMAGENET)),
        ("efficientnet_b4", "timm", (320, 365, "bicubic", IMAGENET)),
        ("efficientnet_b4", "timm_tf", (380, 412, "bicubic", IMAGENET)),
        ("efficientnet_b7", "keras", (600, 632, "bicubic", IMAGENET)),
    ],
)
def test_preprocessing_of_a_release(model, origin, expected):
    p = preprocess_of(RESNET, model, origin)
    assert (p.image_size, p.resize_size, p.interpolation, (p.mean, p.std)) == expected
    assert p.channels == 3


def test_every_published_network_has_a_release():
    for model in MODELS.keys() - ALIASES.keys() - {"original", "mlp", "text_average", "airbench", "tiny"}:
        assert preprocess_of(RESNET, model, detect_origin(RESNET, model)).interpolation in INTERPOLATIONS


def normalizing(variance):
    return file(
        "keras", **{"normalization/mean": np.array([0.1, 0.2, 0.3]), "normalization/variance": np.array([variance])}
    )


def test_kerass_efficientnet_normalises_by_itself():
    released = preprocess_of(normalizing([0.229, 0.224, 0.225]), "efficientnet_b0", "keras")
    assert (released.mean, released.std) == IMAGENET
    trained = preprocess_of(normalizing([0.04, 0.09, 0.16]), "efficientnet_b0", "keras")
    np.testing.assert_allclose([trained.mean, trained.std], [[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]])


@pytest.fixture
def with_card(tmp_path):
    def write(**changes):
        values = {"input_size": [3, 288, 288], "interpolation": "bilinear", "crop_pct": 0.95}
        values |= {"mean": [0.5, 0.4, 0.3], "std": [0.3, 0.2, 0.1]}
        content = {"architecture": "resnet50", "pretrained_cfg": values | changes}
        (tmp_path / "config.json").write_text(json.dumps(content))
        return TensorFile(tmp_path / "model.safetensors", "torch", {"conv1.weight": np.ones(2)})

    return write


def test_timms_card_beside_the_file(with_card):
    resnet = with_card()
    assert detect_origin(resnet, "resnet50") == "timm"
    p = preprocess_of(resnet, "resnet50", "timm")
    assert (p.image_size, p.resize_size, p.interpolation) == (288, 303, "bilinear")
    assert (p.mean, p.std) == ((0.5, 0.4, 0.3), (0.3, 0.2, 0.1))
    assert preprocess_of(with_card(crop_pct=0.97), "resnet50", "timm").resize_size == 296  # 296.9, cut off by timm
    assert preprocess_of(resnet, "efficientnet_b0", "timm_tf").image_size == 288  # of timm's own and of TensorFlow's
    assert preprocess_of(resnet, "resnet50", "torchvision").image_size == 224  # whose card is another's
    with pytest.raises(WeightsError, match=r"config.json says resnet50; give timm"):
        detect_origin(resnet, "resnet50", "torchvision")
    (resnet.path.parent / "config.json").write_text('{"model_type": "resnet"}')
    assert detect_origin(resnet, "resnet50") == "torchvision"
