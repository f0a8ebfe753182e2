"""Every operation against Pillow, as torchvision calls it; magnitudes and draws against torchvision's tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageEnhance, ImageOps

from study_classification.inputs.images import policies
from study_classification.inputs.images.policies import (
    AUTOAUGMENT,
    OPERATIONS,
    apply_operation,
    apply_policy,
    magnitude_of,
)

SIDE = 32
RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
# Smooth, dark, and with few levels in the last channel: what contrast and equalisation are for.
DIM = np.stack(
    [40 + 3 * np.mgrid[:SIDE, :SIDE][0], 200 - 2 * np.mgrid[:SIDE, :SIDE][1], NOISE[..., 0] // 90 * 53 + 7], -1
)
PICTURES = {"noise": NOISE, "dim": DIM.astype(np.uint8), "flat": np.full((SIDE, SIDE, 3), (3, 99, 255), np.uint8)}


def moved(image, *matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST)


# What torchvision 0.28 asks Pillow for. Its shear by atan(m) about the corner is the matrix of slope m.
PILLOW = {
    "Identity": lambda image, m: image,
    "ShearX": lambda image, m: moved(image, 1, m, 0, 0, 1, 0),
    "ShearY": lambda image, m: moved(image, 1, 0, 0, m, 1, 0),
    "TranslateX": lambda image, m: moved(image, 1, 0, -int(m * SIDE), 0, 1, 0),
    "TranslateY": lambda image, m: moved(image, 1, 0, 0, 0, 1, -int(m * SIDE)),
    "Rotate": lambda image, m: image.rotate(m, Image.Resampling.NEAREST),
    "Brightness": lambda image, m: ImageEnhance.Brightness(image).enhance(1 + m),
    "Color": lambda image, m: ImageEnhance.Color(image).enhance(1 + m),
    "Contrast": lambda image, m: ImageEnhance.Contrast(image).enhance(1 + m),
    "Sharpness": lambda image, m: ImageEnhance.Sharpness(image).enhance(1 + m),
    "Posterize": lambda image, m: ImageOps.posterize(image, int(m)),
    "Solarize": lambda image, m: ImageOps.solarize(image, m),
    "AutoContrast": lambda image, m: ImageOps.autocontrast(image),
    "Equalize": lambda image, m: ImageOps.equalize(image),
    "Invert": lambda image, m: ImageChops.invert(image),
}
MAGNITUDES = {
    **dict.fromkeys(("ShearX", "ShearY"), (0.3, -0.1)),
    **dict.fromkeys(("TranslateX", "TranslateY"), (0.4, -0.13)),
    "Rotate": (30.0, -7.3),
    **dict.fromkeys(("Brightness", "Color", "Contrast", "Sharpness"), (0.9, -0.9, 0.27)),
    "Posterize": (8, 6, 4),
    "Solarize": (255, 178.5, 0.0),
}
# As a batch, as on an accelerator; on a CPU a policy takes one image after the other.
apply_jit = jax.jit(jax.vmap(apply_operation, in_axes=(0, None, None)))
policy_jit = jax.jit(jax.vmap(apply_policy, in_axes=(0, 0, None, None)), static_argnums=(2, 3))


@pytest.mark.parametrize(("name", "magnitude"), [(n, m) for n in OPERATIONS for m in MAGNITUDES.get(n, (0.0,))])
@pytest.mark.parametrize("channels", [3, 1])
def test_what_pillow_makes_of_it(name, magnitude, channels):
    images = np.stack(list(PICTURES.values()))[..., :channels]
    results = np.asarray(apply_jit(images.astype(np.float32), OPERATIONS.index(name), magnitude))
    for image, result in zip(images, results, strict=True):
        expected = np.asarray(PILLOW[name](Image.fromarray(image.squeeze()), magnitude)).reshape(image.shape)
        assert result.dtype == np.float32
        differences = np.abs(result - expected)
        if name in ("ShearX", "ShearY", "Rotate"):
            assert (differences > 0).mean() < 0.005  # places half-way between two pixels
        elif name in ("Brightness", "Color", "Contrast", "Sharpness", "AutoContrast"):
            assert differences.max() <= 1 and (differences > 0).mean() < 0.04  # what is cut off at a whole number
        else:
            np.testing.assert_array_equal(result, expected)


def test_magnitudes_are_those_of_torchvision():
    # torchvision 0.28, RandAugment with its default level 9 of 31, at 331 pixels
    expected = {
        **dict.fromkeys(("ShearX", "ShearY"), 0.09),
        **dict.fromkeys(("TranslateX", "TranslateY"), 45 / 331),
        "Rotate": 9.0,
        **dict.fromkeys(("Brightness", "Color", "Contrast", "Sharpness"), 0.27),
        "Posterize": 7,
        "Solarize": 178.5,
    }
    for name in OPERATIONS:
        assert magnitude_of(name, 9, 31) == pytest.approx(expected.get(name, 0.0))
    # AutoAugment's ten levels
    assert [magnitude_of("Posterize", level, 10) for level in range(10)] == [8, 8, 7, 7, 6, 6, 5, 5, 4, 4]
    assert [magnitude_of("Solarize", level, 10) for level in (0, 3, 9)] == pytest.approx([255, 170, 0])
    assert magnitude_of("Rotate", 9, 10) == 30


def test_the_tables_are_complete():
    for table in AUTOAUGMENT.values():
        assert len(table) == 25
        for name, probability, level in (step for pair in table for step in pair):
            assert name in OPERATIONS[1:] and 0 <= probability <= 1
            assert (level is None) == (name in ("AutoContrast", "Equalize", "Invert"))


def draws(draw, count, *arguments):
    keys = jax.random.split(jax.random.key(0), count)
    return [np.asarray(drawn) for drawn in jax.jit(jax.vmap(lambda key: draw(key, *arguments)))(keys)]


def test_randaugment_draws_fourteen_operations_alike_and_half_of_the_signs():
    operation, magnitude = draws(policies._draw_randaugment, 3000, 2, 9)
    assert operation.shape == magnitude.shape == (3000, 2)
    counts = np.bincount(operation.ravel(), minlength=15)
    assert counts[14] == 0 and np.abs(counts[:14] - 6000 / 14).max() < 3.5 * np.sqrt(6000 / 14)
    for index, name in enumerate(OPERATIONS[:14]):
        found = magnitude[operation == index]
        size = magnitude_of(name, 9, 31)
        np.testing.assert_allclose(np.abs(found), size, rtol=1e-6)
        signed = 1 <= index <= 9
        assert abs((found < 0).mean() - 0.5 * signed) < 0.09 * signed + 1e-9


def test_autoaugment_draws_its_pairs_with_their_probabilities():
    for policy, table in AUTOAUGMENT.items():
        operation, magnitude = draws(policies._draw_autoaugment, 5000, policy)
        expected = np.zeros((2, 15))
        for pair in table:
            for place, (name, probability, _) in enumerate(pair):
                expected[place, OPERATIONS.index(name)] += probability / 25
                expected[place, 0] += (1 - probability) / 25
        for place in (0, 1):
            shares = np.bincount(operation[:, place], minlength=15) / 5000
            np.testing.assert_allclose(shares, expected[place], atol=3.5 * 0.5 / np.sqrt(5000))
            assert (shares[expected[place] == 0] == 0).all()
        known = {
            (OPERATIONS.index(name), round(magnitude_of(name, level or 0, 10), 4))
            for pair in table
            for name, _, level in pair
        }
        found = zip(operation.ravel().tolist(), np.abs(magnitude).ravel().round(4).tolist(), strict=True)
        assert {(index, round(size, 4)) for index, size in found if index} <= known


def test_a_policy_is_its_operations_one_after_the_other():
    images = np.repeat(PICTURES["dim"][None], 64, 0) + np.float32(0.3)
    result = policy_jit(images, jax.random.split(jax.random.key(0), 64), "randaugment", (2, 30))
    for image, drawn, found in zip(
        images, zip(*draws(policies._draw_randaugment, 64, 2, 30), strict=True), result, strict=True
    ):
        expected = Image.fromarray(np.round(image).astype(np.uint8))
        for index, magnitude in zip(*drawn, strict=True):
            expected = PILLOW[OPERATIONS[int(index)]](expected, float(magnitude))
        differences = np.abs(np.asarray(found) - np.asarray(expected))
        assert (differences > 1).mean() < 0.02


@pytest.mark.parametrize(
    ("policy", "channels"), [("randaugment", 3), ("autoaugment_imagenet", 1), ("autoaugment_cifar10", 3)]
)
def test_results_are_whole_numbers_from_0_to_255(policy, channels):
    keys = jax.random.split(jax.random.key(0), 64)
    images = jnp.repeat(jnp.asarray(NOISE[None, ..., :channels], jnp.float32), 64, 0)
    result = np.asarray(policy_jit(images, keys, policy, (2, 30)))
    assert result.min() >= 0 and result.max() <= 255
    np.testing.assert_array_equal(result, np.round(result))
    assert len({image.tobytes() for image in result}) > 15
