import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification import create_model
from study_classification.models.last_map import parts_at_last_map


def parts_of(name, side):
    """The parts of a network's backbone and the shapes of its variables, without a number of them."""
    model = create_model(name, 3)
    image = jax.ShapeDtypeStruct((1, side, side, 3), np.float32)
    variables = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, train=False), image)
    network = lambda variables, x: model.apply(variables, x, method=lambda model, x: model.backbone(x, train=False))  # noqa: E731
    return parts_at_last_map(network, variables, image), variables, image


@pytest.mark.parametrize(
    ("name", "side", "map_shape"),
    [
        ("original", 128, (2, 2, 64)),  # what is flattened
        ("original", 64, (3, 3, 64)),  # conv6 would leave a single place
        ("vgg11", 64, (2, 2, 512)),
        ("alexnet", 127, (3, 3, 256)),
        ("resnet18", 64, (2, 2, 512)),
        ("resnet18", 32, (2, 2, 256)),  # what enters layer4, for within it the shortcut passes by
        ("resnet20", 16, (4, 4, 64)),
        ("efficientnet_lite0", 64, (2, 2, 1280)),
        ("mobilenet_v2", 64, (2, 2, 1280)),
        ("squeezenet1_1", 64, (3, 3, 512)),
        ("airbench", 32, (3, 3, 256)),
    ],
)
def test_every_network_has_its_last_map(name, side, map_shape):
    parts, variables, image = parts_of(name, side)
    found = jax.eval_shape(parts.before, variables, image)
    assert found.shape == (1, *map_shape)
    whole = jax.eval_shape(parts.after, variables, found)
    assert whole.shape[0] == 1 and whole.ndim in (2, 4)


def test_what_flattens_the_image_has_none():
    assert parts_of("mlp", 8)[0] is None
    images = jax.ShapeDtypeStruct((1, 4, 4, 3), np.float32)
    network = lambda kernel, x: (2 * x - 1).reshape(1, -1) @ kernel  # noqa: E731  # a normalised image is an image
    assert parts_at_last_map(network, jnp.ones((48, 2)), images) is None


class Branched(nn.Module):
    """A map (conv1), then two branches that meet, and a bias of its own to be reshaped on both sides."""

    @nn.compact
    def __call__(self, x):
        shift = self.param("shift", nn.initializers.ones, (4,)).reshape(1, 1, 1, 4) * 2
        x = nn.Conv(4, (3, 3), padding="VALID", name="conv1")(x * 2 + 1) + shift
        y = nn.Conv(4, (3, 3), name="conv2")(x)
        z = nn.Conv(4, (3, 3), name="conv3")(y)
        return (jnp.mean(x, (1, 2)) + jnp.max(z + shift, (1, 2)))[:, :2]


def test_the_parts_are_the_network():
    model = Branched()
    images = jax.random.normal(jax.random.key(1), (2, 6, 6, 3))
    variables = model.init(jax.random.key(0), images)
    parts = parts_at_last_map(model.apply, variables, jax.ShapeDtypeStruct(images.shape, images.dtype))
    found = parts.before(variables, images)
    assert found.shape == (2, 4, 4, 4)
    kernel, bias = variables["params"]["conv1"]["kernel"], variables["params"]["conv1"]["bias"]
    corner = jnp.einsum("bijc,ijco->bo", images[:, :3, :3] * 2 + 1, kernel) + bias + 2
    np.testing.assert_allclose(found[:, 0, 0], corner, rtol=1e-4)
    np.testing.assert_allclose(parts.after(variables, found), model.apply(variables, images), rtol=1e-5)
