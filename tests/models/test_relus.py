"""What stands behind the ReLUs of networks, by names and values."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification import create_model
from study_classification.models.relus import with_relus


class Block(nn.Module):
    """A layer with a ReLU, one with a ReLU6, their sum with a ReLU of its own, and what is no ReLU."""

    @nn.compact
    def __call__(self, x):
        y = nn.relu(nn.Dense(2, name="one")(x))
        z = nn.relu6(nn.Dense(2, name="two")(y))
        return nn.gelu(nn.tanh(nn.relu(nn.relu(y + z))))


class Network(nn.Module):
    def setup(self):
        self.backbone = Block()

    def __call__(self, x):
        return self.backbone(x)


def test_each_relu_is_named_by_what_it_takes():
    kernel = jnp.array([[1.0, -1.0], [0.0, 10.0]])
    params = {"backbone": {name: {"kernel": kernel, "bias": jnp.zeros(2)} for name in ("one", "two")}}
    network = lambda params, x: Network().apply({"params": params}, x)  # noqa: E731
    x = jnp.array([[3.0, 1.0]])
    output, found = jax.jit(lambda params, x: with_relus(network, params, x))(params, x)
    assert {name: values.tolist() for name, values in found.items()} == {
        "backbone/one": [[3.0, 7.0]],  # 3 x 1, and 3 x -1 + 10
        "backbone/two": [[3.0, 6.0]],  # 67 is cut off at 6
        "backbone": [[6.0, 13.0]],
        "backbone 2": [[6.0, 13.0]],  # of what was above 0 already
    }
    np.testing.assert_allclose(output, network(params, x), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "side", "count", "first"),
    [
        ("original", 64, 8, "backbone/conv1"),
        ("vgg11", 64, 10, "backbone/block1_conv1"),  # two of them in the head
        ("resnet20", 16, 19, "backbone/bn1"),
        ("squeezenet1_1", 64, 18, "backbone/conv1"),
        ("airbench", 32, 0, None),  # GELU
    ],
)
def test_every_network_names_its_own(name, side, count, first):
    model = create_model(name, 3)
    image = jax.ShapeDtypeStruct((1, side, side, 3), np.float32)
    variables = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, train=False), image)
    network = lambda variables, x: model.apply(variables, x, train=False)  # noqa: E731
    _, found = jax.eval_shape(lambda variables, x: with_relus(network, variables, x), variables, image)
    assert len(found) == count and (first is None or first in found)


def test_a_function_that_gives_what_it_takes_is_no_relu():
    """Its body, around which a derivative of one's own is put, is empty."""
    same = jax.custom_jvp(lambda x: x)
    same.defjvp(lambda primals, tangents: (primals[0], 2 * tangents[0]))
    output, found = with_relus(lambda x: same(x) + 1, jnp.ones(3))
    assert output.tolist() == [2, 2, 2] and not found
