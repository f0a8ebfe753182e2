"""VGG (Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556, table 1): A, B, D and E, also with BatchNorm.

    block     224 px     11 (A)      13 (B)      16 (D)      19 (E)
    block1    224x224    1 conv      2           2           2             64 filters
    block2    112x112    1           2           2           2            128
    block3     56x56     2           2           3           4            256
    block4     28x28     2           2           3           4            512
    block5     14x14     2           2           3           4            512
    (head)      7x7      dense 4096, dense 4096, dense; dropout 0.5 after the first two
    parameters           132,863,336 133,047,848 138,357,544 143,667,240       of 1,000 classes

Every convolution is 3x3 and is followed by ReLU, every block by a 2x2 max pool. With BatchNorm (`vgg16_bn`, of
torchvision) it stands between convolution and ReLU. Names are Keras' (`block1_conv1`); those of PyTorch are only
numbers. All origins agree at 224 px. At other sizes the head pools to 7x7 as torchvision does; Keras' then has no top.

Initial values: He-normal kernels by fan-out in the convolutions (as torchvision).
"""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from study_classification.models.conventions import Conventions
from study_classification.models.layers.convolution import HE_FAN_OUT, Conv
from study_classification.models.layers.normalization import batch_norm
from study_classification.models.layers.pooling import max_pool

STAGE_SIZES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
FILTERS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """The backbone. `layers` counts the layers with weights, with the head: a key of `STAGE_SIZES`."""

    layers: int
    batch_norm: bool
    conventions: Conventions
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> feature map [b, h/32, w/32, 512], sizes rounded down."""
        conv = partial(Conv, kernel_size=(3, 3), padding=1, dtype=self.dtype, kernel_init=HE_FAN_OUT)
        norm = batch_norm(train, self.conventions.bn_momentum, self.conventions.bn_epsilon, self.dtype)
        for i, (convs, filters) in enumerate(zip(STAGE_SIZES[self.layers], FILTERS, strict=True), start=1):
            for j in range(1, convs + 1):
                x = conv(filters, name=f"block{i}_conv{j}")(x)
                if self.batch_norm:
                    x = norm(name=f"block{i}_bn{j}")(x)
                x = nn.relu(x)
            x = max_pool(x, 2, 2)
        return x
