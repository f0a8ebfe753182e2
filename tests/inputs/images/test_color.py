"""Colour changes against Pillow's enhancers, Python's colorsys, and ranges worked out by hand."""

import colorsys

import jax
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from study_classification.inputs.images import color

PICTURE = np.random.default_rng(0).integers(0, 256, (13, 13, 3), np.uint8)
ENHANCERS = {"brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast, "saturation": ImageEnhance.Color}


@pytest.mark.parametrize("name", ENHANCERS)
@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
@pytest.mark.parametrize("channels", [3, 1])
def test_what_pillow_makes_of_it(name, factor, channels):
    image = PICTURE[..., :channels]
    expected = np.asarray(ENHANCERS[name](Image.fromarray(image.squeeze())).enhance(factor)).reshape(image.shape)
    result = np.asarray(jax.jit(getattr(color, name))(image.astype(np.float32), factor))
    # Pillow rounds the grey image and its mean, and cuts the result off: up to 2 levels of 255.
    assert np.abs(result - expected - 0.5).max() <= 1.5


@pytest.mark.parametrize("turn", [-0.5, -0.1, 0.0, 0.3])
def test_the_hue_turns_as_in_colorsys(turn):
    image = np.concatenate(
        [PICTURE, np.array([[[0, 0, 0], [255, 255, 255], [9, 9, 9], [255, 0, 0]] + [[7, 7, 3]] * 9])]
    )

    def turned(rgb):
        hue, saturation, value = colorsys.rgb_to_hsv(*rgb / 255)
        return 255 * np.array(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value))

    result = jax.jit(color.turn_hue)(image.astype(np.float32), turn)
    np.testing.assert_allclose(result, np.apply_along_axis(turned, -1, image), atol=1e-3)


def test_a_third_of_a_turn_makes_red_green():
    red = np.full((2, 2, 3), (200, 50, 50), np.float32)
    np.testing.assert_allclose(color.turn_hue(red, 1 / 3), np.full((2, 2, 3), (50, 200, 50)), atol=1e-3)


@pytest.mark.parametrize(("strength", "least", "most"), [(0.4, 0.6, 1.4), (2.0, 0.0, 3.0)])
def test_factors_are_uniform_between_their_bounds(strength, least, most):
    keys = jax.random.split(jax.random.key(0), 1000)
    jitter = jax.jit(jax.vmap(lambda key: color.jitter(np.full((1, 1, 3), 50.0), key, (strength, 0.0, 0.0, 0.0))))
    factors = np.asarray(jitter(keys))[:, 0, 0, 0] / 50
    assert least <= factors.min() < least + 0.02 and most - 0.02 < factors.max() <= most
    assert abs(factors.mean() - (least + most) / 2) < 3 * (most - least) / np.sqrt(12 * 1000)


def test_the_order_is_brightness_contrast_saturation_hue():
    key, image = jax.random.key(3), np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.float32)
    u = np.asarray(jax.random.uniform(key, (4,)))
    jitter = jax.jit(jax.vmap(color.jitter, in_axes=(0, None, None)), static_argnums=2)
    result = jitter(image[None], key, (0.4, 0.5, 0.6, 0.1))[0]
    for change, factor in zip(
        (color.brightness, color.contrast, color.saturation),
        1 + np.array([0.4, 0.5, 0.6]) * (2 * u[:3] - 1),
        strict=True,
    ):
        image = change(image, factor)
    np.testing.assert_allclose(result, color.turn_hue(image, 0.1 * (2 * u[3] - 1)), atol=1e-3)


def test_grey_images_keep_their_hue_and_stay_within_bounds():
    grey = PICTURE[..., :1].astype(np.float32)
    np.testing.assert_array_equal(color.jitter(grey, jax.random.key(0), (0.0, 0.0, 1.0, 0.5)), grey)
    result = np.asarray(color.jitter(PICTURE.astype(np.float32), jax.random.key(0), (1.0, 1.0, 1.0, 0.5)))
    assert result.min() >= -1e-3 and result.max() <= 255 + 1e-3


def test_without_contrast_a_image_has_the_grey_of_its_luma():
    red = np.full((2, 2, 3), (200, 0, 0), np.float32)
    np.testing.assert_allclose(color.contrast(red, 0.0), np.full((2, 2, 3), 59.8), atol=1e-3)  # 0.299 x 200
