import importlib.util
import json
from dataclasses import replace

import jax
import numpy as np
import pytest
from PIL import Image

from study_classification.configs import default
from study_classification.errors import ConfigError, RunError
from study_classification.inputs.images import reader
from study_classification.inputs.images.preprocess import (
    INTERPOLATIONS,
    Preprocess,
    eval_view,
    normalize,
    training_canvas,
)

P = Preprocess(image_size=4, resize_size=6, interpolation="bilinear", channels=3, mean=(0.5,) * 3, std=(0.25,) * 3)


def ramp(width, height):
    """Red grows to the right, green downwards: 0..255 each."""
    x, y = np.linspace(0, 255, width), np.linspace(0, 255, height)
    red, green = np.broadcast_to(x, (height, width)), np.broadcast_to(y[:, None], (height, width))
    return Image.fromarray(np.stack([red, green, np.full((height, width), 7)], -1).astype(np.uint8))


def test_the_resize_is_pillows_and_torchvisions_bit_for_bit(shared):
    spec = importlib.util.spec_from_file_location("recipe", shared / "golden" / "recipe.py")
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    square, landscape, portrait = (recipe.image_uint8(200)[0], *recipe.image_uint8(300))
    sources = {
        "square": square,
        "landscape": landscape[:230],
        "portrait": portrait[:, :211],
        "noise": recipe.noise_uint8(64),
    }
    operations = json.loads((shared / "golden" / "imageops.json").read_text(encoding="utf-8"))["ops"]
    with np.load(shared / "golden" / "imageops.npz") as golden:
        for op in operations:
            size, margin = (op["crop"], op["short_side"]) if "crop" in op else (op["output"][0], op["output"][0])
            p = replace(P, image_size=size, resize_size=margin, interpolation=op["method"])
            np.testing.assert_array_equal(
                eval_view(Image.fromarray(sources[op["source"]]), p), golden[op["key"]], err_msg=op["key"]
            )
    assert len(operations) == 19


def test_the_long_side_is_truncated_and_half_a_pixel_goes_to_the_even_side():
    # 7 x 10 -> 6 x int(60 / 7) = 6 x 8; the crop of 4 begins at 2 and 1
    image = ramp(7, 10)
    expected = np.asarray(image.resize((6, 8), Image.Resampling.BILINEAR))[2:6, 1:5]
    np.testing.assert_array_equal(eval_view(image, P), expected)
    # 6 x 7 -> the same; (7 - 4) / 2 = 1.5 rounds to 2
    image = ramp(6, 7)
    np.testing.assert_array_equal(eval_view(image, P), np.asarray(image)[2:6, 1:5])


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (3, 70), (1, 1)])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_no_proportion_is_too_extreme(size, interpolation):
    p = replace(P, image_size=224, resize_size=256, interpolation=interpolation)
    assert eval_view(Image.new("RGB", size), p).shape == (224, 224, 3)


@pytest.mark.parametrize("size", [(20, 200), (201, 20), (21, 190), (2, 21)])
def test_cutting_off_the_ends_of_a_long_image_leaves_the_middle_where_it_was(size):
    image = ramp(*size)
    p = replace(P, image_size=16, resize_size=16)
    whole = image.resize([int(16 * side / min(size)) for side in size], Image.Resampling.BILINEAR)
    left, top = (round((side - 16) / 2) for side in whole.size)
    expected = np.asarray(whole.crop((left, top, left + 16, top + 16)), int)
    assert np.abs(eval_view(image, p) - expected).max() <= 1


def test_one_channel_is_luminance():
    colours = Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]] * 4, np.uint8))
    p = replace(P, resize_size=4, channels=1, mean=(0.5,), std=(0.25,))
    view = eval_view(colours, p)
    assert view.shape == (4, 4, 1) and view.dtype == np.uint8
    assert view[0, :, 0].tolist() == [76, 150, 29, 90]  # ITU-R 601-2: 0.299, 0.587, 0.114
    canvas, _ = training_canvas(colours, 4, 1, "bilinear")
    np.testing.assert_array_equal(canvas, view)


def test_the_training_canvas_is_the_whole_image_and_its_proportion():
    image = ramp(30, 20)
    canvas, aspect = training_canvas(image, 10, 3, "box")
    assert canvas.shape == (10, 10, 3) and canvas.dtype == np.uint8
    assert aspect == 1.5 and aspect.dtype == np.float32
    blocks = np.asarray(image, float).reshape(10, 2, 10, 3, 3).mean((1, 3))  # a box is 3 wide and 2 high
    assert np.abs(canvas - blocks).max() <= 1


def test_normalize_by_hand():
    p = replace(P, mean=(0.5, 0.0, 0.2), std=(0.25, 1.0, 0.1))
    images = np.array([0, 51, 255], np.uint8).reshape(3, 1, 1, 1).repeat(3, -1)
    result = jax.jit(normalize, static_argnums=1)(images, p)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[:, 0, 0], [[-2, 0, -2], [-1.2, 0.2, 0], [2, 1, 8]], atol=1e-6)


def test_a_config_without_margin_and_with_one_mean_for_all():
    config = default.get_config().preprocess
    assert Preprocess.from_config(config) == Preprocess(64, 64, "bilinear", 3, (0.5,) * 3, (0.25,) * 3)
    config.mean = (0.1,)
    config.resize_size = 72
    assert Preprocess.from_config(config) == Preprocess(64, 72, "bilinear", 3, (0.1,) * 3, (0.25,) * 3)
    config.channels = 1  # three equal values serve grey images as well
    assert Preprocess.from_config(config) == Preprocess(64, 72, "bilinear", 1, (0.1,), (0.25,))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": -1}, "preprocess.image_size is -1"),
        ({"resize_size": 63}, r"preprocess.resize_size \(63\) is smaller than image_size \(64\)"),
        ({"interpolation": "bilinaer"}, "preprocess.interpolation 'bilinaer' is unknown: did you mean bilinear"),
        ({"channels": 4}, "preprocess.channels is 4"),
        ({"mean": (0.1, 0.2)}, "preprocess.mean"),
        ({"mean": (0.1, 0.1)}, "preprocess.mean"),
        ({"channels": 1, "mean": (0.1, 0.2, 0.3)}, "preprocess.mean"),
        ({"std": (0.1, 0.2, 0.0)}, "preprocess.std"),
        ({"std": (-0.1,)}, "preprocess.std"),
        ({"mean": (float("nan"),)}, "preprocess.mean"),
        ({"mean": ("a",)}, "preprocess.mean"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused_by_the_name_of_the_field(changes, message):
    config = default.get_config().preprocess
    config.update(changes)
    with pytest.raises(ConfigError, match=message):
        Preprocess.from_config(config)


def test_json_there_and_back():
    assert Preprocess.from_json(json.loads(json.dumps(P.to_json()))) == P


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": "4"},
        {"image_size": 4.0},
        {"mean": [0.5]},
        {"mean": None},
        {"mean": ["a", "b", "c"]},
        {"mean": 0.5},
        {"std": [0, 1, 1]},
        {"extra": 1},
        {"interpolation": "area"},
        {"channels": True},
    ],
)
def test_a_preprocess_file_of_another_kind_is_refused(change):
    with pytest.raises(RunError, match=r"preprocess\.json"):
        Preprocess.from_json(P.to_json() | change)


def test_a_preprocess_file_with_a_field_less_is_refused():
    values = P.to_json()
    del values["std"]
    with pytest.raises(RunError, match=r"preprocess\.json.*std"):
        Preprocess.from_json(values)


def test_sizes_of_0_are_chosen_and_weights_bring_the_rest():
    config = default.get_config().preprocess
    assert (Preprocess.from_config(config).image_size, Preprocess.from_config(config).resize_size) == (64, 64)
    weights = Preprocess(224, 256, "bicubic", 3, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert Preprocess.from_config(config, weights) == weights
    config.image_size = 112
    assert Preprocess.from_config(config, weights) == replace(weights, image_size=112, resize_size=128)
    for image_size, resize_size in ((160, 183), (128, 146)):  # 182.9 and 146.3: the nearest
        config.image_size = image_size
        assert Preprocess.from_config(config, weights) == replace(
            weights, image_size=image_size, resize_size=resize_size
        )


def test_the_margin_of_weights_is_rounded():
    config = default.get_config().preprocess
    config.image_size, config.resize_size = 100, 0
    weights = replace(P, image_size=224, resize_size=235)
    assert Preprocess.from_config(config, weights).resize_size == 105  # 104.9


def test_a_crop_in_the_middle_of_halves_begins_at_the_even_pixel():
    columns = np.broadcast_to(np.arange(6, dtype=np.uint8)[:, None], (6, 6, 3))
    view = eval_view(Image.fromarray(np.ascontiguousarray(columns)), replace(P, image_size=3))
    assert view[0, :, 0].tolist() == [2, 3, 4]  # 1.5 is rounded to 2, as torchvision does


def test_a_canvas_holds_only_the_box():
    image = np.zeros((4, 8, 3), np.uint8)
    image[:, 4:] = 200
    canvas, aspect = training_canvas(Image.fromarray(image), 4, 3, "box", (4, 0, 8, 4))
    assert (canvas == 200).all()
    assert aspect == 1


def test_an_image_is_decoded_as_large_as_its_resize_needs_it(monkeypatch):
    sizes = []
    monkeypatch.setattr(reader, "decode_scaled", lambda data, side, **_: (sizes.append(side), (ramp(9, 9), None))[1])
    assert reader.ImageReader(P, 89.0).read(b"")[0].shape == (4, 4, 3)
    assert reader.ImageReader(P, 89.0, 5).read(b"")[0].shape == (5, 5, 3)
    assert sizes == [6, 5]  # the margin is part of it


def test_only_the_box_of_an_image_that_was_decoded_smaller_is_seen(monkeypatch):
    image, box = ramp(9, 9), (0, 0, 8.5, 8.5)
    monkeypatch.setattr(reader, "decode_scaled", lambda data, side, **_: (image, box))
    np.testing.assert_array_equal(reader.ImageReader(P, 89.0).read(b"")[0], eval_view(image, P, box))
    assert (eval_view(image, P, box) != eval_view(image, P)).any()
