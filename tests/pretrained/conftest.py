import jax
import jax.numpy as jnp
import pytest

from study_classification.configs import default
from study_classification.models import MODELS, create_model
from study_classification.models.resnet import Bottleneck, ResNet


@pytest.fixture
def config_of(monkeypatch):
    """(name, origin, weights) -> config; `resnet5` is a ResNet of one bottleneck."""
    monkeypatch.setitem(
        MODELS, "resnet5", lambda config, dtype, conventions: ResNet(Bottleneck, (1,), conventions, dtype)
    )

    def make(name, origin="", weights=""):
        config = default.get_config()
        config.model.update(name=name, origin=origin, dropout=0.0, hidden=(4,), weights=weights)
        return config

    return make


@pytest.fixture
def shapes(config_of):
    """(name, origin, number of classes) -> the shapes of a network's variables."""

    def trace(name, origin="", num_classes=10):
        model = create_model(config_of(name, origin).model, num_classes)
        return jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)), train=False))

    return trace
