"""EfficientNet (Tan & Le 2019, https://arxiv.org/abs/1905.11946, table 1), B0 to B7.

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

Parameters are of 1,000 classes, GMACs at the image size. Every convolution has BatchNorm, every block squeeze-and-
excitation with a quarter of its input's channels; the activation is swish. Stochastic depth leaves a block out with a
probability that grows linearly with its place, up to 0.2. A block is called `stage2_1`: the second of stage 2.
"""

import math
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from study_classification.models.conventions import Conventions
from study_classification.models.inverted_residual import ConvNorm, InvertedResidual

STAGES = (  # expansion, kernel, filters, blocks, stride of the first
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)


class EfficientNet(nn.Module):
    """`drop_path` is the probability that stochastic depth reaches towards the last block."""

    width: float
    depth: float
    conventions: Conventions
    dtype: DTypeLike = jnp.float32
    drop_path: float = 0.2

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Pictures [b, h, w, c] -> feature map [b, h/32, w/32, 1280 width], sizes rounded up."""
        conv_norm = partial(ConvNorm, self.conventions, self.dtype)
        x = nn.silu(conv_norm(scaled(32, self.width), 3, 2, name="stem")(x, train))
        repeats = [math.ceil(self.depth * blocks) for *_, blocks, _ in STAGES]
        for i, (expansion, kernel, filters, _, stride) in enumerate(STAGES):
            for j in range(repeats[i]):
                x = InvertedResidual(
                    conv_norm,
                    nn.silu,
                    expansion,
                    scaled(filters, self.width),
                    kernel,
                    stride if j == 0 else 1,
                    se_ratio=0.25,
                    drop_path=self.drop_path * (sum(repeats[:i]) + j) / sum(repeats),
                    name=f"stage{i + 1}_{j}",
                )(x, train)
        return nn.silu(conv_norm(scaled(1280, self.width), 1, name="top")(x, train))


def scaled(filters: int, width: float) -> int:
    """filters * width, rounded to a multiple of 8 that is not more than a tenth below it."""
    rounded = int(filters * width + 4) // 8 * 8
    return rounded + 8 if rounded < 0.9 * filters * width else rounded
