"""Networks, names, layouts and preprocessing agree with the libraries that weights come from: see ../shared/golden."""

import importlib.util
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.models import create_model
from study_classification.pretrained.convert import to_variables
from study_classification.pretrained.files import read_tensors
from study_classification.pretrained.origin import detect_origin, preprocess_of

FIXTURES = {  # -> model and origin
    "torchvision.alexnet": ("alexnet", "torchvision"),
    "torchvision.vgg16": ("vgg16", "torchvision"),
    "torchvision.vgg16_bn": ("vgg16_bn", "torchvision"),
    "torchvision.resnet18": ("resnet18", "torchvision"),
    "torchvision.resnet50": ("resnet50", "torchvision"),
    "torchvision.efficientnet_b0": ("efficientnet_b0", "torchvision"),
    "torchvision.mobilenet_v2": ("mobilenet_v2", "torchvision"),
    "torchvision.squeezenet1_1": ("squeezenet1_1", "torchvision"),
    "timm.resnet18": ("resnet18", "timm"),
    "timm.resnet50": ("resnet50", "timm"),
    "timm.efficientnet_b0": ("efficientnet_b0", "timm"),
    "timm.tf_efficientnet_b0": ("efficientnet_b0", "timm_tf"),
    "timm.tf_efficientnet_lite0": ("efficientnet_lite0", "timm_tf"),
    "timm.mobilenetv2_100": ("mobilenet_v2", "timm"),
    "keras.VGG16": ("vgg16", "keras"),
    "keras.ResNet50": ("resnet50", "keras"),
    "keras.EfficientNetB0": ("efficientnet_b0", "keras"),
    "keras.MobileNetV2": ("mobilenet_v2", "keras"),
}
WITHOUT_TOP = ("torchvision.vgg16_bn", "keras.VGG16")  # of 124 million weights, which torchvision.vgg16 covers


@pytest.fixture(scope="module")
def recipe(shared):
    spec = importlib.util.spec_from_file_location("recipe", shared / "golden" / "recipe.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("fixture", FIXTURES)
def test_logits_and_features(fixture, config_of, recipe, shared, tmp_path):
    name, origin = FIXTURES[fixture]
    spec = recipe.load_spec(shared / "golden", fixture)
    gold = np.load(shared / "golden" / f"{fixture}.npz")
    top = fixture not in WITHOUT_TOP
    path = tmp_path / "weights"
    (recipe.write_h5 if spec["layout"] == "keras" else recipe.write_safetensors)(spec, path, top=top)
    tags = [tag for tag in spec.get("pretrained_tags", []) if tag["default"]]
    if tags:  # each of timm's repositories has this file beside the weights
        card = {"architecture": spec["architecture"], "pretrained_cfg": tags[0]}
        (tmp_path / "config.json").write_text(json.dumps(card), encoding="utf-8")

    model = create_model(config_of(name, origin).model, spec["num_classes"])
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 96, 96, 3)), train=False))
    file = read_tensors(path)
    assert detect_origin(file, name, origin) == origin
    variables = to_variables(file, name, shapes, skip="" if top else "head")

    def forward(model, x):
        maps = model.backbone(x, False)
        outputs = {"features": maps.mean((1, 2))}
        return outputs | ({"logits": model.head(model.head.pool(maps), False)} if top else {})

    outputs = jax.jit(lambda variables, x: model.apply(variables, x, method=forward))
    preprocess = preprocess_of(file, name, origin)
    keys = [key for key in gold if key.startswith(("features", "logits") if top else "features")]
    for size in {key.split("_")[1] for key in keys}:
        x = (recipe.image(int(size)) - np.float32(preprocess.mean)) / np.float32(preprocess.std)
        with jax.default_matmul_precision("highest"):
            ours = outputs(variables, x)
        for key in (key for key in keys if key.endswith(f"_{size}")):
            tolerance = {"rtol": spec["tolerance"]["rtol"], "atol": spec["tolerance"]["atol"][key]}
            np.testing.assert_allclose(ours[key.split("_")[0]], gold[key], **tolerance, err_msg=key)
