"""Weights trained on ImageNet's 1,000 classes, read from files, recognise photos."""

import jax
import numpy as np
import pytest

from study_classification.data.decode import decode_image
from study_classification.data.preprocess import eval_view, normalize
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
        pictures = np.stack([eval_view(decode_image(file.read_bytes()), preprocess) for file in files])
        logits = jax.jit(lambda variables, x: model.apply(variables, normalize(x, preprocess), False))
        return pretrained.origin, logits(pretrained.variables, pictures)

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
