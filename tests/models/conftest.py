import jax
import jax.numpy as jnp
import pytest

from study_classification.configs import default
from study_classification.models import create_model


@pytest.fixture
def make_model():
    """name -> a Classifier of 10 classes."""

    def make(
        name, num_classes=10, dtype=jnp.float32, dropout=0.0, hidden=(128,), origin="", head=(), num_tokens=0, **fields
    ):
        config = default.get_config().model
        config.update(name=name, origin=origin, dropout=dropout, hidden=hidden, head=dict(head), **fields)
        return create_model(config, num_classes, dtype, num_tokens)

    return make


@pytest.fixture
def shapes():
    """(model, height, width, channels) -> the shapes of its variables, nothing being computed."""

    def trace(model, *size):
        return jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, *size)), train=False))

    return trace
