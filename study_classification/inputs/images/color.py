"""Changes colours at random: torchvision's `ColorJitter` on float images of 0..255, in one fixed order."""

import jax
import jax.numpy as jnp

# Rec. 601 luma, as in Pillow and torchvision.
_LUMA = (0.299, 0.587, 0.114)


def jitter(image: jax.Array, key: jax.Array, strengths: tuple[float, float, float, float]) -> jax.Array:
    """Changes brightness, contrast, saturation and hue, in this order (torchvision shuffles them for every image).

    Args:
      image: float32 [h, w, c] on the scale 0..255. With one channel only the first two have an effect.
      key: the random key of the image.
      strengths: the factors of the first three are drawn from max(0, 1 - strength)..1 + strength, the turn of the hue
        from -strength..strength, as a share of the colour circle. 0 leaves a property as it is.

    Returns:
      float32 [h, w, c] on the scale 0..255.
    """
    u = jax.random.uniform(key, (4,))
    for change, strength, draw in zip((brightness, contrast, saturation), strengths, u[:3], strict=False):
        if strength:
            smallest = max(0.0, 1 - strength)
            image = change(image, smallest + draw * (1 + strength - smallest))
    return turn_hue(image, strengths[3] * (2 * u[3] - 1)) if strengths[3] else image


def blend(degenerate: jax.Array, image: jax.Array, factor: jax.Array) -> jax.Array:
    """Mixes two images: `degenerate` at factor 0, `image` at 1, beyond it more than `image`; clipped to 0..255."""
    return jnp.clip(degenerate + factor * (image - degenerate), 0, 255)


def brightness(image: jax.Array, factor: jax.Array) -> jax.Array:
    """Changes the brightness; factor 0 gives black: [h, w, c] -> [h, w, c]."""
    return blend(jnp.zeros_like(image), image, factor)


def contrast(image: jax.Array, factor: jax.Array) -> jax.Array:
    """Changes the contrast; factor 0 gives the mean grey of the image: [h, w, c] -> [h, w, c]."""
    return blend(_grey(image).mean(), image, factor)


def saturation(image: jax.Array, factor: jax.Array) -> jax.Array:
    """Changes the saturation; factor 0 gives the grey image: [h, w, c] -> [h, w, c]."""
    return blend(_grey(image), image, factor)


def turn_hue(image: jax.Array, turn: jax.Array) -> jax.Array:
    """Turns the hue in HSV space by a share of the colour circle: [h, w, c] -> [h, w, c]; grey stays grey."""
    if image.shape[-1] == 1:
        return image
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    value = image.max(-1)
    chroma = value - image.min(-1)
    divisor = jnp.where(chroma > 0, chroma, 1)
    # Comparing with `value` for equality would fail where a compiler computes a channel twice and rounds differently.
    sextant = jnp.where(
        (red >= green) & (red >= blue),
        (green - blue) / divisor,
        jnp.where(green >= blue, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    # Red, green and blue fall by the chroma where the hue is far from them: sextants 5, 3 and 1 begin their fall.
    place = (sextant[..., None] + 6 * turn + jnp.array([5.0, 3.0, 1.0])) % 6
    return value[..., None] - chroma[..., None] * jnp.clip(jnp.minimum(place, 4 - place), 0, 1)


def _grey(image: jax.Array) -> jax.Array:
    """[h, w, c] -> [h, w, 1]."""
    return image if image.shape[-1] == 1 else jnp.sum(image * jnp.array(_LUMA), -1, keepdims=True)
