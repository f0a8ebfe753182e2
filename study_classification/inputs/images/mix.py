"""Mixup (arXiv:1710.09412) and CutMix (arXiv:1905.04899): each image of a batch is mixed with the one before it.

Both follow one rule. A mask gives for each pixel the share of the image itself; the rest comes from its partner. The
targets are mixed by the mean of the mask. As in the papers' code and in torchvision, one mask serves a whole batch. If
both are on, each batch gets one of them, drawn with equal chances.
"""

import jax
import jax.numpy as jnp


def draw_mask(key: jax.Array, side: int, mixup: float, cutmix: float) -> jax.Array:
    """The mask of a batch: the share of each pixel that the image keeps.

    Args:
      key: the random key of the batch.
      side: the side of the images, in pixels.
      mixup: alpha of Mixup, whose share is drawn from Beta(alpha, alpha); 0 is off.
      cutmix: alpha of CutMix, whose area outside of the box is drawn from Beta(alpha, alpha); 0 is off. One of the two
        must be on.

    Returns:
      float32 [side, side], from 0 to 1.
    """
    coin_key, share_key, centre_key = jax.random.split(key, 3)
    cuts = jax.random.bernoulli(coin_key, jnp.where((mixup > 0) & (cutmix > 0), 0.5, cutmix > 0))
    alpha = jnp.where(cuts, cutmix, mixup)
    share = jax.random.beta(share_key, alpha, alpha)
    centre = jax.random.randint(centre_key, (2,), 0, side)
    return jnp.where(cuts, _outside_of_box(share, centre, side), share)


def mix(values: jax.Array, own_share: jax.Array) -> jax.Array:
    """Mixes each value of a batch [b, ...] with the one before it; `own_share` broadcasts to [b, ...].

    The partner of the first value is the last."""
    # Without the barrier a compiler fuses the making of an image into both terms, and makes each image twice.
    values = jax.lax.optimization_barrier(values)
    return own_share * values + (1 - own_share) * jnp.roll(values, 1, axis=0)


def _outside_of_box(share: jax.Array, centre: jax.Array, side: int) -> jax.Array:
    """A mask: 0 in a square of the area 1 - share around the centre, which edges may cut; 1 elsewhere."""
    half = jnp.floor(side * jnp.sqrt(1 - share) / 2)
    distance = jnp.arange(side) - centre[:, None]
    within = (distance >= -half) & (distance < half)  # [2, side]: rows and columns
    return 1.0 - (within[0][:, None] & within[1])
