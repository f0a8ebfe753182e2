import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import unflatten_dict
from ml_collections import ConfigDict

from study_classification.models import create_model


@pytest.fixture
def make_model():
    """name -> a Classifier of 10 classes."""

    def make(name, num_classes=10, dtype=jnp.float32, dropout=0.0, hidden=(128,)):
        return create_model(ConfigDict({"name": name, "dropout": dropout, "hidden": hidden}), num_classes, dtype)

    return make


@pytest.fixture
def shapes():
    """(model, height, width, channels) -> the shapes of its variables, nothing being computed."""

    def trace(model, *size):
        return jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, *size)), train=False))

    return trace


@pytest.fixture
def from_torch():
    """Arrays by the names of torchvision's ResNets (OIHW) -> variables of a Classifier (HWIO)."""
    leaves = {
        "running_mean": ("batch_stats", "mean"),
        "running_var": ("batch_stats", "var"),
        "bias": ("params", "bias"),
    }

    def convert(tensors):
        variables = {}
        for name, array in tensors.items():
            if name.endswith("num_batches_tracked"):
                continue
            module, leaf = name.rsplit(".", 1)
            path = "backbone/" + re.sub(r"\.(\d+)", r"_\1", module).replace(".", "/")
            if module in ("fc", "linear"):
                path = "head/classifier"
            collection, leaf = leaves.get(leaf, ("params", "scale" if array.ndim == 1 else "kernel"))
            axes = {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}[array.ndim]
            variables[f"{collection}/{path}/{leaf}"] = np.transpose(array, axes)
        return unflatten_dict(variables, sep="/")

    return convert
