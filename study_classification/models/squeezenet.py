"""SqueezeNet 1.1 (Iandola et al. 2016, https://arxiv.org/abs/1602.07360; 1.1 is its authors' later release, with 2.4
times fewer operations, https://github.com/forresti/SqueezeNet).

    layer       224 px     squeeze 1x1   expand 1x1, 3x3
    conv1       111x111    3x3, 64, stride 2
    pool         55x55     3x3 max, stride 2
    fire2        55x55     16            64, 64
    fire3        55x55     16            64, 64
    pool         27x27     3x3 max, stride 2
    fire4        27x27     32            128, 128
    fire5        27x27     32            128, 128
    pool         13x13     3x3 max, stride 2
    fire6        13x13     48            192, 192
    fire7        13x13     48            192, 192
    fire8        13x13     64            256, 256
    fire9        13x13     64            256, 256
    (head)                 dropout 0.5, 1x1 convolution, ReLU, average pool
    parameters   1,235,496 of 1,000 classes; 0.35 GMACs at 224 px

A fire module squeezes its channels, expands them by 1x1 and by 3x3 convolutions, and joins the two. Every convolution
has a bias and ReLU, none has BatchNorm. conv1 and the pools are not padded, but a pool keeps a last window that sticks
out by one pixel (PyTorch's `ceil_mode`).
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from study_classification.errors import ConfigError
from study_classification.models.layers import pooling
from study_classification.models.layers.convolution import Conv

FIRES = (16, 16, 32, 32, 48, 48, 64, 64)  # squeezed channels of fire2 to fire9; each expansion gives four times as many
POOLED = (2, 4, 6)  # a pool lies before these
MIN_IMAGE_SIZE = 17  # conv1 8, pools 4, 2, 1


class SqueezeNet(nn.Module):
    """The backbone, with He-uniform kernels (fan-in) and zero biases."""

    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> feature map [b, h', w', 512], 13 x 13 at 224 px; ConfigError below 17 px."""
        if min(x.shape[1:3]) < MIN_IMAGE_SIZE:
            raise ConfigError(
                f"preprocess.image_size is {min(x.shape[1:3])}, too small for the unpadded pools of the model "
                f"`squeezenet1_1`; give at least {MIN_IMAGE_SIZE}, or choose another model.name"
            )
        conv = partial(Conv, dtype=self.dtype, kernel_init=nn.initializers.he_uniform())
        x = nn.relu(conv(64, (3, 3), 2, padding="VALID", name="conv1")(x))
        for number, squeezed in enumerate(FIRES, start=2):
            if number in POOLED:
                x = max_pool(x)
            x = Fire(conv, squeezed, name=f"fire{number}")(x)
        return x


class Fire(nn.Module):
    conv: Callable[..., nn.Module]
    squeezed: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        x = nn.relu(self.conv(self.squeezed, (1, 1), name="squeeze")(x))
        narrow = self.conv(4 * self.squeezed, (1, 1), name="expand1x1")(x)
        wide = self.conv(4 * self.squeezed, (3, 3), padding=1, name="expand3x3")(x)
        return nn.relu(jnp.concatenate([narrow, wide], axis=-1))


def max_pool(x: jax.Array) -> jax.Array:
    """The 3x3 maximum at stride 2. The last window sticks out by one pixel if the side is even."""
    return pooling.max_pool(x, 3, 2, [(0, 1 - side % 2) for side in x.shape[1:3]])


class SqueezeNetHead(nn.Module):
    """Classifies each place of the feature map, then averages. Kernels begin normal (deviation 0.01), biases at 0."""

    num_classes: int
    dropout: float = 0.0

    def pool(self, x: jax.Array) -> jax.Array:
        """The feature map, in float32: the average comes after ReLU, so features cannot be averaged before."""
        return x.astype(jnp.float32)

    @nn.compact
    def __call__(self, features: jax.Array, train: bool) -> jax.Array:
        """Feature map [b, h, w, 512] -> logits [b, num_classes], none below 0."""
        x = nn.Dropout(self.dropout, deterministic=not train, name="dropout")(features)
        x = Conv(self.num_classes, (1, 1), kernel_init=nn.initializers.normal(0.01), name="classifier")(x)
        return nn.relu(x).mean((1, 2))
