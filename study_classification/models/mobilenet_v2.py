"""MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381, table 2), of width 1.

    stage     224 px     block            expansion   filters   blocks   stride of the first
    stem      112x112    conv 3x3                     32                 2
    stage1    112x112    inverted res.    1           16        1        1
    stage2     56x56     inverted res.    6           24        2        2
    stage3     28x28     inverted res.    6           32        3        2
    stage4     14x14     inverted res.    6           64        4        2
    stage5     14x14     inverted res.    6           96        3        1
    stage6      7x7      inverted res.    6           160       3        2
    stage7      7x7      inverted res.    6           320       1        1
    top         7x7      conv 1x1                     1280
    (head)               average pool, dropout 0.2, dense
    parameters 3,504,872 of 1,000 classes; 0.30 GMACs at 224 px

Every convolution has BatchNorm; the activation is ReLU6. A block is called `stage2_1`: the second of stage 2.
"""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from study_classification.models.conventions import Conventions
from study_classification.models.layers.drop_path import linear_rates
from study_classification.models.layers.inverted_residual import ConvNorm, InvertedResidual

STAGES = (  # expansion, filters, blocks, stride of the first
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class MobileNetV2(nn.Module):
    """`drop_path` is the rate of stochastic depth in the last block."""

    conventions: Conventions
    dtype: DTypeLike = jnp.float32
    drop_path: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> feature map [b, h/32, w/32, 1280], sizes rounded up."""
        conv_norm = partial(ConvNorm, self.conventions, self.dtype)
        rates = iter(linear_rates(self.drop_path, sum(blocks for *_, blocks, _ in STAGES)))
        x = nn.relu6(conv_norm(32, 3, 2, name="stem")(x, train))
        for i, (expansion, filters, blocks, stride) in enumerate(STAGES, start=1):
            for j in range(blocks):
                block = partial(
                    InvertedResidual, conv_norm, nn.relu6, expansion, filters, kernel=3, drop_path=next(rates)
                )
                x = block(stride=stride if j == 0 else 1, name=f"stage{i}_{j}")(x, train)
        return nn.relu6(conv_norm(1280, 1, name="top")(x, train))
