"""Turns a decoded image into what the network sees. A run keeps the settings, so training and prediction agree."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from study_classification.errors import ConfigError, RunError, nearest
from study_classification.inputs.images.decode import Box

DEFAULT_SIZE = 64  # pixels, if neither the config nor weights choose
INTERPOLATIONS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "lanczos": Image.Resampling.LANCZOS,
}

# Above this ratio of long to short side the ends are cut off before the resize. The square in the middle shows none of
# them, and an image of 1 x 5000 pixels would otherwise grow to 256 x 1,280,000.
_MAX_ASPECT = 4


@dataclass(frozen=True)
class Preprocess:
    """What happens to every image, in training, evaluation, prediction and export alike.

    Sizes are in pixels. `mean` and `std` have one value for each channel, on the scale 0..1. A bad value raises a
    ConfigError that names the field.
    """

    image_size: int
    resize_size: int
    interpolation: str
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    noun: ClassVar[str] = "pictures"
    key: ClassVar[str] = "image"  # of the pixels in a batch
    num_tokens: ClassVar[int] = 0

    def __post_init__(self):
        for name in ("image_size", "resize_size", "channels"):
            if type(getattr(self, name)) is not int:
                raise ConfigError(f"preprocess.{name} is {getattr(self, name)!r}; give a whole number.")
        if self.image_size < 1:
            raise ConfigError(f"preprocess.image_size is {self.image_size}; give at least 1 pixel.")
        if self.resize_size < self.image_size:
            raise ConfigError(
                f"preprocess.resize_size ({self.resize_size}) is smaller than image_size ({self.image_size}), so the "
                "crop would not fit; give at least image_size, or 0 for no margin."
            )
        if self.channels not in (1, 3):
            raise ConfigError(f"preprocess.channels is {self.channels}; give 3 (RGB) or 1 (grey).")
        if self.interpolation not in INTERPOLATIONS:
            advice = nearest(str(self.interpolation), INTERPOLATIONS)
            raise ConfigError(f"preprocess.interpolation {self.interpolation!r} is unknown: {advice}.")
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) != self.channels or not all(math.isfinite(value) for value in values):
                raise ConfigError(
                    f"preprocess.{name} is {values}; give {self.channels} finite number(s), one a channel, or one for "
                    "all."
                )
        if min(self.std) <= 0:
            raise ConfigError(f"preprocess.std is {self.std}; it divides, so every value must be above 0.")

    @classmethod
    def from_config(cls, config: ConfigDict, weights: "Preprocess | None" = None) -> "Preprocess":
        """The settings in `config.preprocess` of configs/default.py.

        A size of 0 is chosen here, and one mean serves all channels. The settings that belong to given weights override
        the config, except for sizes, which keep their proportion.
        """
        if weights:
            image_size = config.image_size or weights.image_size
            resize_size = config.resize_size or round(image_size * weights.resize_size / weights.image_size)
            return replace(weights, image_size=image_size, resize_size=resize_size)
        image_size = config.image_size or DEFAULT_SIZE
        return cls(
            image_size=image_size,
            resize_size=config.resize_size or image_size,
            interpolation=config.interpolation,
            channels=config.channels,
            mean=_one_a_channel("mean", config.mean, config.channels),
            std=_one_a_channel("std", config.std, config.channels),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape [h, w, c] of an image as the network sees it."""
        return self.image_size, self.image_size, self.channels

    def inputs_of(self, batch: Mapping[str, jax.Array]) -> jax.Array:
        """The images of a batch, normalised: float32 [b, h, w, c]."""
        return normalize(batch[self.key], self)

    def to_json(self) -> dict[str, Any]:
        """The contents of a run's `preprocess.json`."""
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Preprocess":
        """The reverse of `to_json`. It raises RunError unless all fields, and no others, are there and valid."""
        try:
            fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
            return cls(**fields)
        except (AttributeError, ConfigError, TypeError) as error:
            raise RunError(f"preprocess.json is damaged: {error}") from error


def _one_a_channel(name: str, value, channels: int) -> tuple[float, ...]:
    try:
        values = tuple(float(v) for v in np.ravel(value))
    except (TypeError, ValueError):
        raise ConfigError(f"preprocess.{name} is {value!r}; give numbers.") from None
    # Three equal values are one: the default of RGB then also serves grey images.
    return values[:1] * channels if len(values) in (1, 3) and len(set(values)) == 1 else values


def eval_view(image: Image.Image, p: Preprocess, box: Box | None = None) -> np.ndarray:
    """The image as validation, test and prediction see it: short side to resize_size, then the central square.

    Sizes and rounding are torchvision's (`Resize`, `CenterCrop` on Pillow images). So are the pixels, bit for bit, if
    the long side is at most 4 times the short one. A longer image is cut at both ends first, equally.

    Args:
      image: mode RGB, any size.
      box: the part of the image to take, see `decode_scaled`; None takes all.

    Returns:
      uint8 [image_size, image_size, channels].
    """
    left, top, right, bottom = box or (0, 0, *image.size)
    short = min(right - left, bottom - top)
    # The same whole number of pixels off both ends.
    cut_x, cut_y = (max(0, (side - _MAX_ASPECT * short) // 2) for side in (right - left, bottom - top))
    left, top, right, bottom = left + cut_x, top + cut_y, right - cut_x, bottom - cut_y
    size = [int(p.resize_size * side // short) for side in (right - left, bottom - top)]
    image = _to_channels(image, p.channels).resize(size, INTERPOLATIONS[p.interpolation], (left, top, right, bottom))
    return _to_array(_center_crop(image, p.image_size, p.image_size))


def training_canvas(
    image: Image.Image, size: int, channels: int, interpolation: str, box: Box | None = None
) -> tuple[np.ndarray, np.float32]:
    """The whole image (or its `box`), squashed to a square from which random crops are cut on the device.

    Returns:
      uint8 [size, size, channels], and width / height of the image, so that crops can be drawn in true proportion.
    """
    left, top, right, bottom = box or (0, 0, *image.size)
    canvas = _to_channels(image, channels).resize((size, size), INTERPOLATIONS[interpolation], box)
    return _to_array(canvas), np.float32((right - left) / (bottom - top))


def normalize(images: jax.Array, p: Preprocess) -> jax.Array:
    """(x / 255 - mean) / std over the last axis: [..., channels] on the scale 0..255 -> float32 of the same shape."""
    mean, std = jnp.asarray(p.mean, jnp.float32), jnp.asarray(p.std, jnp.float32)
    return (jnp.asarray(images, jnp.float32) / 255 - mean) / std


def _to_channels(image: Image.Image, channels: int) -> Image.Image:
    return image.convert("L") if channels == 1 else image


def _center_crop(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))


def _to_array(image: Image.Image) -> np.ndarray:
    return np.asarray(image).reshape(image.height, image.width, -1)
