"""EfficientNet (Tan & Le 2019, https://arxiv.org/abs/1905.11946, table 1), B0 to B7, and Lite0 to Lite4.

    stage     224 px (B0)  block            expansion   kernel   filters   blocks   stride of the first
    stem      112x112      conv                         3x3      32                 2
    stage1    112x112      inverted res.    1           3x3      16        1        1
    stage2     56x56       inverted res.    6           3x3      24        2        2
    stage3     28x28       inverted res.    6           5x5      40        2        2
    stage4     14x14       inverted res.    6           3x3      80        3        2
    stage5     14x14       inverted res.    6           5x5      112       3        1
    stage6      7x7        inverted res.    6           5x5      192       4        2
    stage7      7x7        inverted res.    6           3x3      320       1        1
    top         7x7        conv                         1x1      1280
    (head)                 average pool, dropout, dense

B1 to B7 multiply the filters by `width`, to the next multiple of 8, and the blocks by `depth`, rounded up:

                   B0         B1         B2         B3          B4          B5          B6          B7
    width          1.0        1.0        1.1        1.2         1.4         1.6         1.8         2.0
    depth          1.0        1.1        1.2        1.4         1.8         2.2         2.6         3.1
    image size     224        240        260        300         380         456         528         600
    dropout        0.2        0.2        0.3        0.3         0.4         0.4         0.5         0.5
    parameters     5,288,548  7,794,184  9,109,994  12,233,232  19,341,616  30,389,784  43,040,704  66,347,960
    GMACs          0.39       0.69       0.99       1.83        4.39        10.27       19.07       37.75

Parameters are for 1,000 classes, GMACs for the image size. Every convolution has BatchNorm, and every block has
squeeze- and-excitation with a quarter of its input's channels. The activation is swish. Stochastic depth leaves a block
out with a probability that grows linearly with its place, up to 0.2. A block is called `stage2_1`: the second of stage
2.

The Lite networks (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite) are made for devices
without fast sigmoids: no squeeze-and-excitation, ReLU6, stem and top of the same width in all of them, and as many
blocks in the first and last stage. Their padding and BatchNorm are TensorFlow's.

                   Lite0      Lite1      Lite2      Lite3      Lite4
    width          1.0        1.0        1.1        1.2        1.4
    depth          1.0        1.1        1.2        1.4        1.8
    image size     224        240        260        300        380
    dropout        0.2        0.2        0.3        0.3        0.3
    parameters     4,652,008  5,416,680  6,092,072  8,197,096  13,006,568
"""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from study_classification.models.conventions import Conventions
from study_classification.models.layers.inverted_residual import ConvNorm, InvertedResidual

STAGES = (  # expansion, kernel, filters, blocks, stride of the first
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)

VARIANTS = {  # width, depth, dropout
    "efficientnet_b0": (1.0, 1.0, 0.2),
    "efficientnet_b1": (1.0, 1.1, 0.2),
    "efficientnet_b2": (1.1, 1.2, 0.3),
    "efficientnet_b3": (1.2, 1.4, 0.3),
    "efficientnet_b4": (1.4, 1.8, 0.4),
    "efficientnet_b5": (1.6, 2.2, 0.4),
    "efficientnet_b6": (1.8, 2.6, 0.5),
    "efficientnet_b7": (2.0, 3.1, 0.5),
    "efficientnet_lite0": (1.0, 1.0, 0.2),
    "efficientnet_lite1": (1.0, 1.1, 0.2),
    "efficientnet_lite2": (1.1, 1.2, 0.3),
    "efficientnet_lite3": (1.2, 1.4, 0.3),
    "efficientnet_lite4": (1.4, 1.8, 0.3),
}


class EfficientNet(nn.Module):
    """The backbone. `variant` is a name in VARIANTS, `drop_path` the rate of stochastic depth at the last block."""

    variant: str
    conventions: Conventions
    dtype: DTypeLike = jnp.float32
    drop_path: float = 0.2

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> feature map [b, h/32, w/32, 1280 width (1280 of Lite)], sizes rounded up."""
        conv_norm = partial(ConvNorm, self.conventions, self.dtype)
        lite, (width, _, _) = is_lite(self.variant), VARIANTS[self.variant]
        activation = nn.relu6 if lite else nn.silu
        end_width = 1.0 if lite else width  # of stem and top
        x = activation(conv_norm(scaled(32, end_width), 3, 2, name="stem")(x, train))
        repeats = stage_sizes(self.variant)
        for i, (expansion, kernel, filters, _, stride) in enumerate(STAGES):
            for j in range(repeats[i]):
                x = InvertedResidual(
                    conv_norm,
                    activation,
                    expansion,
                    scaled(filters, width),
                    kernel,
                    stride if j == 0 else 1,
                    se_ratio=0.0 if lite else 0.25,
                    drop_path=self.drop_path * (sum(repeats[:i]) + j) / sum(repeats),
                    name=f"stage{i + 1}_{j}",
                )(x, train)
        return activation(conv_norm(scaled(1280, end_width), 1, name="top")(x, train))


def is_lite(variant: str) -> bool:
    return "lite" in variant


def stage_sizes(variant: str) -> list[int]:
    """How many blocks each stage has."""
    sizes = [math.ceil(VARIANTS[variant][1] * blocks) for *_, blocks, _ in STAGES]
    return [STAGES[0][3], *sizes[1:-1], STAGES[-1][3]] if is_lite(variant) else sizes


def scaled(filters: int, width: float) -> int:
    """filters * width, rounded to a multiple of 8 that is not more than a tenth below it."""
    rounded = int(filters * width + 4) // 8 * 8
    return rounded + 8 if rounded < 0.9 * filters * width else rounded
