import jax
import jax.numpy as jnp
import pytest
from ml_collections import ConfigDict

from study_classification.models import MODELS, create_model
from study_classification.models.resnet import Bottleneck, ResNet


@pytest.fixture
def model_config(monkeypatch):
    """(name, origin) -> config.model; `resnet5` is a ResNet of one bottleneck."""
    monkeypatch.setitem(
        MODELS, "resnet5", lambda config, dtype, conventions: ResNet(Bottleneck, (1,), conventions, dtype)
    )
    return lambda name, origin="": ConfigDict({"name": name, "origin": origin, "dropout": 0.0, "hidden": (4,)})


@pytest.fixture
def shapes(model_config):
    """(name, origin, number of classes) -> the shapes of a network's variables."""

    def trace(name, origin="", num_classes=10):
        model = create_model(model_config(name, origin), num_classes)
        return jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), train=False))

    return trace
