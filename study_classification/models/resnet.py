"""ResNet for ImageNet (He et al. 2015, https://arxiv.org/abs/1512.03385, table 1), v1 and v1.5.

    layer     224 px     18         34         50            101           152
    conv1     112x112    7x7, 64, stride 2
    pool       56x56     3x3 max, stride 2
    layer1     56x56     2 basic    3 basic    3 bottleneck  3 bottleneck  3 bottleneck    64 filters
    layer2     28x28     2          4          4             4             8              128
    layer3     14x14     2          6          6             23            36             256
    layer4      7x7      2          3          3             3             3              512
    (head)               average pool, dense
    parameters           11,689,512 21,797,672 25,557,032    44,549,160    60,192,808    of 1,000 classes
    with biases (Keras)                        25,583,592    44,601,832    60,268,520
    GMACs, 224 px        1.81       3.66       4.09          7.80          11.51

basic is 3x3, 3x3; bottleneck is 1x1, 3x3, 1x1 with four times the filters at its end. The first block of layers 2 to 4
has stride 2, in its (first) 3x3 convolution: that is v1.5, of torchvision and timm; Keras has the paper's v1, with the
stride in the bottleneck's first convolution, and biases. Padding is symmetric in all of them; "SAME" would pad one side
more at stride 2. Names are torchvision's with `_` before a block's number: `layer1.0.conv1` is `layer1_0/conv1`.

Initial values: He-normal kernels by fan-out (as torchvision), and zero for the last scale of each block, so that a
block starts as the identity (Goyal et al. 2017, https://arxiv.org/abs/1706.02677, section 5.1).
"""

from collections.abc import Callable, Sequence
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from study_classification.models.conventions import Conventions
from study_classification.models.layers.convolution import HE_FAN_OUT, Conv
from study_classification.models.layers.drop_path import drop_path, linear_rates
from study_classification.models.layers.normalization import batch_norm
from study_classification.models.layers.pooling import max_pool


class Block(nn.Module):
    """The fields and the shortcut of both blocks; only the bottleneck uses `stride_first`."""

    conv: Callable[..., nn.Module]
    norm: Callable[..., Callable]
    drop: Callable[[jax.Array], jax.Array]
    filters: int
    stride: int
    stride_first: bool

    def shortcut(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """x itself, or its projection to the shape of y if they differ (option B of the paper)."""
        if x.shape == y.shape:
            return x
        return self.norm(name="downsample_1")(self.conv(y.shape[-1], (1, 1), self.stride, name="downsample_0")(x))


class BasicBlock(Block):
    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        y = self.conv(self.filters, (3, 3), self.stride, padding=1, name="conv1")(x)
        y = nn.relu(self.norm(name="bn1")(y))
        y = self.conv(self.filters, (3, 3), padding=1, name="conv2")(y)
        y = self.norm(name="bn2", scale_init=nn.initializers.zeros)(y)
        return nn.relu(self.drop(y) + self.shortcut(x, y))


class Bottleneck(Block):
    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        first, second = (self.stride, 1) if self.stride_first else (1, self.stride)
        y = self.conv(self.filters, (1, 1), first, name="conv1")(x)
        y = nn.relu(self.norm(name="bn1")(y))
        y = self.conv(self.filters, (3, 3), second, padding=1, name="conv2")(y)
        y = nn.relu(self.norm(name="bn2")(y))
        y = self.conv(4 * self.filters, (1, 1), name="conv3")(y)
        y = self.norm(name="bn3", scale_init=nn.initializers.zeros)(y)
        return nn.relu(self.drop(y) + self.shortcut(x, y))


class ResNet(nn.Module):
    """The backbone: `layer{i+1}` has `stage_sizes[i]` blocks. `drop_path` is the rate of the last block."""

    block: type[Block]
    stage_sizes: Sequence[int]
    conventions: Conventions
    dtype: DTypeLike = jnp.float32
    drop_path: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> feature map [b, h/32, w/32, 512 (basic) or 2048 (bottleneck)], sizes rounded up."""
        conv = partial(Conv, use_bias=self.conventions.conv_bias, dtype=self.dtype, padding=0, kernel_init=HE_FAN_OUT)
        norm = batch_norm(train, self.conventions.bn_momentum, self.conventions.bn_epsilon, self.dtype)
        block = partial(self.block, conv, norm, stride_first=self.conventions.stride_first)
        rates = iter(linear_rates(self.drop_path, sum(self.stage_sizes)))
        x = conv(64, (7, 7), 2, padding=3, name="conv1")(x)
        x = nn.relu(norm(name="bn1")(x))
        x = max_pool(x, 3, 2, padding=[(1, 1), (1, 1)])
        for i, blocks in enumerate(self.stage_sizes):
            for j in range(blocks):
                stride = 2 if i > 0 and j == 0 else 1
                drop = drop_path(train, next(rates))
                x = block(drop=drop, filters=64 * 2**i, stride=stride, name=f"layer{i + 1}_{j}")(x)
        return x
