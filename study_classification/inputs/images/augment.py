"""Changes the training images at random, on the device, inside the training step.

Every image draws its random numbers from its own key, made of (seed, epoch, index of the example). So its look in an
epoch depends neither on its batch nor on the number of workers, hosts or devices, and a resumed run sees what the
uninterrupted run would have seen.
"""

import math
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from study_classification.errors import ConfigError, nearest
from study_classification.inputs.images.color import jitter
from study_classification.inputs.images.geometry import (
    crop_and_resize,
    draw_affine,
    draw_box,
    erase,
    shifted_window,
    warp,
)
from study_classification.inputs.images.policies import POLICIES, RANDAUGMENT_LEVELS, apply_policy

# Whatever is drawn besides the 11 numbers of the geometry has its own key, from the key of the image and one of these.
_POLICY, _COLOR, _ERASING, _CROP = 11, 12, 13, 14


@dataclass(frozen=True)
class Augment:
    """The settings of augmentation; see `config.augment` in configs/default.py for the units.

    `canvas_size` is the side of the square images that `augment` takes: of a `training_canvas` if crops are drawn,
    else of the `eval_view`, which is `image_size`. A bad setting raises a ConfigError that names the field.
    """

    image_size: int
    canvas_size: int
    random_resized_crop: bool = False
    crop_scale: tuple[float, float] = (0.35, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    random_crop: int = 0
    horizontal_flip: bool = False
    rotation: float = 0.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    policy: str = ""
    randaugment: tuple[int, int] = (2, 9)
    color_jitter: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    random_erasing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    progressive: tuple[float, ...] = ()

    def __post_init__(self):
        if self.canvas_size < self.image_size:
            raise ConfigError(
                f"augment.canvas_size ({self.canvas_size}) is smaller than preprocess.image_size ({self.image_size}), "
                "so every crop would be blurred; give more, or 0 for 1.25 x image_size."
            )
        for name, most in (("crop_scale", 1.0), ("crop_ratio", math.inf)):
            values = getattr(self, name)
            if len(values) != 2 or not 0 < values[0] <= values[1] <= most:
                raise ConfigError(f"augment.{name} is {values}; give (smallest, largest), above 0 and at most {most}.")
        for name, most in (("rotation", 180), ("shift", 1), ("shear", 89), ("zoom", 0.99), ("random_erasing", 1)):
            if not 0 <= getattr(self, name) <= most:
                raise ConfigError(f"augment.{name} is {getattr(self, name)}; give a number from 0 (off) to {most}.")
        if not 0 <= self.random_crop < self.image_size:
            raise ConfigError(
                f"augment.random_crop is {self.random_crop}; give pixels, 0 (off) or more, and fewer than a picture of "
                f"{self.image_size} has."
            )
        for name in ("mixup", "cutmix"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"augment.{name} is {getattr(self, name)}; give alpha, 0 (off) or more.")
        if self.policy not in POLICIES:
            raise ConfigError(f"augment.policy is '{self.policy}': {nearest(self.policy, POLICIES)}")
        if len(self.randaugment) != 2 or self.randaugment[0] < 1 or not 0 <= self.randaugment[1] < RANDAUGMENT_LEVELS:
            raise ConfigError(
                f"augment.randaugment is {self.randaugment}; give (how many operations, their level from 0 to "
                f"{RANDAUGMENT_LEVELS - 1})."
            )
        if len(self.color_jitter) != 4 or not min(self.color_jitter) >= 0 or self.color_jitter[3] > 0.5:
            raise ConfigError(
                f"augment.color_jitter is {self.color_jitter}; give (brightness, contrast, saturation, hue), 0 (off) "
                "or more, the hue 0.5 at most."
            )
        if not all(0 < share <= 1 for share in self.progressive):
            raise ConfigError(f"augment.progressive is {self.progressive}; give shares above 0 and at most 1.")

    @classmethod
    def from_config(cls, config: ConfigDict, image_size: int) -> "Augment":
        """The settings in `config.augment` of configs/default.py; a canvas_size of 0 means 1.25 x image_size."""
        values = dict(config)
        canvas_size = values.pop("canvas_size") or round(1.25 * image_size)
        return cls(
            image_size=image_size, canvas_size=canvas_size if config.random_resized_crop else image_size, **values
        )

    def stages(self) -> "tuple[Augment, ...]":
        """The settings of each part of the training. All parts are equally long; the last has the whole image_size."""
        shares = (*self.progressive, 1.0)
        return tuple(replace(self, image_size=max(1, round(share * self.image_size))) for share in shares)


def example_keys(key: jax.Array, epochs: jax.Array, indices: jax.Array) -> jax.Array:
    """One random key for each example [b], from int32 [b] epochs and int32 [b] indices of examples in their split."""
    return jax.vmap(lambda epoch, index: jax.random.fold_in(jax.random.fold_in(key, epoch), index))(epochs, indices)


def augment(images: jax.Array, aspects: jax.Array, keys: jax.Array, a: Augment) -> jax.Array:
    """Draws a new view of each image. With everything off it returns the images themselves as float32.

    Args:
      images: uint8 [b, canvas_size, canvas_size, c].
      aspects: float32 [b], width / height of the images before they were squashed to a square.
      keys: [b], from `example_keys`.

    Returns:
      float32 [b, image_size, image_size, c] on the scale 0..255.
    """
    return jax.vmap(partial(_augment_one, a=a))(images, aspects, keys)


def _augment_one(image: jax.Array, aspect: jax.Array, key: jax.Array, a: Augment) -> jax.Array:
    image = image.astype(jnp.float32)
    side = a.image_size
    u = jax.random.uniform(key, (11,))  # all of them are drawn, so that no option changes what another one draws
    if a.random_resized_crop:
        image = crop_and_resize(image, *draw_box(u[:4], aspect, a.crop_scale, a.crop_ratio), side)
    elif image.shape[0] != side:
        image = crop_and_resize(image, jnp.zeros(2), jnp.ones(2), side)
    if a.random_crop:
        image = shifted_window(image, jax.random.fold_in(key, _CROP), a.random_crop)
    if a.horizontal_flip:
        image = jnp.where(u[4] < 0.5, image[:, ::-1], image)
    if a.rotation or a.shift or a.shear or a.zoom:
        image = warp(image, *draw_affine(2 * u[5:] - 1, a.rotation, a.shift, a.shear, a.zoom, side))
    if a.policy:
        image = apply_policy(image, jax.random.fold_in(key, _POLICY), a.policy, a.randaugment)
    if any(a.color_jitter):
        image = jitter(image, jax.random.fold_in(key, _COLOR), a.color_jitter)
    if a.random_erasing:
        image = erase(image, jax.random.fold_in(key, _ERASING), a.random_erasing)
    return image
