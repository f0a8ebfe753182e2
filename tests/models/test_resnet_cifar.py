import io
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from study_classification.inputs.images.preprocess import normalize
from study_classification.models.initial import variable_shapes
from study_classification.models.resnet_cifar import CifarBlock
from study_classification.pretrained.convert import to_variables
from study_classification.pretrained.files import read_tensors
from study_classification.pretrained.origin import preprocess_of


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

    block = CifarBlock(conv=zeros, norm=lambda name: lambda x: x, drop=lambda y: y, filters=8, stride=2)
    x = jnp.arange(64.0).reshape(1, 4, 4, 4)
    y = block.apply({}, x)
    np.testing.assert_array_equal(y[..., 2:6], x[:, [0, 2]][:, :, [0, 2]])
    assert not y[..., :2].any() and not y[..., 6:].any()


def test_trained_weights_recognise_cifar10(make_model, shared):
    model = make_model("resnet20")
    file = read_tensors(shared / "data" / "weights" / "resnet20_cifar10.safetensors")
    preprocess = preprocess_of(file, "resnet20", "torchvision")
    variables = to_variables(file, "resnet20", variable_shapes(model, preprocess.shape))
    with zipfile.ZipFile(shared / "data" / "cifar10" / "test.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))[::20]  # 50 of each class
        images = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names])
    logits = jax.jit(lambda x: model.apply(variables, normalize(x, preprocess), False))(images)
    correct = np.sum(logits.argmax(1) == np.repeat(np.arange(10), 50))
    assert correct == pytest.approx(464, abs=1)  # and 9,173 of all 10,000
