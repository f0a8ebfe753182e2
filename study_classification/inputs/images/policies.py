"""RandAugment (arXiv:1909.13719) and AutoAugment (arXiv:1805.09501), with torchvision's operations and magnitudes.

The operations are those of Pillow on images of whole numbers from 0 to 255. Those that move an image take the nearest
pixel, and black from outside.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import sequential_vmap

from study_classification.inputs.images.color import blend
from study_classification.inputs.images.sampling import count_values, look_up, nearest

OPERATIONS = (
    "Identity",
    "ShearX",
    "ShearY",
    "TranslateX",
    "TranslateY",
    "Rotate",
    "Brightness",
    "Color",
    "Contrast",
    "Sharpness",
    "Posterize",
    "Solarize",
    "AutoContrast",
    "Equalize",
    "Invert",  # RandAugment does not use it
)
_SIGNED = np.array([name in OPERATIONS[1:10] for name in OPERATIONS])  # in the other direction half of the time
RANDAUGMENT_LEVELS = 31
_AUTOAUGMENT_LEVELS = 10

# Pairs of (operation, probability, level); the papers' best policies in the order of torchvision.
AUTOAUGMENT = {
    "autoaugment_imagenet": (
        (("Posterize", 0.4, 8), ("Rotate", 0.6, 9)),
        (("Solarize", 0.6, 5), ("AutoContrast", 0.6, None)),
        (("Equalize", 0.8, None), ("Equalize", 0.6, None)),
        (("Posterize", 0.6, 7), ("Posterize", 0.6, 6)),
        (("Equalize", 0.4, None), ("Solarize", 0.2, 4)),
        (("Equalize", 0.4, None), ("Rotate", 0.8, 8)),
        (("Solarize", 0.6, 3), ("Equalize", 0.6, None)),
        (("Posterize", 0.8, 5), ("Equalize", 1.0, None)),
        (("Rotate", 0.2, 3), ("Solarize", 0.6, 8)),
        (("Equalize", 0.6, None), ("Posterize", 0.4, 6)),
        (("Rotate", 0.8, 8), ("Color", 0.4, 0)),
        (("Rotate", 0.4, 9), ("Equalize", 0.6, None)),
        (("Equalize", 0.0, None), ("Equalize", 0.8, None)),
        (("Invert", 0.6, None), ("Equalize", 1.0, None)),
        (("Color", 0.6, 4), ("Contrast", 1.0, 8)),
        (("Rotate", 0.8, 8), ("Color", 1.0, 2)),
        (("Color", 0.8, 8), ("Solarize", 0.8, 7)),
        (("Sharpness", 0.4, 7), ("Invert", 0.6, None)),
        (("ShearX", 0.6, 5), ("Equalize", 1.0, None)),
        (("Color", 0.4, 0), ("Equalize", 0.6, None)),
        (("Equalize", 0.4, None), ("Solarize", 0.2, 4)),
        (("Solarize", 0.6, 5), ("AutoContrast", 0.6, None)),
        (("Invert", 0.6, None), ("Equalize", 1.0, None)),
        (("Color", 0.6, 4), ("Contrast", 1.0, 8)),
        (("Equalize", 0.8, None), ("Equalize", 0.6, None)),
    ),
    "autoaugment_cifar10": (
        (("Invert", 0.1, None), ("Contrast", 0.2, 6)),
        (("Rotate", 0.7, 2), ("TranslateX", 0.3, 9)),
        (("Sharpness", 0.8, 1), ("Sharpness", 0.9, 3)),
        (("ShearY", 0.5, 8), ("TranslateY", 0.7, 9)),
        (("AutoContrast", 0.5, None), ("Equalize", 0.9, None)),
        (("ShearY", 0.2, 7), ("Posterize", 0.3, 7)),
        (("Color", 0.4, 3), ("Brightness", 0.6, 7)),
        (("Sharpness", 0.3, 9), ("Brightness", 0.7, 9)),
        (("Equalize", 0.6, None), ("Equalize", 0.5, None)),
        (("Contrast", 0.6, 7), ("Sharpness", 0.6, 5)),
        (("Color", 0.7, 7), ("TranslateX", 0.5, 8)),
        (("Equalize", 0.3, None), ("AutoContrast", 0.4, None)),
        (("TranslateY", 0.4, 3), ("Sharpness", 0.2, 6)),
        (("Brightness", 0.9, 6), ("Color", 0.2, 8)),
        (("Solarize", 0.5, 2), ("Invert", 0.0, None)),
        (("Equalize", 0.2, None), ("AutoContrast", 0.6, None)),
        (("Equalize", 0.2, None), ("Equalize", 0.6, None)),
        (("Color", 0.9, 9), ("Equalize", 0.6, None)),
        (("AutoContrast", 0.8, None), ("Solarize", 0.2, 8)),
        (("Brightness", 0.1, 3), ("Color", 0.7, 0)),
        (("Solarize", 0.4, 5), ("AutoContrast", 0.9, None)),
        (("TranslateY", 0.9, 9), ("TranslateY", 0.7, 9)),
        (("AutoContrast", 0.9, None), ("Solarize", 0.8, 3)),
        (("Equalize", 0.8, None), ("Invert", 0.1, None)),
        (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, None)),
    ),
}
POLICIES = ("", "randaugment", *AUTOAUGMENT)


def magnitude_of(operation: str, level: int, levels: int) -> float:
    """The magnitude of a level from 0 to levels - 1.

    It is a slope (Shear), a share of the side (Translate), degrees (Rotate), a factor - 1 (Brightness, Color, Contrast,
    Sharpness), the number of bits that stay (Posterize), or a threshold (Solarize).
    """
    share = level / (levels - 1)
    match operation:
        case "ShearX" | "ShearY":
            return 0.3 * share
        case "TranslateX" | "TranslateY":
            return 150 / 331 * share
        case "Rotate":
            return 30 * share
        case "Brightness" | "Color" | "Contrast" | "Sharpness":
            return 0.9 * share
        case "Posterize":
            return 8 - round(4 * share)
        case "Solarize":
            return 255 * (1 - share)
    return 0.0


def apply_policy(image: jax.Array, key: jax.Array, policy: str, randaugment: tuple[int, int]) -> jax.Array:
    """Draws the operations of a policy and applies them, one after the other.

    Args:
      image: float32 [side, side, c] on the scale 0..255; it is rounded first.
      key: the random key of the image.
      policy: one of POLICIES.
      randaugment: (how many operations, their level of 0..30).

    Returns:
      float32 [side, side, c], whole numbers from 0 to 255.
    """
    image = jnp.clip(jnp.round(image), 0, 255)
    draw = _draw_randaugment(key, *randaugment) if policy == "randaugment" else _draw_autoaugment(key, policy)
    # Under `vmap` every image pays for every operation, which takes a CPU longer than one image after the other.
    return jax.lax.platform_dependent(image, *draw, cpu=sequential_vmap(_apply_all), default=_apply_all)


def _apply_all(image: jax.Array, operations: jax.Array, magnitudes: jax.Array) -> jax.Array:
    for operation, magnitude in zip(operations, magnitudes, strict=True):
        image = apply_operation(image, operation, magnitude)
    return image


def apply_operation(image: jax.Array, operation: jax.Array, magnitude: jax.Array) -> jax.Array:
    """Applies one of OPERATIONS, by its index, to float32 [side, side, c] of whole numbers from 0 to 255."""
    image = _move(image, *_affine(operation, magnitude, image.shape[0]))
    tones = {name: index for index, name in enumerate(_TONES, start=1)}
    branch = jnp.array([tones.get(name, 0) for name in OPERATIONS])[operation]
    return jax.lax.switch(branch, [lambda image, magnitude: image, *_TONES.values()], image, magnitude)


def _draw_randaugment(key: jax.Array, count: int, level: int) -> tuple[jax.Array, jax.Array]:
    """Draws operations and magnitudes of RandAugment: ([count], [count])."""
    operation_key, sign_key = jax.random.split(key)
    magnitudes = jnp.array([magnitude_of(name, level, RANDAUGMENT_LEVELS) for name in OPERATIONS])
    operation = jax.random.randint(operation_key, (count,), 0, len(OPERATIONS) - 1)
    return operation, magnitudes[operation] * _draw_signs(sign_key, operation)


def _draw_autoaugment(key: jax.Array, policy: str) -> tuple[jax.Array, jax.Array]:
    """Draws operations and magnitudes of AutoAugment: ([2], [2])."""
    row_key, apply_key, sign_key = jax.random.split(key, 3)
    table = [step for pair in AUTOAUGMENT[policy] for step in pair]
    operations = jnp.array([OPERATIONS.index(name) for name, _, _ in table]).reshape(-1, 2)
    probabilities = jnp.array([probability for _, probability, _ in table]).reshape(-1, 2)
    magnitudes = jnp.array([magnitude_of(name, level or 0, _AUTOAUGMENT_LEVELS) for name, _, level in table])
    row = jax.random.randint(row_key, (), 0, len(operations))
    applied = jax.random.uniform(apply_key, (2,)) < probabilities[row]
    operation = jnp.where(applied, operations[row], OPERATIONS.index("Identity"))
    return operation, magnitudes.reshape(-1, 2)[row] * _draw_signs(sign_key, operation)


def _draw_signs(key: jax.Array, operation: jax.Array) -> jax.Array:
    negative = jax.random.bernoulli(key, shape=operation.shape) & jnp.array(_SIGNED)[operation]
    return jnp.where(negative, -1.0, 1.0)


def _affine(operation: jax.Array, magnitude: jax.Array, side: int) -> tuple[jax.Array, jax.Array]:
    """The affine map of an operation: a matrix [2, 2] and an offset [2].

    They map (x, y) of the result to (x, y) of the source, from the top left corner. Shears keep that corner, and
    rotations, counter-clockwise, keep the centre. An operation that moves nothing has the identity.
    """

    def share(name: str) -> jax.Array:
        return jnp.where(operation == OPERATIONS.index(name), magnitude, 0.0)

    angle = jnp.deg2rad(share("Rotate"))
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    matrix = jnp.array([[cos, share("ShearX") - sin], [share("ShearY") + sin, cos]])
    offset = side / 2 * jnp.array([1 - cos + sin, 1 - cos - sin])
    return matrix, offset - jnp.trunc(side * jnp.array([share("TranslateX"), share("TranslateY")]))


def _move(image: jax.Array, matrix: jax.Array, offset: jax.Array) -> jax.Array:
    side = image.shape[0]
    centres = jnp.arange(side) + 0.5
    x, y = (
        jnp.floor(row[0] * centres + row[1] * centres[:, None] + shift).astype(jnp.int32)
        for row, shift in zip(matrix, offset, strict=True)
    )
    inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
    return jnp.where(inside[..., None], nearest(image, jnp.clip(y, 0, side - 1), jnp.clip(x, 0, side - 1)), 0.0)


def _brightness(image: jax.Array, magnitude: jax.Array) -> jax.Array:
    return jnp.floor(blend(jnp.zeros_like(image), image, 1 + magnitude))


def _color(image: jax.Array, magnitude: jax.Array) -> jax.Array:
    return jnp.floor(blend(_grey(image).astype(jnp.float32), image, 1 + magnitude))


def _contrast(image: jax.Array, magnitude: jax.Array) -> jax.Array:
    grey = _grey(image)
    mean = (grey.sum() + grey.size // 2) // grey.size
    return jnp.floor(blend(mean.astype(jnp.float32), image, 1 + magnitude))


def _sharpness(image: jax.Array, magnitude: jax.Array) -> jax.Array:
    inner = image[1:-1, 1:-1]
    rows = image[:-2] + image[1:-1] + image[2:]
    total = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + 4 * inner
    smooth = image.at[1:-1, 1:-1].set(jnp.floor(total / 13 + 0.5))  # Pillow's filter leaves the edge as it is
    return jnp.floor(blend(smooth, image, 1 + magnitude))


def _posterize(image: jax.Array, bits: jax.Array) -> jax.Array:
    return (image.astype(jnp.int32) & -(1 << (8 - bits.astype(jnp.int32)))).astype(jnp.float32)


def _solarize(image: jax.Array, threshold: jax.Array) -> jax.Array:
    return jnp.where(image < threshold, image, 255 - image)


def _auto_contrast(image: jax.Array, magnitude: jax.Array) -> jax.Array:
    least, most = image.min((0, 1)), image.max((0, 1))
    return jnp.where(most > least, jnp.floor((image - least) * 255 / jnp.maximum(most - least, 1)), image)


def _equalize(image: jax.Array, magnitude: jax.Array) -> jax.Array:
    def channel(values: jax.Array) -> jax.Array:
        count = count_values(values, 256)
        step = (values.size - count[values.max()]) // 255
        table = (step // 2 + jnp.cumsum(count) - count) // jnp.maximum(step, 1)
        return jnp.where(step > 0, look_up(jnp.minimum(table, 255), values), values)

    pixels = image.astype(jnp.int32).reshape(-1, image.shape[-1])
    return jax.vmap(channel, -1, -1)(pixels).reshape(image.shape).astype(jnp.float32)


def _invert(image: jax.Array, magnitude: jax.Array) -> jax.Array:
    return 255 - image


def _grey(image: jax.Array) -> jax.Array:
    """Pillow's mode L: [h, w, c] -> int32 [h, w, 1]."""
    if image.shape[-1] == 1:
        return image.astype(jnp.int32)
    luma = jnp.array([19595, 38470, 7471])  # of 65,536
    return (jnp.sum(image.astype(jnp.int32) * luma, -1, keepdims=True) + 0x8000) >> 16


_TONES = {
    "Brightness": _brightness,
    "Color": _color,
    "Contrast": _contrast,
    "Sharpness": _sharpness,
    "Posterize": _posterize,
    "Solarize": _solarize,
    "AutoContrast": _auto_contrast,
    "Equalize": _equalize,
    "Invert": _invert,
}
