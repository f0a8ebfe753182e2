import jax
import jax.numpy as jnp
import pytest

from study_classification.errors import ConfigError


def kernels(variables):
    return {name: leaf["kernel"].shape for name, leaf in variables["params"]["backbone"].items()}


# side of the last map, by hand:
# 128: 126 63 | 61 30 | 28 14 | 12 6 | 4 | 2    110: 108 54 | 52 26 | 24 12 | 10 5 | 3 | 1
# 109: 107 53 | 51 25 | 23 11 | 9    | 7 | 5     64:  62 31 | 29 14 | 12    | 10 5 | 3 | 1
#  13:  11    |  9    |  7    | 5    | 3 | 1
@pytest.mark.parametrize(("size", "last"), [(128, 2), (110, 1), (109, 5), (64, 1), (13, 1)])
def test_maps_fit_the_convolutions(size, last, make_model, shapes):
    assert kernels(shapes(make_model("original"), size, size, 3)) == {
        "conv1": (3, 3, 3, 16),
        "conv2": (3, 3, 16, 32),
        "conv3": (3, 3, 32, 64),
        "conv4": (3, 3, 64, 64),
        "conv5": (3, 3, 64, 64),
        "conv6": (3, 3, 64, 64),
        "dense1": (last * last * 64, 516),
        "dense2": (516, 256),
    }


def test_parameters_at_128_px(make_model, shapes):
    counts = [448, 4_640, 18_496, 36_928, 36_928, 36_928, 256 * 516 + 516, 516 * 256 + 256, 256 * 3 + 3]
    params = shapes(make_model("original", num_classes=3), 128, 128, 3)["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == sum(counts)


def test_too_small_a_image_is_refused_by_name(make_model):
    with pytest.raises(ConfigError, match=r"image_size is 12, .* at least 13"):
        make_model("original").init(jax.random.key(0), jnp.zeros((1, 12, 12, 3)), train=False)
