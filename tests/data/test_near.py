import io

import numpy as np
import pytest
from picture_helpers import photo
from PIL import Image, ImageFilter

from study_classification.data import near
from study_classification.data.near import dhash, joined, look_of, near_pairs


def compressed(image):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=20)
    return Image.open(out)


def test_a_bit_says_whether_it_is_lighter_to_the_right():
    levels = np.tile(np.arange(9, dtype=np.uint8) * 20, (8, 1))  # of the size of the hash: nothing is resized
    levels[1] = levels[1][::-1]
    levels[2, 1] = 0  # 0 0 40 ...: equal is not lighter
    assert dhash(Image.fromarray(levels)).tolist() == [255, 0, 127, 255, 255, 255, 255, 255]


@pytest.mark.parametrize(
    "copy",
    [compressed, lambda image: image.resize((80, 64)), lambda image: image.filter(ImageFilter.GaussianBlur(2))],
    ids=["recompressed", "halved", "blurred"],
)
def test_copies_look_alike_and_others_do_not(copy):
    images = [photo(seed) for seed in range(40)]
    looks = [look_of(image) for image in images] + [look_of(copy(images[7]))]
    assert near_pairs(looks).tolist() == [[7, 40]]


def test_crops_and_mirror_images_escape():
    image = photo(0)
    others = image.crop((20, 20, 150, 120)), image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert len(near_pairs([look_of(each) for each in (image, *others)])) == 0


def test_equal_hashes_with_other_grey_levels_are_chance():
    bits, grey = "0f" * 8, np.arange(64, dtype=np.uint8).tobytes().hex()
    turned = np.arange(64, dtype=np.uint8)[::-1].tobytes().hex()
    assert near_pairs([bits + grey, bits + turned, bits + grey]).tolist() == [[0, 2]]


def test_six_bits_are_near_and_seven_are_not(monkeypatch):
    grey = np.arange(64, dtype=np.uint8).tobytes().hex()
    looks = ["00" * 7 + last + grey for last in ("00", "3f", "7f")]  # 6, 7 and 1 bits apart
    assert near_pairs(looks).tolist() == [[0, 1], [1, 2]]
    monkeypatch.setattr(near, "BLOCK", 1)  # row by row
    assert near_pairs(looks).tolist() == [[0, 1], [1, 2]]
    assert near_pairs([]).tolist() == []


def test_tiny_images_and_those_of_one_shade_have_no_look():
    assert look_of(photo(0).resize((40, 31))) == ""
    assert len(look_of(photo(0).resize((40, 32)))) == 144
    two = Image.new("L", (64, 64), 9)
    for shade, length in ((16, 0), (17, 144)):  # 8 levels apart
        two.paste(shade, (0, 0, 32, 64))
        assert len(look_of(two)) == length
    assert look_of(Image.new("RGB", (64, 64), (9, 9, 9))) == ""
    assert len(look_of(photo(0))) == 144


def test_chains_belong_together():
    assert joined(5, np.array([[0, 3], [3, 4]])).tolist() == [0, 1, 2, 0, 0]
    assert joined(2, np.empty((0, 2), np.int64)).tolist() == [0, 1]
