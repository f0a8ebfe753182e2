from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from study_classification.configs import default
from study_classification.errors import ConfigError
from study_classification.inputs.images import augment as augmentation
from study_classification.inputs.images import geometry
from study_classification.inputs.images.augment import Augment, augment, example_keys

EVERYTHING = Augment(
    image_size=12,
    canvas_size=16,
    random_resized_crop=True,
    horizontal_flip=True,
    rotation=30,
    shift=0.2,
    shear=10,
    zoom=0.3,
)


augment_jit = jax.jit(augment, static_argnums=3)
keys_jit = jax.jit(lambda seed, epochs, indices: example_keys(jax.random.key(seed), epochs, indices))
draw_boxes = jax.jit(jax.vmap(augmentation.draw_box, in_axes=(0, None, None, None)))
crop_jit = jax.jit(augmentation.crop_and_resize, static_argnums=3)
warp_jit = jax.jit(augmentation.warp)


def examples(count, side, channels=3):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, channels), np.uint8)


def keys_of(indices, epoch=0, seed=0):
    indices = jnp.asarray(indices, jnp.int32)
    return keys_jit(seed, jnp.full(indices.shape, epoch, jnp.int32), indices)


def run(images, a, keys=None, aspect=1.0):
    keys = keys_of(range(len(images))) if keys is None else keys
    return np.asarray(augment_jit(images, np.full(len(images), aspect, np.float32), keys, a))


def boxes(count, aspect, crop_scale, crop_ratio=(3 / 4, 4 / 3)):
    """(top, left, height, width) of `count` crops, as shares of the image's sides."""
    uniform = jax.random.uniform(jax.random.key(0), (count, 4))
    return np.concatenate(draw_boxes(uniform, jnp.float32(aspect), crop_scale, crop_ratio), 1).T


def test_with_everything_off_a_image_stays_what_it_is():
    images = examples(3, 8)
    result = run(images, Augment(image_size=8, canvas_size=8))
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, images)


def test_a_flip_is_exact_and_comes_half_of_the_time():
    images = examples(400, 4)
    result = run(images, Augment(image_size=4, canvas_size=4, horizontal_flip=True))
    flipped = (result == images[:, :, ::-1]).all((1, 2, 3))
    straight = (result == images).all((1, 2, 3))
    assert (flipped ^ straight).all()
    assert 170 <= flipped.sum() <= 230  # 3 standard deviations; the keys are fixed


def test_a_random_crop_is_a_window_of_the_mirrored_surroundings():
    row = np.array([2, 1, 0, 1, 2, 3, 2, 1])  # the columns 0..3 of an image, with 2 on either side
    images = examples(300, 4)
    windows = {
        (top, left): images[:, row[top : top + 4]][:, :, row[left : left + 4]] for top in range(5) for left in range(5)
    }
    result = run(images, Augment(image_size=4, canvas_size=4, random_crop=2))
    matches = np.stack([(result == window).all((1, 2, 3)) for window in windows.values()])
    assert (matches.sum(0) == 1).all()
    assert matches.sum(1).min() >= 3 and matches.sum(1).max() <= 25  # 12 of each expected; the keys are fixed


def test_a_random_crop_changes_nothing_else_that_is_drawn():
    images = examples(40, 6)
    images[:] = images[:, :1, :, :1]  # rows are alike, and columns differ
    plain = run(images, Augment(image_size=6, canvas_size=6, horizontal_flip=True))
    moved = run(images, Augment(image_size=6, canvas_size=6, horizontal_flip=True, random_crop=1))
    same = (plain == moved).all((1, 2, 3))
    assert 5 <= same.sum() <= 25  # a third stays where it is, and is flipped as before


def test_an_example_looks_the_same_in_every_batch_and_differs_in_every_epoch_and_seed():
    images = examples(5, 16)
    whole = run(images, EVERYTHING, keys_of([10, 11, 12, 13, 14]))
    order = np.array([4, 2, 0])
    part = run(images[order], EVERYTHING, keys_of(10 + order))
    np.testing.assert_allclose(part, whole[order], atol=1e-3)  # other batch sizes sum in another order
    for other in (
        keys_of([10, 11, 12, 13, 14], epoch=1),
        keys_of([10, 11, 12, 13, 14], seed=1),
        keys_of([11, 12, 13, 14, 15]),
    ):
        assert (np.abs(run(images, EVERYTHING, other) - whole).max((1, 2, 3)) > 10).all()


def test_keys_of_all_examples_and_epochs_are_distinct():
    keys = [keys_of(range(20), epoch, seed) for epoch in range(5) for seed in range(2)]
    assert len({tuple(row) for key in keys for row in jax.random.key_data(key).tolist()}) == 200


def test_a_crop_of_the_whole_image_is_the_antialiased_resize():
    image = jnp.asarray(examples(1, 15)[0], jnp.float32)
    for side in (8, 15, 20):
        crop = crop_jit(image, jnp.zeros(2), jnp.ones(2), side)
        np.testing.assert_allclose(crop, jax.image.resize(image, (side, side, 3), "linear"), atol=1e-3)


def test_a_crop_shows_its_box():
    # Pixel (y, x) holds 10 y + x, so at a place measured from the outer edge a bilinear image holds
    # 10 (y - 0.5) + (x - 0.5). The box begins at y = 2, x = 4 and is 4 high and 2 wide: pixels of 2 x 1.
    y, x = np.mgrid[:10, :10]
    image = jnp.asarray((10 * y + x)[..., None], jnp.float32)
    crop = crop_jit(image, jnp.array([0.2, 0.4]), jnp.array([0.4, 0.2]), 2)
    np.testing.assert_allclose(crop[..., 0], [[10 * 2.5 + 4, 10 * 2.5 + 5], [10 * 4.5 + 4, 10 * 4.5 + 5]], rtol=1e-5)
    # Far from the edges antialiasing is symmetric, so the mean is the value in the middle of the box: y = 4, x = 5.
    np.testing.assert_allclose(crop.mean(), 10 * 3.5 + 4.5, rtol=1e-5)


def test_crops_keep_to_their_area_and_proportion_and_stay_inside():
    for aspect in (0.75, 1.0, 1.3):
        top, left, height, width = boxes(2000, aspect, crop_scale=(0.1, 0.5))
        area, ratio = height * width, aspect * width / height
        assert area.min() >= 0.1 - 1e-6 and area.max() <= 0.5 + 1e-6
        assert abs(area.mean() - 0.3) < 0.01  # uniform: (0.1 + 0.5) / 2; the standard error is 0.0026
        assert ratio.min() >= 0.75 - 1e-5 and ratio.max() <= 4 / 3 + 1e-5
        assert abs(np.log(ratio).mean()) < 0.02  # log-uniform around 1
        assert min(top.min(), left.min()) >= 0
        assert max((top + height).max(), (left + width).max()) <= 1 + 1e-6
        assert np.ptp(top + height / 2) > 0.5 and np.ptp(left + width / 2) > 0.5


def test_the_area_is_limited_to_what_fits():
    # Of an image twice as wide as high, a box with the proportions 1 : 1 can cover one half at most.
    _, _, height, width = boxes(2000, 2.0, crop_scale=(0.1, 1.0), crop_ratio=(1.0, 1.0))
    np.testing.assert_allclose(2 * width / height, 1, rtol=1e-5)
    assert (height * width).max() <= 0.5 and abs((height * width).mean() - 0.3) < 0.02
    # Where not even the smallest area fits, the largest box is taken: the whole height, 1/8 of the width.
    _, left, height, width = boxes(2000, 8.0, crop_scale=(0.5, 1.0), crop_ratio=(1.0, 1.0))
    np.testing.assert_allclose(height, 1)
    np.testing.assert_allclose(width, 1 / 8, rtol=1e-5)
    assert left.min() < 0.05 and left.max() > 0.8


@pytest.mark.parametrize("aspect", [1 / 5000, 5000.0])
def test_a_crop_of_an_extremely_long_image_is_no_black_image(aspect):
    a = Augment(image_size=64, canvas_size=80, random_resized_crop=True)
    result = run(np.full((50, 80, 80, 3), 200, np.uint8), a, aspect=aspect)
    np.testing.assert_allclose(result, 200, atol=1e-3)


def affine(rotation=0.0, shear=0.0, shift=(0.0, 0.0), zoom=(1.0, 1.0), side=8):
    """Matrix and offset for these very values, by ranges and draws of +-1 that give them."""
    a = Augment(side, side, rotation=abs(rotation), shear=abs(shear), shift=1.0, zoom=0.5)
    u = [np.sign(rotation), np.sign(shear), *(s / side for s in shift), *((z - 1) / 0.5 for z in zoom)]
    return augmentation.draw_affine(jnp.array(u, jnp.float32), a.rotation, a.shift, a.shear, a.zoom, a.image_size)


def keras_matrix(theta=0.0, shear=0.0, shift=(0.0, 0.0), zoom=(1.0, 1.0), side=8):
    """The matrix of `apply_affine_transform` in keras_preprocessing 1.1.2, in homogeneous coordinates."""
    theta, shear, centre = np.deg2rad(theta), np.deg2rad(shear), side / 2 - 0.5
    parts = (
        [[1, 0, centre], [0, 1, centre]],
        [[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0]],
        [[1, 0, shift[0]], [0, 1, shift[1]]],
        [[1, -np.sin(shear), 0], [0, np.cos(shear), 0]],
        [[zoom[0], 0, 0], [0, zoom[1], 0]],
        [[1, 0, -centre], [0, 1, -centre]],
    )
    return np.linalg.multi_dot([np.array([*part, [0, 0, 1]], float) for part in parts])


@pytest.mark.parametrize(
    "values",
    [
        {"rotation": 25},
        {"rotation": -70},
        {"shear": 15},
        {"shift": (1.5, -2.25)},
        {"zoom": (0.7, 1.4)},
        {"rotation": 20, "shear": -10, "shift": (-1.0, 0.5), "zoom": (1.2, 0.6)},
    ],
)
def test_an_affine_warp_is_that_of_keras(values):
    image = examples(1, 8)[0].astype(np.float32)
    result = warp_jit(image, *affine(**values))
    if "rotation" in values:
        values = {"theta": values["rotation"], **{k: v for k, v in values.items() if k != "rotation"}}
    matrix = keras_matrix(**values)
    expected = [ndimage.affine_transform(image[..., c], matrix, order=1, mode="nearest") for c in range(3)]
    np.testing.assert_allclose(result, np.stack(expected, -1), atol=2e-2)


def test_a_quarter_turn_is_rot90():
    image = examples(1, 7)[0].astype(np.float32)
    for degrees, turns in ((90, -1), (-90, 1)):
        result = warp_jit(image, *affine(rotation=degrees, side=7))
        np.testing.assert_allclose(result, np.rot90(image, turns), atol=1e-2)


def test_a_shift_by_whole_pixels_repeats_the_edge():
    image = examples(1, 8)[0].astype(np.float32)
    result = warp_jit(image, *affine(shift=(2, -3)))
    # The result at (y, x) is the source at (y + 2, x - 3).
    expected = np.pad(image, ((0, 2), (3, 0), (0, 0)), mode="edge")[2:, :8]
    np.testing.assert_array_equal(result, expected)


def test_draws_fill_their_ranges():
    a = Augment(10, 10, rotation=20, shift=0.1, shear=5, zoom=0.25)
    uniform = jax.random.uniform(jax.random.key(0), (2000, 6), minval=-1, maxval=1)
    matrix, offset = jax.vmap(
        lambda u: augmentation.draw_affine(u, a.rotation, a.shift, a.shear, a.zoom, a.image_size)
    )(uniform)
    angle = np.rad2deg(np.arctan2(matrix[:, 1, 0], matrix[:, 0, 0]))
    zoom = np.hypot(matrix[:, 0, 0], matrix[:, 1, 0])
    for values, low, high in ((angle, -20, 20), (zoom, 0.75, 1.25)):
        slack = 0.02 * (high - low)
        assert low - 1e-4 <= values.min() < low + slack and high - slack < values.max() <= high + 1e-4
    # 0.1 x 10 pixels in each direction, turned by the rotation
    assert 1.3 < np.hypot(*offset.T).max() <= 2**0.5 + 1e-5


def test_shifts_go_both_ways():
    images = np.zeros((200, 9, 9, 1), np.uint8) + 10 * np.arange(9, dtype=np.uint8)[:, None, None]
    middle = run(images, Augment(image_size=9, canvas_size=9, shift=0.2))[:, 4, 4, 0]
    # 40, and 10 a pixel for up to 0.2 x 9 = 1.8 pixels; the standard error of the mean is 0.73
    assert 22 <= middle.min() < 25 and 55 < middle.max() <= 58 and abs(middle.mean() - 40) < 2.2


def test_everything_together_stays_within_0_and_255_and_compiles_once_for_all_epochs():
    traces = []

    @jax.jit
    def step(images, aspects, epochs, indices):
        traces.append(None)
        return augment(images, aspects, example_keys(jax.random.key(0), epochs, indices), EVERYTHING)

    images = examples(22, 16)
    images[20], images[21] = 0, 255
    aspects = np.geomspace(0.2, 5, 22, dtype=np.float32)
    for epoch in range(5):
        result = np.asarray(step(images, aspects, np.full(22, epoch, np.int32), np.arange(22, dtype=np.int32)))
        assert result.shape == (22, 12, 12, 3) and result.dtype == np.float32
        assert np.isfinite(result).all()
        assert result.min() >= -1e-3 and result.max() <= 255 + 1e-3
        np.testing.assert_allclose(result[20], 0, atol=1e-3)
        np.testing.assert_allclose(result[21], 255, atol=1e-3)
    assert len(traces) == 1


def test_one_channel():
    assert run(examples(2, 16, 1), EVERYTHING).shape == (2, 12, 12, 1)


ERASING = Augment(image_size=40, canvas_size=40, random_erasing=0.5)


def test_erasing_puts_noise_into_one_box():
    result = run(np.full((300, 40, 40, 3), 44, np.uint8), ERASING)
    changed = (result != 44).any(-1)
    rows, columns = changed.any(2), changed.any(1)
    erased = rows.any(1)
    assert 124 <= erased.sum() <= 176  # 3 standard deviations
    assert (changed == rows[:, :, None] & columns[:, None, :]).mean() > 0.999  # noise may equal the image
    height, width = rows[erased].sum(1), columns[erased].sum(1)
    area, ratio = height * width / 1600, width / height
    assert 0.01 < area.min() < 0.05 and 0.3 < area.max() < 0.42
    assert 0.28 < ratio.min() < 0.4 and 2.5 < ratio.max() < 3.7 and abs(np.log(ratio).mean()) < 0.15
    noise = result[changed]
    assert noise.min() == 0 and noise.max() == 255 and abs(noise.mean() - 127.5) < 1
    assert abs(noise.std() - 255 / np.sqrt(12)) < 1


def test_policy_colour_and_erasing_follow_the_geometry_with_keys_of_their_own(monkeypatch):
    def by(change):
        return lambda image, key, *arguments: change(image, jax.random.uniform(key))

    monkeypatch.setattr(augmentation, "apply_policy", by(lambda image, u: image + u))
    monkeypatch.setattr(augmentation, "jitter", by(lambda image, u: image * (1 + u)))
    monkeypatch.setattr(augmentation, "erase", by(lambda image, u: jnp.sqrt(image + u)))
    flip = Augment(8, 8, horizontal_flip=True)
    a = replace(flip, policy="randaugment", color_jitter=(0.4, 0.4, 0.4, 0.1), random_erasing=0.5)
    images, keys = examples(20, 8), keys_of(range(20))
    draw = jax.jit(jax.vmap(lambda key, number: jax.random.uniform(jax.random.fold_in(key, number)), in_axes=(0, None)))
    policy, color, erasing = (np.asarray(draw(keys, number))[:, None, None, None] for number in (11, 12, 13))
    expected = np.sqrt((run(images, flip, keys) + policy) * (1 + color) + erasing)
    np.testing.assert_allclose(augment(images, np.ones(20, np.float32), keys, a), expected, rtol=1e-5)


def test_growing_images_are_smaller_views_of_the_same():
    a = replace(EVERYTHING, progressive=(0.5, 0.7))
    assert [stage.image_size for stage in a.stages()] == [6, 8, 12]
    assert a.stages()[-1] == a and Augment(12, 16).stages() == (Augment(12, 16),)
    images = examples(3, 16)
    assert run(images, a.stages()[0]).shape == (3, 6, 6, 3)
    plain = Augment(16, 16, progressive=(0.5,)).stages()[0]
    np.testing.assert_allclose(run(images, plain), jax.image.resize(images * 1.0, (3, 8, 8, 3), "linear"), atol=1e-3)


def test_an_option_does_not_change_what_another_draws():
    flip = Augment(image_size=8, canvas_size=8, horizontal_flip=True)
    images = examples(50, 8)
    flipped = (run(images, flip) != images).any((1, 2, 3))
    both = run(images, Augment(image_size=8, canvas_size=8, horizontal_flip=True, shift=1e-6))
    np.testing.assert_allclose(both, np.where(flipped[:, None, None, None], images[:, :, ::-1], images), atol=1e-2)


def test_the_canvas_that_the_default_config_asks_for():
    config = default.get_config().augment
    assert Augment.from_config(config, 64) == Augment(64, 64, crop_ratio=(0.75, 4 / 3))
    config.random_resized_crop = True
    assert Augment.from_config(config, 64).canvas_size == 80
    config.canvas_size = 100
    assert Augment.from_config(config, 64).canvas_size == 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crop_scale": (0.5, 0.4)}, "augment.crop_scale"),
        ({"crop_scale": (0.0, 1.0)}, "augment.crop_scale"),
        ({"crop_scale": (0.5, 1.1)}, "augment.crop_scale"),
        ({"crop_scale": (0.5,)}, "augment.crop_scale"),
        ({"crop_ratio": (2.0, 1.0)}, "augment.crop_ratio"),
        ({"crop_ratio": (0.0, 1.0)}, "augment.crop_ratio"),
        ({"random_resized_crop": True, "canvas_size": 63}, "augment.canvas_size"),
        ({"rotation": -1.0}, "augment.rotation"),
        ({"rotation": 181.0}, "augment.rotation"),
        ({"shift": 1.5}, "augment.shift"),
        ({"shear": 90.0}, "augment.shear"),
        ({"zoom": 1.0}, "augment.zoom"),
        ({"zoom": float("nan")}, "augment.zoom"),
        ({"policy": "randaugmnt"}, "augment.policy is 'randaugmnt': did you mean randaugment?"),
        ({"randaugment": (0, 9)}, "augment.randaugment"),
        ({"randaugment": (2, 31)}, "augment.randaugment"),
        ({"color_jitter": (0.4, 0.4, 0.4, 0.6)}, "augment.color_jitter"),
        ({"color_jitter": (0.4, 0.4, 0.4)}, "augment.color_jitter"),
        ({"random_erasing": 1.5}, "augment.random_erasing"),
        ({"random_crop": -1}, "augment.random_crop"),
        ({"random_crop": 64}, "augment.random_crop"),
        ({"mixup": -0.2}, "augment.mixup"),
        ({"cutmix": float("inf")}, "augment.cutmix"),
        ({"progressive": (0.0, 0.5)}, "augment.progressive"),
        ({"progressive": (1.5,)}, "augment.progressive"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused_by_the_name_of_the_field(changes, message):
    config = default.get_config().augment
    config.update(changes)
    with pytest.raises(ConfigError, match=message):
        Augment.from_config(config, 64)


def test_erasing_has_the_proportions_of_the_paper_and_its_probability():
    np.testing.assert_allclose(geometry._ERASED_RATIO, (0.3, 10 / 3))
    assert geometry._ERASED_AREA == (0.02, 0.4)
    image = jnp.full((16, 16, 1), -1.0)  # noise is 0 or more
    for number in range(5):
        key = jax.random.key(number)
        assert (geometry.erase(image, key, 1.0) >= 0).any()
        assert not (geometry.erase(image, key, 0.0) >= 0).any()


@pytest.mark.parametrize(("image_size", "canvas_size"), [(32, 40), (31, 39), (224, 280)])
def test_the_canvas_has_a_quarter_more_rounded(image_size, canvas_size):
    config = default.get_config().augment
    assert Augment.from_config(config, image_size).canvas_size == image_size
    config.random_resized_crop = True
    assert Augment.from_config(config, image_size).canvas_size == canvas_size
    config.canvas_size = 300
    assert Augment.from_config(config, image_size).canvas_size == 300
