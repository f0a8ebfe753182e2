"""`original`: the small convolutional network of the study group, trained from scratch on its own photos.

    layer        128 px         64 px
    conv1 3x3    126x126x16     62x62x16
    pool 2x2      63x63x16      31x31x16
    conv2 3x3     61x61x32      29x29x32
    pool 2x2      30x30x32      14x14x32
    conv3 3x3     28x28x64      12x12x64
    pool 2x2      14x14x64      left out: 6x6 is too small for the three convolutions still to come
    conv4 3x3     12x12x64      10x10x64
    pool 2x2       6x6x64        5x5x64
    conv5 3x3      4x4x64        3x3x64
    conv6 3x3      2x2x64        1x1x64
    dense1           516           516
    dense2           256           256
    (head)         classes       classes

Convolutions are not padded, so each takes 2 pixels off a side. From 110 px on the network
has all four pools, as in the left column. Below, a pool is left out if its output would be too small for the
convolutions after it. Without any pool, six convolutions need 13 px, the smallest input.

All hidden layers belong to the backbone: they hold what the network has learnt to see. Only the last layer depends on
the classes.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from study_classification.errors import ConfigError
from study_classification.models.layers.convolution import Conv
from study_classification.models.layers.pooling import max_pool

FILTERS = (16, 32, 64, 64, 64, 64)
POOLS = 4  # after the first four convolutions
HIDDEN = (516, 256)
MIN_IMAGE_SIZE = 2 * len(FILTERS) + 1


class Original(nn.Module):
    """Six convolutions and two dense layers with ReLU; He-normal kernels (fan-in), zero biases."""

    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> features [b, 256]; raises ConfigError below 13 x 13 pixels."""
        if min(x.shape[1:3]) < MIN_IMAGE_SIZE:
            raise ConfigError(
                f"preprocess.image_size is {min(x.shape[1:3])}, too small for the unpadded convolutions of the model "
                f"`original`; give at least {MIN_IMAGE_SIZE}, or choose another model.name"
            )
        for i, filters in enumerate(FILTERS, start=1):
            conv = Conv(
                filters,
                (3, 3),
                padding="VALID",
                dtype=self.dtype,
                kernel_init=nn.initializers.he_normal(),
                name=f"conv{i}",
            )
            x = nn.relu(conv(x))
            convs_left = len(FILTERS) - i
            if i <= POOLS and min(x.shape[1:3]) // 2 > 2 * convs_left:
                x = max_pool(x, 2, 2)
        x = x.reshape(len(x), -1)
        for i, width in enumerate(HIDDEN, start=1):
            dense = nn.Dense(width, dtype=self.dtype, kernel_init=nn.initializers.he_normal(), name=f"dense{i}")
            x = nn.relu(dense(x))
        return x
