"""Mixup (arXiv:1710.09412) and CutMix (arXiv:1905.04899): each image of a batch is mixed with the one before it.

Both are one rule: a mask says for each pixel which share of it is the image's own, the rest is its partner's, and the
targets are mixed by the mean of the mask. As in the papers' code and in torchvision, one mask serves a whole batch, and
where both are switched on, each batch gets one of them by the toss of a coin.
"""

import jax
import jax.numpy as jnp


def draw_mask(key: jax.Array, side: int, mixup: float, cutmix: float) -> jax.Array:
    """The share of each pixel that stays the image's own.

    Args:
      key: the batch's.
      side: of the images, in pixels.
      mixup: alpha of Mixup, whose share is drawn from Beta(alpha, alpha); 0 is off.
      cutmix: alpha of CutMix, whose area outside of the box is drawn likewise; 0 is off. One of them must be on.

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
    """[b, ...], and a share that broadcasts to it -> [b, ...]; the first one's partner is the last one."""
    # Without the barrier a compiler fuses what made an image into both terms, and makes each image twice.
    values = jax.lax.optimization_barrier(values)
    return own_share * values + (1 - own_share) * jnp.roll(values, 1, axis=0)


def _outside_of_box(share: jax.Array, centre: jax.Array, side: int) -> jax.Array:
    """0 in a square of the area 1 - share around the centre, 1 elsewhere; what the edges cut off of it is lost."""
    half = jnp.floor(side * jnp.sqrt(1 - share) / 2)
    distance = jnp.arange(side) - centre[:, None]
    within = (distance >= -half) & (distance < half)  # [2, side]: rows and columns
    return 1.0 - (within[0][:, None] & within[1])
