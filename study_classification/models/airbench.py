"""The network of Keller Jordan's "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (https://arxiv.org/abs/2404.00498;
code: https://github.com/KellerJordan/cifar10-airbench), which learns CIFAR-10 in a few epochs.

    layer       32 px      filters
    whitening   31x31      24        2x2, not padded; computed from the images; only its bias is trained
    group1      15x15      64        3x3, pool 2x2, BatchNorm, 3x3, BatchNorm
    group2       7x7       256
    group3       3x3       256
    (head)                 max pool, dense
    parameters   1,971,362 of 10 classes; 0.12 GMACs

GELU follows the whitening and every BatchNorm. The first filters of a convolution begin as the identity, the others as
in PyTorch (Kaiming-uniform, a = sqrt(5)). Convolutions have no bias, and BatchNorms no scale.

The filters of the whitening are statistics of the images, so they are `batch_stats`. `Airbench.statistics_of` computes
them, and training asks for them once, before its first step.

Unlike in the paper, the last layer has a bias and LeCun-normal weights, and the map before it is divided by
FEATURE_SCALE (positive factors pass the max pool). So the logits of an untrained network are as small as in the paper.
The epsilon of BatchNorm is 1e-5 rather than 1e-12, which would make rounding errors of a constant channel large. The
bias of the whitening is trained to the end, not for three epochs.
"""

from collections.abc import Iterable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike
from jaxtyping import Float, PyTree

from study_classification.errors import ConfigError
from study_classification.models.layers.convolution import Conv, convolution
from study_classification.models.layers.normalization import batch_norm
from study_classification.models.layers.pooling import max_pool

WIDTHS = (64, 256, 256)
FEATURE_SCALE = 16.0
EPSILON = 5e-4  # is added to the variances by which the whitening divides
MIN_IMAGE_SIZE = 9  # the whitening leaves 8, pools 4, 2, 1

gelu = partial(nn.gelu, approximate=False)


def whitening(batches: Iterable[Float[np.ndarray, "b h w c"]]) -> Float[np.ndarray, "2 2 c filters"]:
    """The 8 c filters that make the 2 x 2 patches of images uncorrelated, with variances l / (l + EPSILON).

    They are the eigenvectors of the covariance of the patches (about 0), each divided by the root of EPSILON + its
    eigenvalue l. The smallest l comes first. The negatives of all filters follow.
    """
    total, count = 0.0, 0
    for images in batches:
        corners = [images[:, i : i + images.shape[1] - 1, j : j + images.shape[2] - 1] for i in (0, 1) for j in (0, 1)]
        patches = np.concatenate(corners, axis=-1).reshape(-1, 4 * images.shape[-1])
        total, count = total + (patches.T @ patches).astype(np.float64), count + len(patches)
    values, vectors = np.linalg.eigh(total / count)
    largest = np.abs(vectors).argmax(0)
    vectors *= np.sign(vectors[largest, np.arange(len(values))])  # a sign of its own, the same on all machines
    filters = vectors / np.sqrt(values + EPSILON)
    return _both_signs(filters).astype(np.float32)


def _both_signs(filters: np.ndarray) -> np.ndarray:
    """[4 c, n] -> [2, 2, c, 2 n]."""
    return np.concatenate([filters, -filters], axis=1).reshape(2, 2, len(filters) // 4, -1)


class Whitening(nn.Module):
    """The convolution by `whitening`, with a bias. Before there are statistics it gives each pixel and its negative."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[b, h, w, c] -> [b, h - 1, w - 1, 8 c], in float32, for small differences of large values become large."""
        plain = partial(_both_signs, np.eye(4 * x.shape[-1], dtype=np.float32))
        kernel = self.variable("batch_stats", "kernel", lambda: jnp.asarray(plain())).value
        bias = self.param("bias", nn.initializers.zeros, kernel.shape[-1:])
        return convolution(x.astype(jnp.float32), kernel, padding="VALID") + bias


def identity_first(key: jax.Array, shape: tuple[int, ...], dtype: DTypeLike = jnp.float32) -> jax.Array:
    """Initial filters [3, 3, inputs, filters]: each of the first passes on one input; the others are as in PyTorch."""
    kernel = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")(key, shape, dtype)
    passed = min(shape[2:])
    return kernel.at[..., :passed].set(0).at[1, 1, :passed, :passed].set(jnp.eye(passed))


class Group(nn.Module):
    filters: int
    train: bool
    dtype: DTypeLike

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[b, h, w, c] -> [b, h // 2, w // 2, filters]."""
        conv = partial(Conv, self.filters, (3, 3), use_bias=False, dtype=self.dtype, kernel_init=identity_first)
        norm = batch_norm(self.train, momentum=0.6, epsilon=1e-5, dtype=self.dtype)
        x = max_pool(conv(name="conv1")(x), 2, 2)
        x = gelu(norm(name="bn1", use_scale=False)(x))
        return gelu(norm(name="bn2", use_scale=False)(conv(name="conv2")(x)))


class Airbench(nn.Module):
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """Images [b, h, w, c] -> feature map [b, (h - 1) // 8, (w - 1) // 8, 256]; raises ConfigError below 9 px."""
        if min(x.shape[1:3]) < MIN_IMAGE_SIZE:
            raise ConfigError(
                f"preprocess.image_size is {min(x.shape[1:3])}, too small for the pools of the model `airbench`; give "
                f"at least {MIN_IMAGE_SIZE}, or choose another model.name"
            )
        x = gelu(Whitening(name="whitening")(x)).astype(self.dtype)
        for i, width in enumerate(WIDTHS, start=1):
            x = Group(width, train, self.dtype, name=f"group{i}")(x)
        return x / FEATURE_SCALE

    @staticmethod
    def statistics_of(batches: Iterable[Float[np.ndarray, "b h w c"]]) -> PyTree:
        """The `batch_stats` of the backbone that are statistics of normalised images, in batches [b, h, w, c]."""
        return {"whitening": {"kernel": whitening(batches)}}
