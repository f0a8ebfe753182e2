import os

import numpy as np
import pytest
from PIL import Image

from study_classification.errors import DataError
from study_classification.inference.given_images import read_given
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader


def reader_of(channels):
    return ImageReader(Preprocess(4, 4, "bilinear", channels, (0.5,) * channels, (0.25,) * channels), 89.0)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_rgb_serve_networks_of_both(channels, tmp_path):
    grey = np.arange(16, dtype=np.uint8).reshape(4, 4) * 16
    Image.fromarray(grey).save(tmp_path / "grey.png")
    images = [grey, grey[..., None], np.stack([grey] * 3, -1), Image.fromarray(grey), tmp_path / "grey.png"]
    for found in read_given(images, reader_of(channels), workers=2):
        np.testing.assert_array_equal(found, np.stack([grey] * channels, -1))


def test_images_are_read_a_little_ahead_of_their_use():
    asked = []

    def endless():
        while True:
            asked.append(1)
            yield np.zeros((5, 5), np.uint8)

    found = read_given(endless(), reader_of(3), workers=1)
    for _ in range(20):
        next(found)
    assert len(asked) < 50


def test_a_path_may_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    assert len(list(read_given(["~/a.png"], reader_of(3), workers=1))) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pipe.png", "it is a pipe, not a file"),
        ("absent.png", "it does not exist"),
        (".", "it is a folder, not a file"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, reason):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match=f"cannot be read: {reason}"):
        list(read_given(tmp_path / name, reader_of(3), workers=1))


def test_an_error_comes_at_its_place():
    found = read_given([np.zeros((5, 5), np.uint8), 3], reader_of(3), workers=1)
    with pytest.raises(DataError, match="image 1 is of the type int"):
        list(found)
