"""Decodes encoded bytes into an upright RGB image, or gives a plain reason why it cannot."""

import functools
import io
import math
import re
import warnings
from pathlib import PurePath

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

# Pillow's other formats are not opened: some run an external program (EPS), others hold no photographs.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM")
HEIF = "HEIF"  # the format that the package pillow-heif adds

# HEIC is listed so that a HEIC file is reported, with the remedy, if nothing reads it.
IMAGE_EXTENSIONS = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif",
    ".pbm", ".pgm", ".ppm", ".pnm", ".heic", ".heif", ".hif",
))  # fmt: skip

_SIDE_FILES = frozenset((
    "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "#recycle", "$recycle.bin",
    "system volume information", "lost+found",
))  # fmt: skip

# Brands of the file type box: images of HEVC (HEIC), and those of AV1 (AVIF), which Pillow reads itself.
_HEIC = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"))
_AVIF = frozenset((b"avif", b"avis"))

# The turns of EXIF 2.32, tag 0x0112; 1 is upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Image.init()  # registers all formats now: Pillow would do so at the first odd file, perhaps in two threads at once
# Once, for the whole process: `warnings.catch_warnings` around each image would not be safe in threads.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
# Pillow's warnings of damaged metadata name no file and concern no pixel.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


Box = tuple[float, float, float, float]  # left, top, right, bottom, as Pillow's `resize` takes it


class UnreadableImage(ValueError):
    """The bytes are no usable image. The message is the reason, without the name of the file."""


def decode_image(data: bytes, *, max_megapixels: float = 89.0) -> Image.Image:
    """Decodes an image of any format in `FORMATS`; the content decides, not the file's extension.

    The result is upright (the EXIF orientation is applied and removed), fully loaded and of mode RGB. Transparent
    pixels are laid on white, 16 bits are scaled to 8, and an animation gives its first frame. ICC profiles and gamma
    are ignored.

    Args:
      data: the whole file.
      max_megapixels: a larger image is refused before it is decoded, as is an image above Pillow's own limit.

    Raises:
      UnreadableImage: with a reason that a person can act on.
    """
    return decode_scaled(data, 0, max_megapixels=max_megapixels)[0]


def decode_scaled(data: bytes, min_side: int, *, max_megapixels: float = 89.0) -> tuple[Image.Image, Box]:
    """Decodes an image that will be resized to a short side of `min_side` pixels: a large JPEG may come out smaller.

    A JPEG decodes up to several times faster at 1/2, 1/4 or 1/8 of its size. The short side stays at least 2 x
    min_side, so that the antialiased resize still averages over what the scaled inverse DCT leaves out (Pillow calls a
    `reducing_gap` of 2.0 "very close to fair resampling").

    Returns:
      The image, and the box of it to resize. Sides that are no multiple of the scale are rounded up, so the last row or
      column of pixels shows in part what lies beyond the edge.
    """
    limit = min(max_megapixels * 1e6, Image.MAX_IMAGE_PIXELS or math.inf)
    try:
        formats = (HEIF,) if _is_heic(data) and _reads_heif() else FORMATS
        image: Image.Image = Image.open(io.BytesIO(data), formats=formats)
        if image.width * image.height > limit:
            raise UnreadableImage(_too_large(image.width * image.height, limit))
        box = _scale_down(image, min_side)
        image = upright_rgb(image)
    except (UnreadableImage, MemoryError):
        raise
    except Exception as error:  # Pillow's plugins raise errors of nearly every type on damaged files
        raise UnreadableImage(_reason(error, data, limit)) from error
    return image, box or (0, 0, *image.size)


def upright_rgb(image: Image.Image) -> Image.Image:
    """A copy of an image of any mode: turned upright by its EXIF orientation, laid on white, as RGB.

    Raises:
        UnreadableImage: if it is unknown which of its values is white.
        Exception: of many types, from Pillow, if the image is damaged and was not loaded before.
    """
    image.load()
    turn = _TURNS.get(_orientation(image))
    rgb = _to_rgb(image)
    if turn is not None:
        rgb = rgb.transpose(turn)
        rgb.info.clear()  # or a later reader of the EXIF would turn the image again
    return rgb


def is_hidden(relative_path: PurePath) -> bool:
    """Whether a file, or a folder above it, is hidden or was left by a system (`.x`, `Thumbs.db`, `__MACOSX`)."""
    return any(map(is_hidden_name, relative_path.parts))


def is_hidden_name(name: str) -> bool:
    """Whether a file or folder is hidden, by its own name."""
    return name.startswith(".") or name.lower() in _SIDE_FILES


def looks_like_image(header: bytes) -> bool:
    """Whether `header`, the first 16 bytes or more of a file, has the signature of a format other than PPM."""
    if _is_heic(header):
        return True
    if header.startswith(b"BM"):  # two letters alone begin many a text, as do those of PPM ("P5")
        return header[6:10] == bytes(4)
    accepts = (Image.OPEN[name][1] for name in FORMATS if name != "PPM")
    return any(accept is not None and accept(header[:16]) is True for accept in accepts)


def _is_heic(start: bytes) -> bool:
    if start[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(start[:4], "big"), 64)
    brands = {start[8:12], *(start[place : place + 4] for place in range(16, end, 4))}
    return bool(brands & _HEIC) and not brands & _AVIF


@functools.cache
def _reads_heif() -> bool:
    """Whether the extra `heic` is installed; Pillow then knows the format from now on."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def _scale_down(image: Image.Image, min_side: int) -> Box | None:
    """Makes a large JPEG decode smaller; returns the box to resize, or None for all of the image."""
    # Scaled CMYK decoding is too rare to be trusted.
    if not min_side or image.format not in ("JPEG", "MPO") or image.mode == "CMYK":
        return None
    whole = _orientation(image) in _TURNS  # a box would have to be turned as well
    for factor in (8, 4, 2):
        if min(image.size) >= 2 * factor * min_side and not (whole and (image.width % factor or image.height % factor)):
            drafted = image.draft(None, (image.width // factor, image.height // factor))
            return drafted[1] if drafted and not whole else None
    return None


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a damaged EXIF block does not make the image unreadable
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise UnreadableImage("its pixels are floating-point numbers, and which one is white is unknown")
    if image.mode.startswith("I"):  # I;16, I;16B, I
        return _grey16_to_rgb(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(rgba, mask=rgba)
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def _grey16_to_rgb(image: Image.Image) -> Image.Image:
    values = np.asarray(image, np.int64)
    if np.min(values) < 0 or np.max(values) > 65535:
        raise UnreadableImage("its pixels are 32-bit numbers outside 0..65535, and which one is white is unknown")
    grey = ((values + 128) // 257).astype(np.uint8)  # 65535 = 255 x 257
    if "transparency" in image.info:  # the one value that stands for a transparent pixel
        grey[values == image.info["transparency"]] = 255
    return Image.fromarray(grey).convert("RGB")


def _too_large(pixels: int, limit: float) -> str:
    return f"it claims {pixels / 1e6:g} megapixels, more than the limit of {limit / 1e6:g}"


def _reason(error: Exception, data: bytes, limit: float) -> str:
    message = str(error)
    if not data:
        return "it is empty"
    if _is_heic(data) and not _reads_heif():
        return "it is in HEIC format: pip install 'study-classification[heic]' reads it, or save it as JPEG"
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return _too_large(int(re.findall(r"\d+", message)[0]), limit)
    if "truncated" in message.lower():
        return "the data stop before the end of the picture"
    if not isinstance(error, UnidentifiedImageError):
        return f"Pillow cannot read it: {message}"
    start = data[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "it is an HTML page, not a picture"
    if all(byte >= 32 or byte in b"\t\n\f\r" for byte in start):
        return "it is text, not a picture"
    if looks_like_image(data):
        return "its header is damaged"
    return f"it is in none of the formats that can be read ({', '.join(FORMATS)})"
