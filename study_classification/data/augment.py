"""Random changes of the training pictures, on the device, inside the train step.

Every picture draws its random numbers from a key of its own, made of (seed, epoch, index of the example): what it
looks like in an epoch depends neither on its batch nor on the number of workers, hosts or devices, and a resumed run
shows what the uninterrupted one would have shown.
"""

import math
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates
from ml_collections import ConfigDict

from study_classification.config import nearest
from study_classification.data.color import jitter
from study_classification.data.policies import POLICIES, RANDAUGMENT_LEVELS, apply_policy
from study_classification.errors import ConfigError

# What is drawn besides the 11 numbers of the geometry has keys of its own, each from a picture's key and one of these.
_POLICY, _COLOR, _ERASING, _CROP = 11, 12, 13, 14
_ERASED_AREA = (0.02, 0.4)
_ERASED_RATIO = (0.3, 1 / 0.3)


@dataclass(frozen=True)
class Augment:
    """What is drawn, and from which ranges; see `config.augment` in configs/default.py for the units.

    `canvas_size` is the side of the square pictures that `augment` takes: a `training_canvas` where crops are drawn,
    else the `eval_view`, whose side is `image_size`. Raises ConfigError, with the name of the field.
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
        """From `config.augment` of configs/default.py; canvas_size 0 is 1.25 x image_size."""
        values = dict(config)
        canvas_size = values.pop("canvas_size") or round(1.25 * image_size)
        return cls(
            image_size=image_size, canvas_size=canvas_size if config.random_resized_crop else image_size, **values
        )

    def stages(self) -> "tuple[Augment, ...]":
        """One for each part of the training, all of one length: the last has the whole image_size."""
        shares = (*self.progressive, 1.0)
        return tuple(replace(self, image_size=max(1, round(share * self.image_size))) for share in shares)


def example_keys(seed: int, epochs: jax.Array, indices: jax.Array) -> jax.Array:
    """One random key an example: int32 [b] epochs, int32 [b] indices of the examples in their data set -> key [b]."""
    key = jax.random.key(seed)
    return jax.vmap(lambda epoch, index: jax.random.fold_in(jax.random.fold_in(key, epoch), index))(epochs, indices)


def augment(images: jax.Array, aspects: jax.Array, keys: jax.Array, a: Augment) -> jax.Array:
    """Draws a new view of each picture. With everything off, the pictures themselves as float32.

    Args:
      images: uint8 [b, canvas_size, canvas_size, c].
      aspects: float32 [b], width / height of the pictures before they were squashed to a square.
      keys: [b], from `example_keys`.

    Returns:
      float32 [b, image_size, image_size, c] on the scale 0..255.
    """
    return jax.vmap(partial(_augment_one, a=a))(images, aspects, keys)


def _augment_one(image: jax.Array, aspect: jax.Array, key: jax.Array, a: Augment) -> jax.Array:
    image = image.astype(jnp.float32)
    side = a.image_size
    u = jax.random.uniform(key, (11,))  # all that may be needed, so that no option changes what another one draws
    if a.random_resized_crop:
        image = _crop(image, *_draw_box(u[:4], aspect, a.crop_scale, a.crop_ratio), side)
    elif image.shape[0] != side:
        image = _crop(image, jnp.zeros(2), jnp.ones(2), side)
    if a.random_crop:
        image = _shifted_window(image, jax.random.fold_in(key, _CROP), a.random_crop)
    if a.horizontal_flip:
        image = jnp.where(u[4] < 0.5, image[:, ::-1], image)
    if a.rotation or a.shift or a.shear or a.zoom:
        image = _warp(image, *_draw_affine(2 * u[5:] - 1, a))
    if a.policy:
        image = apply_policy(image, jax.random.fold_in(key, _POLICY), a.policy, a.randaugment)
    if any(a.color_jitter):
        image = jitter(image, jax.random.fold_in(key, _COLOR), a.color_jitter)
    if a.random_erasing:
        image = _erase(image, jax.random.fold_in(key, _ERASING), a.random_erasing)
    return image


def _draw_box(
    u: jax.Array, aspect: jax.Array, scales: tuple[float, float], ratios: tuple[float, float]
) -> tuple[jax.Array, jax.Array]:
    """The box of "inception-style" crops (arXiv:1409.4842, torchvision's `RandomResizedCrop`), without rejection.

    First the log-uniform ratio of the true proportions, then the area, uniform over that part of `scales` for which a
    box of this ratio fits into the picture. Where none fits (a long picture), the largest box of this ratio is taken.

    Returns (top, left) and (height, width) as shares of the picture's sides; always inside 0..1.
    """
    log_ratio = jnp.log(jnp.array(ratios))
    ratio = jnp.exp(log_ratio[0] + u[0] * (log_ratio[1] - log_ratio[0])) / aspect  # width / height on the square canvas
    scale = jnp.minimum(jnp.array(scales), jnp.minimum(ratio, 1 / ratio))
    area = scale[0] + u[1] * (scale[1] - scale[0])
    size = jnp.minimum(jnp.sqrt(jnp.stack([area / ratio, area * ratio])), 1)
    return u[2:4] * (1 - size), size


def _crop(image: jax.Array, corner: jax.Array, size: jax.Array, image_size: int) -> jax.Array:
    """Resizes a box, in shares of [S, S, c], to [image_size, image_size, c]: two small matrix products, antialiased."""
    scale = image_size / (image.shape[0] * size)
    shape = (image_size, image_size, image.shape[2])
    translation = -corner * image.shape[0] * scale
    return jax.image.scale_and_translate(
        image, shape, (0, 1), scale, translation, "linear", precision=jax.lax.Precision.HIGHEST
    )


def _shifted_window(image: jax.Array, key: jax.Array, padding: int) -> jax.Array:
    """[s, s, c] -> [s, s, c] somewhere in the picture with so many pixels of its mirror image around it.

    As torchvision's `RandomCrop(s, padding=padding, padding_mode="reflect")`: the edge itself is not repeated.
    """
    padded = jnp.pad(image, [(padding, padding), (padding, padding), (0, 0)], mode="reflect")
    top, left = jax.random.randint(key, (2,), 0, 2 * padding + 1)
    return jax.lax.dynamic_slice(padded, (top, left, 0), image.shape)


def _draw_affine(u: jax.Array, a: Augment) -> tuple[jax.Array, jax.Array]:
    """Rotation, shift, shear and zoom, each within its range for u from -1 to 1; Keras' `apply_affine_transform`.

    Returns matrix [2, 2] and offset [2] that lead from (row, column) of the result to those of the source, both
    measured in pixels from the centre.
    """
    angle, shear = jnp.deg2rad(a.rotation * u[0]), jnp.deg2rad(a.shear * u[1])
    rotation = jnp.array([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
    shearing = jnp.array([[1.0, -jnp.sin(shear)], [0.0, jnp.cos(shear)]])
    matmul = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
    matrix = matmul(rotation, shearing * (1 + a.zoom * u[4:6]))  # the columns' factors: times a diagonal matrix
    return matrix, matmul(rotation, a.shift * a.image_size * u[2:4])


def _warp(image: jax.Array, matrix: jax.Array, offset: jax.Array) -> jax.Array:
    """[s, s, c] -> [s, s, c] by `source = matrix @ target + offset` from the centre; bilinear, edge pixels repeated."""
    side = image.shape[0]
    centre = (side - 1) / 2
    target = jnp.stack(jnp.meshgrid(*2 * [jnp.arange(side) - centre], indexing="ij"))
    source = jnp.einsum("ij,jyx->iyx", matrix, target, precision=jax.lax.Precision.HIGHEST)
    source = source + offset[:, None, None] + centre
    sample = partial(map_coordinates, coordinates=list(source), order=1, mode="nearest")
    return jax.vmap(sample, in_axes=-1, out_axes=-1)(image)


def _erase(image: jax.Array, key: jax.Array, probability: float) -> jax.Array:
    """Random erasing (arXiv:1708.04896): noise from 0 to 255 in a box of the paper's areas and proportions.

    The box is drawn as those of crops are, without the paper's rejection of boxes that do not fit.
    """
    box_key, noise_key = jax.random.split(key)
    u = jax.random.uniform(box_key, (5,))
    corner, size = _draw_box(u[:4], jnp.float32(1), _ERASED_AREA, _ERASED_RATIO)
    place = (jnp.arange(image.shape[0]) + 0.5) / image.shape[0]
    within = (place >= corner[:, None]) & (place < (corner + size)[:, None])  # [2, side]: rows and columns
    erased = within[0][:, None] & within[1] & (u[4] < probability)
    noise = jax.lax.bitcast_convert_type(jax.random.bits(noise_key, image.shape[:2], jnp.uint32), jnp.uint8)
    return jnp.where(erased[..., None], noise[..., : image.shape[2]].astype(jnp.float32), image)
