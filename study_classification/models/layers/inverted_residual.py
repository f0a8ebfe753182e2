"""The inverted residual block of MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381, figure 3b), and of
EfficientNet, which adds squeeze-and-excitation (Hu et al. 2017, https://arxiv.org/abs/1709.01507):

    layer            output, of an input [h, w, c]
    expand     1x1   h   w   expansion c    activation; left out where the expansion is 1
    depthwise  kxk   h/s w/s expansion c    activation; stride s, each channel on its own
    se               h/s w/s expansion c    each channel times a gate of 0 to 1, computed from the averages of all
    project    1x1   h/s w/s filters        no activation: it would lose what few channels hold

The wide layers lie between narrow ends, and the input is added to an output of its shape. In training this sum leaves
the block out for a share of the images: stochastic depth (Huang et al. 2016, https://arxiv.org/abs/1603.09382).
"""

from collections.abc import Callable

import flax.linen as nn
import jax
from jax.typing import DTypeLike

from study_classification.models.conventions import Conventions
from study_classification.models.layers.convolution import Conv
from study_classification.models.layers.normalization import batch_norm


class ConvNorm(nn.Module):
    """Convolution without bias, then BatchNorm. Kernels begin He-normal, by the fan-out of the group of one channel."""

    conventions: Conventions
    dtype: DTypeLike
    filters: int
    kernel: int
    stride: int = 1
    depthwise: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        x = Conv(
            self.filters,
            (self.kernel, self.kernel),
            self.stride,
            padding=self.conventions.padding(self.kernel, self.stride),
            feature_group_count=self.filters if self.depthwise else 1,
            use_bias=False,
            dtype=self.dtype,
            # one channel in and one out: fan-in is fan-out, and Flax's fan-out would count all groups
            kernel_init=nn.initializers.variance_scaling(2.0, "fan_in" if self.depthwise else "fan_out", "normal"),
            name="conv",
        )(x)
        norm = batch_norm(train, self.conventions.bn_momentum, self.conventions.bn_epsilon, self.dtype)
        return norm(name="bn")(x)


class SqueezeExcite(nn.Module):
    """Multiplies each channel by a gate, which two dense layers compute from the averages of all channels.

    `squeezed` is the width between the two. They are 1x1 convolutions, as in all releases, with LeCun-normal kernels
    and zero biases.
    """

    squeezed: int
    activation: Callable[[jax.Array], jax.Array]
    dtype: DTypeLike

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        gate = x.mean((1, 2), keepdims=True)
        gate = self.activation(Conv(self.squeezed, (1, 1), dtype=self.dtype, name="reduce")(gate))
        return x * nn.sigmoid(Conv(x.shape[-1], (1, 1), dtype=self.dtype, name="expand")(gate))


class InvertedResidual(nn.Module):
    """The block. `conv_norm` is ConvNorm with its conventions and dtype.

    `se_ratio` is the ratio of squeezed channels to input channels; 0 leaves squeeze-and-excitation out."""

    conv_norm: Callable[..., ConvNorm]
    activation: Callable[[jax.Array], jax.Array]
    expansion: int
    filters: int
    kernel: int
    stride: int
    se_ratio: float = 0.0
    drop_path: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        channels = self.expansion * x.shape[-1]
        y = x
        if self.expansion > 1:
            y = self.activation(self.conv_norm(channels, 1, name="expand")(y, train))
        y = self.conv_norm(channels, self.kernel, self.stride, depthwise=True, name="depthwise")(y, train)
        y = self.activation(y)
        if self.se_ratio:
            y = SqueezeExcite(int(self.se_ratio * x.shape[-1]), self.activation, y.dtype, name="se")(y)
        y = self.conv_norm(self.filters, 1, name="project")(y, train)
        if x.shape != y.shape:
            return y
        return x + nn.Dropout(self.drop_path, broadcast_dims=(1, 2, 3), deterministic=not train, name="drop_path")(y)
