"""Crops, moves, warps and erases training images: boxes and affine maps."""

from functools import partial

import jax
import jax.numpy as jnp

from study_classification.inputs.images.sampling import bilinear

_ERASED_AREA = (0.02, 0.4)


_ERASED_RATIO = (0.3, 1 / 0.3)


def draw_box(
    u: jax.Array, aspect: jax.Array, scales: tuple[float, float], ratios: tuple[float, float]
) -> tuple[jax.Array, jax.Array]:
    """The box of "inception-style" crops (arXiv:1409.4842, torchvision's `RandomResizedCrop`), without rejection.

    The ratio is drawn first, log-uniformly, in the true proportions of the image. The area is then uniform over the
    part of `scales` for which a box of this ratio fits into the image. If none fits (a long image), the largest box of
    this ratio is taken.

    Returns (top, left) and (height, width) as shares of the image's sides, always within 0..1.
    """
    log_ratio = jnp.log(jnp.array(ratios))
    ratio = jnp.exp(log_ratio[0] + u[0] * (log_ratio[1] - log_ratio[0])) / aspect  # width / height on the square canvas
    scale = jnp.minimum(jnp.array(scales), jnp.minimum(ratio, 1 / ratio))
    area = scale[0] + u[1] * (scale[1] - scale[0])
    size = jnp.minimum(jnp.sqrt(jnp.stack([area / ratio, area * ratio])), 1)
    return u[2:4] * (1 - size), size


def crop_and_resize(image: jax.Array, corner: jax.Array, size: jax.Array, image_size: int) -> jax.Array:
    """Resizes a box, in shares of [S, S, c], to [image_size, image_size, c]: two small matrix products, antialiased."""
    scale = image_size / (image.shape[0] * size)
    shape = (image_size, image_size, image.shape[2])
    translation = -corner * image.shape[0] * scale
    return jax.image.scale_and_translate(
        image, shape, (0, 1), scale, translation, "linear", precision=jax.lax.Precision.HIGHEST
    )


def shifted_window(image: jax.Array, key: jax.Array, padding: int) -> jax.Array:
    """Cuts a window at random from an image with `padding` pixels of its reflection around it: [s, s, c] -> [s, s, c].

    It does what torchvision's `RandomCrop(s, padding=padding, padding_mode="reflect")` does: the edge is not repeated.
    """
    padded = jnp.pad(image, [(padding, padding), (padding, padding), (0, 0)], mode="reflect")
    top, left = jax.random.randint(key, (2,), 0, 2 * padding + 1)
    return jax.lax.dynamic_slice(padded, (top, left, 0), image.shape)


def draw_affine(
    u: jax.Array, rotation: float, shift: float, shear: float, zoom: float, side: int
) -> tuple[jax.Array, jax.Array]:
    """The affine map of rotation, shift, shear and zoom, each within its range for u from -1 to 1.

    It is that of Keras' `apply_affine_transform`. Angles are in degrees, and the shift is a share of the side; see
    `config.augment` in configs/default.py.

    Returns a matrix [2, 2] and an offset [2] that map (row, column) of the result to (row, column) of the source, both
    in pixels from the centre.
    """
    angle, slant = jnp.deg2rad(rotation * u[0]), jnp.deg2rad(shear * u[1])
    turn = jnp.array([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
    shearing = jnp.array([[1.0, -jnp.sin(slant)], [0.0, jnp.cos(slant)]])
    matmul = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
    matrix = matmul(turn, shearing * (1 + zoom * u[4:6]))  # scales the columns: a product with a diagonal matrix
    return matrix, matmul(turn, shift * side * u[2:4])


def warp(image: jax.Array, matrix: jax.Array, offset: jax.Array) -> jax.Array:
    """Warps an image by `source = matrix @ target + offset` from the centre: [s, s, c] -> [s, s, c].

    Values are bilinear, and edge pixels are repeated."""
    side = image.shape[0]
    centre = (side - 1) / 2
    target = jnp.stack(jnp.meshgrid(*2 * [jnp.arange(side) - centre], indexing="ij"))
    source = jnp.einsum("ij,jyx->iyx", matrix, target, precision=jax.lax.Precision.HIGHEST)
    source = source + offset[:, None, None] + centre
    return bilinear(image, *source)


def erase(image: jax.Array, key: jax.Array, probability: float) -> jax.Array:
    """Random erasing (arXiv:1708.04896): noise from 0 to 255 in a box of the paper's areas and proportions.

    The box is drawn like the box of a crop, without the paper's rejection of boxes that do not fit.
    """
    box_key, noise_key = jax.random.split(key)
    u = jax.random.uniform(box_key, (5,))
    corner, size = draw_box(u[:4], jnp.float32(1), _ERASED_AREA, _ERASED_RATIO)
    place = (jnp.arange(image.shape[0]) + 0.5) / image.shape[0]
    within = (place >= corner[:, None]) & (place < (corner + size)[:, None])  # [2, side]: rows and columns
    erased = within[0][:, None] & within[1] & (u[4] < probability)
    noise = jax.lax.bitcast_convert_type(jax.random.bits(noise_key, image.shape[:2], jnp.uint32), jnp.uint8)
    return jnp.where(erased[..., None], noise[..., : image.shape[2]].astype(jnp.float32), image)
