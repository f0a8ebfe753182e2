import csv
import io
import struct
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import ExifTags, Image, JpegImagePlugin

from study_classification.inputs.images import decode
from study_classification.inputs.images.decode import (
    IMAGE_EXTENSIONS,
    UnreadableImage,
    decode_image,
    decode_scaled,
    is_hidden,
    looks_like_image,
)


def encode(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def png(width, height, depth, colour_type, rows=b"", transparent=b""):
    """A PNG by hand: with what Pillow cannot write, and with sizes that it would not write."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + (chunk(b"tRNS", transparent) if transparent else b"")
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def pixels(data, **options):
    image = decode_image(data, **options)
    assert image.mode == "RGB"
    return np.asarray(image)


def reason(data, **options):
    with pytest.raises(UnreadableImage) as error:
        decode_image(data, **options)
    return str(error.value)


def noise(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_every_awkward_file_is_decoded_or_refused_as_its_manifest_says(shared):
    folder, decoded, refused, hidden, wrong = shared / "data" / "hard", 0, 0, 0, []
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        name, data = row["file"], (folder / row["file"]).read_bytes()
        if is_hidden(PurePosixPath(name)):
            hidden += 1
            if "skip silently" not in row["reason"]:
                wrong.append((name, "hidden"))
            continue
        try:
            image = decode_image(data)
        except UnreadableImage as error:
            refused += 1
            if row["expect"] != "reject":
                wrong.append((name, str(error)))
            continue
        decoded += 1
        mean = np.asarray(image, float).mean((0, 1))
        expected = [float(row[f"mean_{c}"] or "nan") for c in "rgb"]
        if (row["expect"], image.mode, *image.size) != ("ok", "RGB", int(row["width"] or 0), int(row["height"] or 0)):
            wrong.append((name, image.mode, image.size))
        if (np.abs(mean - expected) > (3 if row["kind"] == "CMYK JPEG" else 1.5)).any():
            wrong.append((name, mean.tolist()))
    assert not wrong
    assert (decoded, refused, hidden) == (53, 18, 4)


def test_eight_orientations_of_one_photo_are_the_same_image(shared):
    def small(number):
        data = (shared / "data" / "hard" / f"exif_portrait_{number}.jpg").read_bytes()
        return np.asarray(decode_image(data).convert("L").resize((60, 90)), float)

    upright = small(1)
    differences = [np.abs(small(number) - upright).mean() for number in range(2, 9)]
    assert max(differences) < 2  # levels; what is left is the printed number
    assert np.abs(upright[:, ::-1] - upright).mean() > 10
    assert np.abs(upright[::-1] - upright).mean() > 10


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a)),
        (7, lambda a: np.rot90(a, 2).transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a, -1)),
    ],
)
def test_the_orientation_is_applied_once_and_then_gone(format, orientation, stored):
    upright = noise(2, 3)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image = decode_image(encode(Image.fromarray(np.ascontiguousarray(stored(upright))), format, exif=exif))
    np.testing.assert_array_equal(np.asarray(image), upright)
    assert image.getexif().get(ExifTags.Base.Orientation, 1) == 1


def test_sixteen_bits_are_scaled_by_257():
    grey = np.array([[0, 128, 129, 257 * 100, 65535]], np.uint16)
    expected = [0, 0, 1, 100, 255]
    for data in (
        encode(Image.fromarray(grey), "PNG"),
        encode(Image.fromarray(grey), "TIFF"),
        b"P5 5 1 65535\n" + grey.astype(">u2").tobytes(),
    ):
        assert pixels(data)[0, :, 0].tolist() == expected
    colour = png(1, 1, 16, 2, b"\0" + struct.pack(">3H", 0, 257 * 100, 65535))
    assert pixels(colour)[0, 0].tolist() == [0, 100, 255]


def test_the_transparent_value_of_sixteen_bit_grey_is_white():
    rows = b"\0" + struct.pack(">3H", 1000, 1001, 257)
    assert pixels(png(3, 1, 16, 0, rows, struct.pack(">H", 1000)))[0, :, 0].tolist() == [255, 4, 1]


def test_transparency_is_laid_on_white():
    rgba = Image.fromarray(np.array([[[200, 0, 0, 255], [200, 0, 0, 0], [200, 0, 0, 51]]], np.uint8))
    # 51/255 = 1/5 of the colour, 4/5 of white
    assert pixels(encode(rgba, "PNG"))[0].tolist() == [[200, 0, 0], [255, 255, 255], [244, 204, 204]]
    key = png(2, 1, 8, 2, bytes([0, 9, 8, 7, 9, 8, 6]), struct.pack(">3H", 9, 8, 7))
    assert pixels(key)[0].tolist() == [[255, 255, 255], [9, 8, 6]]


def test_an_8_bit_rgb_image_is_what_pillow_decoded_without_a_copy():
    assert type(decode_image(encode(Image.new("RGB", (8, 8)), "JPEG"))) is JpegImagePlugin.JpegImageFile


@pytest.mark.parametrize(
    ("min_side", "size", "expected"),
    [
        (0, (1024, 768), (1024, 768)),
        (48, (1024, 768), (128, 96)),  # 768 = 2 x 48 x 8
        (49, (1024, 768), (256, 192)),
        (192, (1024, 768), (512, 384)),
        (193, (1024, 768), (1024, 768)),
        (48, (1023, 768), (128, 96)),
    ],
)
def test_a_large_jpeg_is_decoded_smaller_but_at_least_twice_min_side(min_side, size, expected):
    assert decode_scaled(encode(Image.new("RGB", size), "JPEG"), min_side)[0].size == expected


def test_only_jpeg_in_rgb_or_grey_is_decoded_smaller():
    assert decode_scaled(encode(Image.new("L", (1024, 768)), "JPEG"), 48)[0].size == (128, 96)
    assert decode_scaled(encode(Image.new("CMYK", (1024, 768)), "JPEG"), 48)[0].size == (1024, 768)
    assert decode_scaled(encode(Image.new("RGB", (1024, 768)), "PNG"), 48)[0].size == (1024, 768)


def test_decoding_smaller_shows_the_same_image(shared):
    data = (shared / "data" / "hard" / "exif_portrait_6.jpg").read_bytes()
    full, scaled = (decode_scaled(data, min_side)[0] for min_side in (0, 64))
    assert (full.size, scaled.size) == ((1200, 1800), (150, 225))
    bilinear = Image.Resampling.BILINEAR
    difference = np.abs(np.asarray(full.resize((64, 96), bilinear), float) - scaled.resize((64, 96), bilinear))
    assert difference.mean() < 0.5 and difference.max() <= 8


@pytest.mark.parametrize("size", [(1000, 667), (683, 1023), (769, 769)])
def test_decoding_odd_sides_smaller_shows_the_same_image(size):
    # Slopes show in their values where each pixel comes from.
    x, y = np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1])
    slope = np.stack([np.tile(x, (size[1], 1)), np.tile(y[:, None], (1, size[0]))], -1)
    data = encode(Image.fromarray(np.dstack([slope, slope[..., 0]]).round().astype(np.uint8)), "JPEG", quality=98)
    image, box = decode_scaled(data, 40)
    assert box == (0, 0, size[0] / 8, size[1] / 8)
    full = decode_image(data).resize((40, 40), Image.Resampling.BILINEAR)
    scaled = image.resize((40, 40), Image.Resampling.BILINEAR, box)
    assert np.abs(np.asarray(full, int) - scaled).mean() < 0.3  # 0.45 to 1.24 without the box


def test_a_turned_image_is_decoded_smaller_only_if_that_shows_it_whole():
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    image, box = decode_scaled(encode(Image.new("RGB", (1023, 768)), "JPEG", exif=exif), 48)
    assert image.size == box[2:] == (768, 1023)
    image, box = decode_scaled(encode(Image.new("RGB", (1020, 768)), "JPEG", exif=exif), 48)
    assert image.size == box[2:] == (192, 255)


def test_the_pixel_limit_is_checked_before_decoding():
    data = png(12, 10, 8, 2)  # no pixels at all follow
    assert reason(data, max_megapixels=1e-4) == "it claims 0.00012 megapixels, more than the limit of 0.0001"
    assert "megapixels" not in reason(data, max_megapixels=1.2e-4)


@pytest.mark.parametrize("action", ["error", "ignore"])
@pytest.mark.parametrize(("side", "claims"), [(10000, "100"), (30000, "900")])
def test_pillows_own_limit_stands_whatever_the_config_says(action, side, claims):
    with warnings.catch_warnings():
        warnings.simplefilter(action, Image.DecompressionBombWarning)
        message = reason(png(side, side, 1, 0), max_megapixels=1e6)
    assert message == f"it claims {claims} megapixels, more than the limit of 89.4785"


PNG = encode(Image.fromarray(noise(40, 40)), "PNG")
JPEG = encode(Image.fromarray(noise(40, 40)), "JPEG")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "it is empty"),
        (b"\n<!DOCTYPE html><html></html>", "it is an HTML page, not a picture"),
        ("猫の写真です。\n".encode(), "it is text, not a picture"),
        (
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            "it is in HEIC format: pip install 'study-classification[heic]' reads it, or save it as JPEG",
        ),
        (
            b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
            "it is in HEIC format: pip install 'study-classification[heic]' reads it, or save it as JPEG",
        ),
        (b"\0\1\2\3" * 9, "it is in none of the formats that can be read (JPEG, PNG, GIF, BMP, TIFF, WEBP, AVIF, PPM)"),
        (PNG[:20] + b"\x63" + PNG[21:], "its header is damaged"),
        (PNG[: len(PNG) // 2], "the data stop before the end of the picture"),
        (JPEG[: len(JPEG) // 2], "the data stop before the end of the picture"),
        (
            png(4, 4, 8, 2, b"\7" * 52),
            "Pillow cannot read it: unrecognized data stream contents when reading image file",
        ),
        (
            encode(Image.new("F", (2, 2)), "TIFF"),
            "its pixels are floating-point numbers, and which one is white is unknown",
        ),
        (
            encode(Image.new("I", (2, 2), 65536), "TIFF"),
            "its pixels are 32-bit numbers outside 0..65535, and which one is white is unknown",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_reason_is_plain(data, expected, without_heif):
    assert reason(data) == expected


@pytest.fixture
def without_heif(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    decode._reads_heif.cache_clear()
    yield
    decode._reads_heif.cache_clear()


@pytest.fixture
def with_heif(monkeypatch):
    """A stand-in for pillow-heif, for which every HEIC file is a red image of 4 x 6; gives the number of its calls."""
    calls = []

    def register():
        calls.append("")
        Image.register_open("HEIF", lambda file, name: Image.new("RGB", (4, 6), "red"), lambda start: True)

    monkeypatch.setitem(sys.modules, "pillow_heif", SimpleNamespace(register_heif_opener=register))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    decode._reads_heif.cache_clear()
    yield calls
    decode._reads_heif.cache_clear()


def test_heic_is_read_by_its_package_which_is_registered_once(with_heif):
    assert pixels(PNG).shape == (40, 40, 3) and with_heif == []
    for brands in (b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic", b"mif1\0\0\0\0miafMiHB"):
        assert pixels(b"\0\0\0\x18ftyp" + brands).shape == (6, 4, 3)
    assert len(with_heif) == 1
    assert pixels(encode(Image.new("RGB", (9, 9)), "AVIF")).shape == (9, 9, 3)


def test_a_damaged_exif_block_does_not_matter():
    for format in ("JPEG", "PNG", "WEBP"):
        assert pixels(encode(Image.new("RGB", (8, 9)), format, exif=b"Exif\0\0nonsense")).shape == (9, 8, 3)


def test_threads_do_not_disturb_each_other():
    files = [encode(Image.fromarray(noise(30 + i, 40)), format) for i in range(8) for format in ("PNG", "JPEG", "WEBP")]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(pixels, files * 4))
    for data, result in zip(files * 4, together, strict=True):
        np.testing.assert_array_equal(result, pixels(data))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("cat/a.jpg", False),
        ("..a.jpg", True),
        ("cat/.hidden.jpg", True),
        (".ipynb_checkpoints/x.jpg", True),
        ("cat/__MACOSX/cat/a.jpg", True),
        ("Thumbs.db", True),
        ("cat/THUMBS.DB", True),
        ("cat/desktop.ini", True),
        ("@eaDir/a.jpg", True),
        ("thumbs/a.jpg", False),
        ("猫.x/a.b.jpg", False),
    ],
)
def test_hidden_and_side_files(path, expected):
    assert is_hidden(PurePosixPath(path)) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (JPEG, True),
        (PNG, True),
        *((encode(Image.new("RGB", (9, 9)), format), True) for format in ("GIF", "BMP", "TIFF", "WEBP", "AVIF")),
        (b"", False),
        (b"BMW,5,7\nVW,9,9\n", False),
        (b"P5 is a file of notes", False),
        (b"RIFF\0\0\0\0WAVEfmt ", False),
        (b"\0\0\0\x18ftypisom\0\0\0\0", False),
        (b"\0\0\0\x18ftypheic\0\0\0\0", True),
        (b"<html>", False),
    ],
    ids=str,
)
def test_signatures(header, expected):
    assert looks_like_image(header[:16]) is expected


def test_extensions_are_in_lower_case_with_their_dot():
    assert {".jpg", ".jpeg", ".png", ".webp", ".avif", ".tif", ".bmp", ".gif"} <= IMAGE_EXTENSIONS
    assert all(extension == extension.lower() and extension[0] == "." for extension in IMAGE_EXTENSIONS)


@pytest.mark.parametrize(("width", "height", "expected"), [(64, 68, (17, 16)), (68, 64, (16, 17)), (64, 64, (8, 8))])
def test_a_turned_jpeg_is_only_made_smaller_by_what_divides_both_sides(width, height, expected):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    data = encode(Image.new("RGB", (width, height)), "JPEG", exif=exif)
    image, box = decode_scaled(data, 2)
    assert image.size == expected
    assert tuple(box) == (0, 0, *expected)
