import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.errors import ConfigError
from study_classification.models.squeezenet import SqueezeNetHead, max_pool


def test_published_parameters(make_model, shapes):
    params = shapes(make_model("squeezenet1_1", num_classes=1000), 32, 32, 3)["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 1_235_496


# sides by hand, of conv1 and behind each pool; rounding pools down would give 13 for all of the last three
# 224: 111 55 27 13    225, 226: 112 56 28 14    227: 113 56 28 14    17: 8 4 2 1
@pytest.mark.parametrize(("size", "last"), [(17, 1), (224, 13), (225, 14), (226, 14), (227, 14)])
def test_side_of_the_map(size, last, make_model):
    model = make_model("squeezenet1_1")
    init = jax.eval_shape(
        lambda: model.init_with_output(jax.random.key(0), jnp.zeros((1, size, size, 3)), False, method="features")
    )
    assert init[0].shape == (1, last, last, 512)


def test_pool_keeps_a_last_window_that_sticks_out():
    assert max_pool(-jnp.arange(1.0, 17).reshape(1, 4, 4, 1)).ravel().tolist() == [-1, -3, -9, -11]
    assert max_pool(jnp.arange(25.0).reshape(1, 5, 5, 1)).ravel().tolist() == [12, 14, 22, 24]


def test_head_averages_after_relu():
    params = {"classifier": {"kernel": jnp.ones((1, 1, 1, 1)), "bias": jnp.zeros(1)}}
    logits = SqueezeNetHead(1).apply({"params": params}, jnp.array([3.0, -1]).reshape(1, 1, 2, 1), train=False)
    np.testing.assert_array_equal(logits, [[1.5]])


def test_too_small_a_image_is_refused_by_name(make_model, shapes):
    with pytest.raises(ConfigError, match=r"image_size is 16, .* at least 17"):
        shapes(make_model("squeezenet1_1"), 16, 16, 3)
