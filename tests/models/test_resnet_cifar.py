import io
import json
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from PIL import Image

from study_classification.models.resnet_cifar import CifarBlock


def read_safetensors(path):
    """Float32 arrays by name: 8 bytes of header length, a JSON header, the data."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data[start:][slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items()
    }


# a layer of n blocks of c filters has 2 n 9 c^2 weights (its first one from c / 2 channels: half of that), 4 n c of
# BatchNorm; before them 3 x 9 x 16 + 32, after them 64 x 10 + 10
@pytest.mark.parametrize(
    ("name", "parameters"), [("resnet20", 269_722), ("resnet32", 464_154), ("resnet44", 658_586), ("resnet56", 853_018)]
)
def test_parameters_counted_by_hand(name, parameters, make_model, shapes):
    blocks = (int(name[6:]) - 2) // 6
    by_hand = (
        432
        + 32
        + 650
        + sum(2 * blocks * 9 * c * c - (9 * c * c // 2 if c > 16 else 0) + 4 * blocks * c for c in (16, 32, 64))
    )
    params = shapes(make_model(name), 32, 32, 3)["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == by_hand == parameters


def test_shortcut_takes_every_second_pixel_and_pads_channels_on_both_sides():
    def zeros(features, *args, **kwargs):
        return lambda x: jnp.zeros((1, 2, 2, 8))

    block = CifarBlock(conv=zeros, norm=lambda name: lambda x: x, filters=8, stride=2)
    x = jnp.arange(64.0).reshape(1, 4, 4, 4)
    y = block.apply({}, x)
    np.testing.assert_array_equal(y[..., 2:6], x[:, [0, 2]][:, :, [0, 2]])
    assert not y[..., :2].any() and not y[..., 6:].any()


def test_trained_weights_fit_one_to_one_and_recognise_cifar10(make_model, shapes, from_torch, shared):
    model = make_model("resnet20")
    variables = from_torch(read_safetensors(shared / "data" / "weights" / "resnet20_cifar10.safetensors"))
    expected = flatten_dict(shapes(model, 32, 32, 3))
    assert {path: leaf.shape for path, leaf in flatten_dict(variables).items()} == {
        path: leaf.shape for path, leaf in expected.items()
    }

    with zipfile.ZipFile(shared / "data" / "cifar10" / "test.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))[::50]  # 20 of each class
        pictures = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names])
    labels = np.repeat(np.arange(10), 20)
    x = (pictures / np.float32(255) - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    accuracy = (jax.jit(model.apply, static_argnums=2)(variables, x, False).argmax(1) == labels).mean()
    assert accuracy > 0.87  # 0.9173 on all 10,000
