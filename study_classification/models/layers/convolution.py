"""Convolution as all networks use it: XLA's own, except on a CPU, where the fastest measured method is used.

XLA's convolutions for CPUs leave most of the processor unused if they are depthwise, 1x1, or larger than the image, and
in some gradients. There each of the three computations (forward, gradient by the input, gradient by the
kernel) is done by one of three methods:

    xla       XLA's own convolution
    shifted   a sum over the taps of the kernel, of the shifted image times the tap: an elementwise product where the
              convolution is depthwise, a matrix product else; a 1x1 kernel makes it a single matrix product
    patches   one matrix product, with all shifted images side by side (im2col)

`methods` chooses by the shapes, as measured by `scripts/benchmarks/convolution.py`. The choice takes effect when a
program is lowered for a CPU; a GPU or TPU gets the plain convolution. All gradients are exact.

Shapes are those of `jax.lax`: images [b, h, w, c], kernels [kh, kw, c / groups, filters].
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import DTypeLike

HE_FAN_OUT = nn.initializers.variance_scaling(2.0, "fan_out", "normal")  # torchvision's
Pair = tuple[int, int]
Shape = tuple[int, ...]
Padding = tuple[Pair, Pair]  # of height and width: before, after; a negative one crops


class Conv(nn.Module):
    """`nn.Conv` in two dimensions, with its names, initial values and dtypes, by `convolution`."""

    features: int
    kernel_size: Pair
    strides: int = 1
    padding: str | int | Sequence[Pair] = "SAME"
    feature_group_count: int = 1
    use_bias: bool = True
    dtype: DTypeLike | None = None
    kernel_init: nn.initializers.Initializer = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """[b, h, w, c] -> [b, h', w', features]."""
        shape = (*self.kernel_size, x.shape[-1] // self.feature_group_count, self.features)
        kernel = self.param("kernel", self.kernel_init, shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,)) if self.use_bias else None
        x, kernel, bias = nn.dtypes.promote_dtype(x, kernel, bias, dtype=self.dtype)
        padding = [(self.padding, self.padding)] * 2 if isinstance(self.padding, int) else self.padding
        y = convolution(x, kernel, self.strides, padding, self.feature_group_count)
        return y if bias is None else y + bias


def convolution(
    x: Array, kernel: Array, stride: int = 1, padding: str | Sequence[Pair] = "SAME", groups: int = 1
) -> Array:
    """[b, h, w, c] and [kh, kw, c / groups, filters] -> [b, h', w', filters]; `padding` as `lax.conv` takes it."""
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(x.shape[1:3], kernel.shape[:2], (stride, stride), padding)
    (top, bottom), (left, right) = padding
    return _convolution(x, kernel, stride, ((int(top), int(bottom)), (int(left), int(right))), groups)


class Methods(NamedTuple):
    forward: str
    input_gradient: str
    kernel_gradient: str


def methods(x: Shape, kernel: Shape, stride: int, padding: Padding, groups: int) -> Methods:
    """The methods by which a CPU computes a convolution of these shapes and its gradients."""
    if groups > 1:
        return Methods(*3 * ["shifted" if is_depthwise(kernel, groups) else "xla"])
    if kernel[:2] == (1, 1):
        return Methods(*3 * ["shifted"])
    # XLA exchanges image and kernel if the kernel is larger, and is then 100 times slower.
    sizes = zip(x[1:3], kernel[:2], padding, strict=True)
    output = ((size + sum(pair) - taps) // stride + 1 for size, taps, pair in sizes)
    return Methods(
        forward="patches" if _is_larger(kernel, x[1:3]) else "xla",
        input_gradient="shifted" if stride > 1 or _is_larger(kernel, output) else "xla",
        kernel_gradient="xla",
    )


def _is_larger(kernel: Shape, image: Iterable[int]) -> bool:
    return any(taps > size for taps, size in zip(kernel[:2], image, strict=True))


def is_depthwise(kernel: Shape, groups: int) -> bool:
    """Whether each channel has one filter, which sees no other channel."""
    return kernel[2] == 1 and kernel[3] == groups


@partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _convolution(x: Array, kernel: Array, stride: int, padding: Padding, groups: int) -> Array:
    method = methods(x.shape, kernel.shape, stride, padding, groups).forward
    geometry: dict[str, Any] = {"stride": stride, "padding": padding, "groups": groups}
    return _dispatch(method, forward, partial(xla_convolution, **geometry), **geometry)(x, kernel)


def _save(x: Array, kernel: Array, stride: int, padding: Padding, groups: int) -> tuple[Array, tuple[Array, Array]]:
    return _convolution(x, kernel, stride, padding, groups), (x, kernel)


def _gradients(
    stride: int, padding: Padding, groups: int, saved: tuple[Array, Array], dy: Array
) -> tuple[Array, Array]:
    x, kernel = saved
    chosen = methods(x.shape, kernel.shape, stride, padding, groups)
    geometry: dict[str, Any] = {"stride": stride, "padding": padding, "groups": groups}

    def by_input(x: Array, kernel: Array, dy: Array) -> Array:
        return jax.vjp(lambda x: xla_convolution(x, kernel, **geometry), x)[1](dy)[0]

    def by_kernel(x: Array, kernel: Array, dy: Array) -> Array:
        return jax.vjp(lambda kernel: xla_convolution(x, kernel, **geometry), kernel)[1](dy)[0]

    by_input = _dispatch(chosen.input_gradient, input_gradient, by_input, **geometry)
    by_kernel = _dispatch(chosen.kernel_gradient, kernel_gradient, by_kernel, **geometry)
    return by_input(x, kernel, dy), by_kernel(x, kernel, dy)


_convolution.defvjp(_save, _gradients)


def _dispatch(
    method: str, function: Callable[..., Array], xla: Callable[..., Array], **geometry
) -> Callable[..., Array]:
    """Calls `function` by the method if the program is lowered for a CPU, else XLA's own."""
    if method == "xla":
        return xla
    return partial(lax.platform_dependent, cpu=partial(function, method, **geometry), default=xla)


def xla_convolution(x: Array, kernel: Array, stride: int, padding: Padding, groups: int) -> Array:
    """XLA's own convolution."""
    numbers = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), padding, dimension_numbers=numbers, feature_group_count=groups
    )


def forward(method: str, x: Array, kernel: Array, stride: int, padding: Padding, groups: int = 1) -> Array:
    """Computes the convolution by a method."""
    if method == "xla":
        return xla_convolution(x, kernel, stride, padding, groups)
    inputs, filters = kernel.shape[2:]
    views = shifted_views(x, kernel.shape[:2], stride, padding)
    if groups > 1:
        taps = kernel.reshape(-1, filters).astype(wide(x))
        y = reduce(jnp.add, [view.astype(wide(x)) * tap for view, tap in zip(views, taps, strict=True)])
    elif method == "patches":
        y = product(jnp.concatenate(views, -1), kernel.reshape(-1, filters))
    else:
        taps = kernel.reshape(-1, inputs, filters)
        y = reduce(jnp.add, [product(view, tap) for view, tap in zip(views, taps, strict=True)])
    return y.astype(x.dtype)


def input_gradient(
    method: str, x: Array, kernel: Array, dy: Array, stride: int, padding: Padding, groups: int = 1
) -> Array:
    """The gradient of sum(convolution(x, kernel) * dy) with respect to x.

    Pixels of x whose places are equal modulo the stride meet the same taps of the kernel. So their gradients are a
    convolution, of stride 1, of dy with these taps in reverse.
    """
    taps = kernel if groups > 1 else kernel.swapaxes(2, 3)
    height, width = x.shape[1:3]
    rows, columns = (-(-size // stride) for size in (height, width))

    def phase(u: int, v: int) -> Array:
        first, vertical = _phase(u, kernel.shape[0], stride, padding[0][0], dy.shape[1], rows)
        second, horizontal = _phase(v, kernel.shape[1], stride, padding[1][0], dy.shape[2], columns)
        reverse = taps[first::stride, second::stride][::-1, ::-1]
        if not reverse.size:
            return jnp.zeros((len(x), rows, columns, x.shape[-1]), x.dtype)
        return forward(method, dy, reverse, 1, (vertical, horizontal), groups)

    return interleaved(phase, stride)[:, :height, :width]


def interleaved(phase: Callable[[int, int], Array], stride: int) -> Array:
    """Joins stride * stride images to one: phase(u, v) has the pixels (u, u + stride, ...) x (v, v + stride, ...)."""
    lines = [jnp.stack([phase(u, v) for v in range(stride)], axis=3) for u in range(stride)]
    b, rows, columns, _, c = lines[0].shape
    return jnp.stack(lines, axis=2).reshape(b, rows * stride, columns * stride, c)


def _phase(offset: int, taps: int, stride: int, padded: int, length: int, pixels: int) -> tuple[int, Pair]:
    """(first tap, padding of dy) along one axis, for the pixels offset, offset + stride, ..."""
    shift, first = divmod(offset + padded, stride)
    taps = len(range(first, taps, stride))
    before = taps - 1 - shift
    return first, (before, pixels + taps - 1 - length - before)


def kernel_gradient(
    method: str, x: Array, kernel: Array, dy: Array, stride: int, padding: Padding, groups: int = 1
) -> Array:
    """The gradient of sum(convolution(x, kernel) * dy) with respect to the kernel."""
    views = shifted_views(x, kernel.shape[:2], stride, padding)
    if groups > 1:
        # One reduction of all taps, first over each line of pixels: XLA makes one loop of it, which reads x once.
        products = [view.astype(wide(x)) * dy.astype(wide(x)) for view in views]
        zeros = [jnp.zeros((), wide(x))] * len(products)
        lines = lax.reduce(products, zeros, lambda a, b: [i + j for i, j in zip(a, b, strict=True)], [2])
        gradient = jnp.stack([line.sum((0, 1)) for line in lines])
    elif method == "patches":
        gradient = outer(jnp.concatenate(views, -1), dy)
    else:
        gradient = jnp.stack([outer(view, dy) for view in views])
    return gradient.reshape(kernel.shape).astype(kernel.dtype)


def shifted_views(x: Array, window: Shape, stride: int, padding: Padding, beyond: float = 0) -> list[Array]:
    """The image as each tap of the window sees it, with `beyond` around it: [b, h', w', c] each, row by row."""
    x = lax.pad(x, jnp.array(beyond, x.dtype), [(0, 0, 0), *((*pair, 0) for pair in padding), (0, 0, 0)])
    b, height, width, c = x.shape
    rows, columns = ((size - taps) // stride for size, taps in zip((height, width), window, strict=True))
    return [
        lax.slice(x, (0, i, j, 0), (b, i + rows * stride + 1, j + columns * stride + 1, c), (1, stride, stride, 1))
        for i in range(window[0])
        for j in range(window[1])
    ]


def product(x: Array, matrix: Array) -> Array:
    """[b, h, w, c] and [c, d] -> [b, h, w, d]."""
    y = jnp.dot(x.reshape(-1, x.shape[-1]), matrix, preferred_element_type=wide(x))
    return y.reshape(*x.shape[:-1], -1)


def outer(x: Array, y: Array) -> Array:
    """[b, h, w, c] and [b, h, w, d] -> [c, d], summed over all pixels."""
    return jnp.dot(x.reshape(-1, x.shape[-1]).T, y.reshape(-1, y.shape[-1]), preferred_element_type=wide(x))


def wide(x: Array) -> DTypeLike:
    """The type in which sums are computed: at least float32."""
    return jnp.promote_types(x.dtype, jnp.float32)
