"""Weights trained on ImageNet's 1,000 classes, read from files, recognise photos."""

import importlib.util

import jax
import numpy as np
import pytest

from study_classification.inputs.images.decode import decode_image
from study_classification.inputs.images.preprocess import eval_view, normalize
from study_classification.models import create_model
from study_classification.pretrained import load_pretrained

DOGS = range(151, 269)


@pytest.fixture
def classify(shared, config_of):
    """(file, name, origin) -> the origin found and the logits of 20 photos of dogs."""
    files = sorted((shared / "data" / "animals" / "dog").glob("*.jpg"))[:20]

    def run(weights, name, origin=""):
        config = config_of(name, origin, str(shared / "data" / "weights" / weights))
        pretrained = load_pretrained(config, range(1000))
        assert not pretrained.skipped
        config.model.origin = pretrained.origin
        model, preprocess = create_model(config.model, 1000), pretrained.preprocess
        images = np.stack([eval_view(decode_image(file.read_bytes()), preprocess) for file in files])
        logits = jax.jit(lambda variables, x: model.apply(variables, normalize(x, preprocess), False))
        return pretrained.origin, logits(pretrained.variables, images)

    return run


def test_mobilenet_v2_through_both_formats_gives_equal_logits(classify):
    origin, logits = classify("mobilenet_v2_imagenet.h5", "mobilenet_v2")
    assert origin == "keras"
    assert np.isin(logits.argmax(1), DOGS).sum() >= 18
    # PyTorch's names and layout, but padding and epsilon of Keras; the scales of its BatchNorms give that away
    origin, from_safetensors = classify("mobilenet_v2_imagenet.safetensors", "mobilenet_v2")
    assert origin == "keras"
    np.testing.assert_array_equal(from_safetensors, logits)


def test_squeezenet_recognises_dogs(classify):
    origin, logits = classify("squeezenet1_1_imagenet.safetensors", "squeezenet1_1")
    assert origin == "torchvision"
    assert np.isin(logits.argmax(1), DOGS).sum() >= 18


def test_lite0_gives_the_logits_of_its_package(config_of, shared):
    config = config_of("efficientnet_lite0", weights="imagenet")
    pretrained = load_pretrained(config, range(1000))
    assert (pretrained.origin, pretrained.skipped) == ("timm_tf", "")
    preprocess = pretrained.preprocess
    assert (preprocess.image_size, preprocess.resize_size, preprocess.interpolation) == (224, 256, "bicubic")
    np.testing.assert_allclose(np.multiply(preprocess.mean, 255), 127)
    np.testing.assert_allclose(np.multiply(preprocess.std, 255), 128)
    spec = importlib.util.spec_from_file_location("recipe", shared / "golden" / "recipe.py")
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    config.model.origin = pretrained.origin
    model = create_model(config.model, 1000)

    def forward(variables, x):
        features = model.apply(variables, x, False, method="features")
        return features, model.apply(variables, x, False)

    features, logits = jax.jit(forward)(pretrained.variables, normalize(recipe.image_uint8(224), preprocess))
    gold = np.load(shared / "golden" / "lite.efficientnet_lite0.npz")
    np.testing.assert_allclose(logits, gold["logits_224"], atol=1e-4)
    np.testing.assert_allclose(features, gold["features_224"], atol=1e-4)
