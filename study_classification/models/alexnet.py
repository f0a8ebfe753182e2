"""AlexNet as in Krizhevsky 2014 (https://arxiv.org/abs/1404.5997, the one column of torchvision), of 2012 by name.

    layer     224 px     filters
    conv1      55x55     11x11, 64, stride 4, padding 2
    pool       27x27     3x3 max, stride 2
    conv2      27x27     5x5, 192, padding 2
    pool       13x13     3x3 max, stride 2
    conv3      13x13     3x3, 384, padding 1
    conv4      13x13     3x3, 256, padding 1
    conv5      13x13     3x3, 256, padding 1
    pool        6x6      3x3 max, stride 2
    (head)      6x6      dense 4096, dense 4096, dense; dropout 0.5 after the first two
    parameters           61,100,840 of 1,000 classes

Every convolution is followed by ReLU. Dropout stands after the hidden layers, as in Krizhevsky et al. 2012;
torchvision drops their inputs instead. Kernels start He-normal (fan-in).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from study_classification.models.layers.convolution import Conv
from study_classification.models.layers.pooling import max_pool

# filters, kernel, stride, padding, max pool after it
LAYERS = (
    (64, 11, 4, 2, True),
    (192, 5, 1, 2, True),
    (384, 3, 1, 1, False),
    (256, 3, 1, 1, False),
    (256, 3, 1, 1, True),
)


class AlexNet(nn.Module):
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c], at least 63 px -> feature map [b, h', w', 256], 6 x 6 at 224 px."""
        for i, (filters, kernel, stride, padding, pool) in enumerate(LAYERS, start=1):
            conv = Conv(
                filters,
                (kernel, kernel),
                stride,
                padding,
                dtype=self.dtype,
                kernel_init=nn.initializers.he_normal(),
                name=f"conv{i}",
            )
            x = nn.relu(conv(x))
            if pool:
                x = max_pool(x, 3, 2)
        return x
