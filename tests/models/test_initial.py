import flax.linen as nn
import jax

from study_classification.models.initial import variable_shapes

TRACED = []


class Layer(nn.Module):
    width: int | list = 3

    @nn.compact
    def __call__(self, x, train):
        TRACED.append(self.width)
        width = self.width if isinstance(self.width, int) else self.width[0]
        return nn.Dense(width)(x)


def kernel(shapes):
    return shapes["params"]["Dense_0"]["kernel"].shape


def test_a_network_is_traced_once_for_each_shape():
    TRACED.clear()
    first = variable_shapes(Layer(), (8, 8, 1))
    assert kernel(first) == (1, 3) and first["batch_stats"] == {}
    del first["params"]
    assert kernel(variable_shapes(Layer(), (8, 8, 1))) == (1, 3)
    assert TRACED == [3]
    assert kernel(variable_shapes(Layer(), (8, 8, 2))) == (2, 3)
    assert kernel(variable_shapes(Layer(4), (8, 8, 2))) == (2, 4)
    assert TRACED == [3, 3, 4]


def test_a_network_with_a_list_as_a_field():
    assert kernel(variable_shapes(Layer([5]), (8, 8, 1))) == (1, 5)
    assert isinstance(variable_shapes(Layer([5]), (8, 8, 1))["params"]["Dense_0"]["bias"], jax.ShapeDtypeStruct)
