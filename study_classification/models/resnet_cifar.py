"""ResNet for CIFAR (He et al. 2015, https://arxiv.org/abs/1512.03385, section 4.2), with shortcuts without weights.

    layer     32 px     filters   20         32         44         56
    conv1     32x32     16        3x3
    layer1    32x32     16        3 blocks   5          7          9
    layer2    16x16     32        3          5          7          9
    layer3     8x8      64        3          5          7          9
    (head)                        average pool, dense
    parameters                    269,722    464,154    658,586    853,018     of 10 classes

A block is two 3x3 convolutions; the first of layers 2 and 3 has stride 2. Its shortcut ("option A") takes every second
pixel and pads the channels with zeros, half of them in front. Names, padding and kernel initialisation are those of
`resnet.py`; scales start at one, as in the paper.
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from study_classification.models.layers.convolution import HE_FAN_OUT, Conv
from study_classification.models.layers.drop_path import drop_path, linear_rates
from study_classification.models.layers.normalization import batch_norm


class CifarBlock(nn.Module):
    conv: Callable[..., nn.Module]
    norm: Callable[..., Callable]
    drop: Callable[[jax.Array], jax.Array]
    filters: int
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        y = self.conv(self.filters, strides=self.stride, name="conv1")(x)
        y = nn.relu(self.norm(name="bn1")(y))
        y = self.norm(name="bn2")(self.conv(self.filters, name="conv2")(y))
        padding = (self.filters - x.shape[-1]) // 2
        x = jnp.pad(x[:, :: self.stride, :: self.stride], ((0, 0), (0, 0), (0, 0), (padding, padding)))
        return nn.relu(x + self.drop(y))


class CifarResNet(nn.Module):
    """The backbone, with `blocks` blocks in each of three layers: 6 * blocks + 2 layers with weights, with the head.

    `drop_path` is the rate of stochastic depth in the last block.
    """

    blocks: int
    dtype: DTypeLike = jnp.float32
    drop_path: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> feature map [b, h/4, w/4, 64], sizes rounded up."""
        conv = partial(Conv, kernel_size=(3, 3), padding=1, use_bias=False, dtype=self.dtype, kernel_init=HE_FAN_OUT)
        norm = batch_norm(train, momentum=0.9, epsilon=1e-5, dtype=self.dtype)
        rates = iter(linear_rates(self.drop_path, 3 * self.blocks))
        x = nn.relu(norm(name="bn1")(conv(16, name="conv1")(x)))
        for i in range(3):
            for j in range(self.blocks):
                stride = 2 if i > 0 and j == 0 else 1
                drop = drop_path(train, next(rates))
                x = CifarBlock(conv, norm, drop, 16 * 2**i, stride, name=f"layer{i + 1}_{j}")(x)
        return x
