"""Networks whose answer is known by construction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from study_classification import create_model
from study_classification.inference import attribution
from study_classification.inference.attribution import (
    class_scores,
    grad_cam,
    gradient_input,
    integrated_gradients,
    occlusion,
    patches,
)
from study_classification.tasks.regression import Regression
from study_classification.tasks.sigmoid import Sigmoid
from study_classification.tasks.softmax import Softmax

X = jnp.array([[1.0, -2.0], [3.0, 0.5]])[..., None]  # an image of 2 x 2, of one channel
W = jnp.array([[[2.0, 1.0], [-1.0, 4.0]], [[0.0, 1.0], [1.0, -3.0]]])[..., None]  # of two classes


def linear(x):
    return jnp.einsum("bhwc,khwc->bk", x, W) + jnp.array([10.0, 20.0])


BOTH = jnp.array([0, 1])


def test_gradient_input_of_a_linear_network():
    np.testing.assert_allclose(gradient_input(linear, X, BOTH), W * X)
    np.testing.assert_allclose(gradient_input(linear, X, BOTH[1:]), (W * X)[1:])


def test_integrated_gradients_of_a_linear_network():
    baseline = jnp.full_like(X, 0.5)
    np.testing.assert_allclose(integrated_gradients(linear, X, baseline, BOTH), W * (X - baseline), rtol=1e-5)


def test_integrated_gradients_of_a_product():
    """Of x y between (0, 0) and (a, b) both parts are a b / 2, by symmetry."""
    found = integrated_gradients(lambda x: x[:, :1] * x[:, 1:], jnp.array([3.0, 4.0]), jnp.zeros(2), jnp.array([0]))
    np.testing.assert_allclose(found, [[6, 6]], rtol=1e-5)


def test_integrated_gradients_add_up(monkeypatch):
    """As far as the steps give the integral: a network with ReLU has many corners on the way."""
    monkeypatch.setattr(attribution, "STEPS", 32)  # of so small a network they are enough
    model = create_model("original", 3)
    black = jnp.full((13, 13, 1), -2.0)
    x = black + jax.random.uniform(jax.random.key(1), (13, 13, 1))
    variables = jax.jit(lambda x: model.init(jax.random.key(0), x, train=False))(x[None])
    scores = jax.jit(lambda x: model.apply(variables, x, train=False))
    found = jax.jit(lambda x: integrated_gradients(scores, x, black, jnp.array([0, 2])).sum((1, 2, 3)))(x)
    rise = (scores(x[None]) - scores(black[None]))[0, jnp.array([0, 2])]
    assert np.abs(rise).min() > 0.05
    np.testing.assert_allclose(found, rise, rtol=0.02)


def test_grad_cam_is_the_relu_of_the_weighted_maps():
    """Two maps, averaged and then weighted: their weights are w / places."""
    maps = jnp.array([[[1.0, 2.0], [0.0, 5.0]], [[3.0, -1.0], [1.0, 1.0]]])  # [h, w, c]
    weights = jnp.array([[1.0, -2.0], [4.0, 1.0]])  # [c, classes]
    found = grad_cam(lambda x: maps[None], lambda maps: maps.mean((1, 2)) @ weights, X, BOTH)
    np.testing.assert_allclose(found[0], np.maximum(maps[..., 0] + 4 * maps[..., 1], 0) / 4)
    np.testing.assert_allclose(found[1], np.maximum(-2 * maps[..., 0] + maps[..., 1], 0) / 4)
    assert (found[1] == 0).any()


def test_occlusion_of_a_linear_network():
    """A patch of a pixel takes away what the pixel adds."""
    np.testing.assert_allclose(occlusion(linear, X, BOTH), (W * X)[..., 0], atol=1e-5)


def test_occlusion_is_the_mean_over_patches():
    image = jnp.ones((14, 14, 1))
    found = occlusion(lambda x: x[:, 3:4, 5, 0], image, jnp.array([0]))[0]
    assert found.max() == found[3, 5] == 1  # every patch that covers the pixel takes the score
    assert found[3, 4] == found[2, 5] == 0.5 and found[10, 10] == 0  # of patches 2 x 2 half cover both


@pytest.mark.parametrize(("height", "width", "side"), [(14, 14, 2), (15, 29, 2), (3, 3, 1), (56, 60, 8)])
def test_patches_cover_everything(height, width, side):
    masks = patches(height, width)
    assert masks.sum((1, 2)).tolist() == [side * side] * len(masks) and masks.any(0).all()
    assert len(np.unique(masks.reshape(len(masks), -1), axis=0)) == len(masks)


def test_scores():
    outputs = jnp.array([[3.0], [-40.0]])
    np.testing.assert_allclose(class_scores(Sigmoid(2, positive=0), outputs), [[3, -3], [-40, 40]], rtol=1e-6)
    np.testing.assert_allclose(class_scores(Sigmoid(2, positive=1), outputs), [[-3, 3], [40, -40]], rtol=1e-6)
    np.testing.assert_allclose(class_scores(Regression(mean=10, std=2), outputs), [[16], [-70]])
    logits = jnp.array([[1.0, 2.0, 5.0]])
    np.testing.assert_allclose(class_scores(Softmax(3), logits), logits)
