"""Counts what a network consists of and costs: layers, parameters, floating-point operations, memory."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from flax.traverse_util import flatten_dict, unflatten_dict
from jax import ShapeDtypeStruct

from study_classification.models.tracing import trace_calls


@dataclass(frozen=True)
class Layer:
    path: str  # backbone/layer1_0/conv1
    type: str  # Conv
    output_shape: tuple[int, ...]  # of one image
    parameters: int
    trainable: int  # how many of them are trained
    flops: int  # of the forward pass for one image


@dataclass(frozen=True)
class Summary:
    layers: tuple[Layer, ...]  # in the order of the computation
    parameters: int
    trainable: int
    flops: int
    batch_size: int
    memory: dict[str, int]  # kind of array -> bytes, in a training step on one device
    noun: str = "pictures"  # what the examples are called


def summarize(
    model: nn.Module,
    shape: tuple[int, ...],
    batch_size: int,
    trainable: Callable[[str], bool] = lambda path: True,
    optimizer: optax.GradientTransformation | None = None,
    noun: str = "pictures",
) -> Summary:
    """Describes a `Classifier` for examples of a shape without running it. It takes seconds, for a step is compiled.

    `trainable` tells for the path of a parameter ("backbone/conv1/kernel") whether it is trained, and so whether the
    optimizer keeps state for it. Without an optimizer there is no such state.

    Each multiply-accumulate of a convolution or dense layer counts as two FLOPs, padding included, as in papers.
    Biases, normalisation, ReLU, pooling and embeddings are left out. (XLA's own count before compiling exists on CPUs
    only.)
    Memory is exact for the named arrays; "activations" is all scratch space of the forward and backward pass as XLA
    compiled them for this kind of device, without augmentation.
    """
    images = ShapeDtypeStruct((batch_size, *shape), jnp.float32)
    variables, calls = trace_calls(model, images)
    parameters = flatten_dict(variables["params"], sep="/")
    statistics = {"batch_stats": variables.get("batch_stats", {})}
    trained = {path: leaf for path, leaf in parameters.items() if trainable(path)}
    layers = _layers(calls, parameters, trained)
    memory = {
        "parameters": _bytes(parameters),
        "batch statistics": _bytes(statistics),
        "gradients": _bytes(trained),
        "optimizer state": _bytes(jax.eval_shape(optimizer.init, unflatten_dict(trained, sep="/"))) if optimizer else 0,
        noun: _bytes(images),
        "activations": _scratch_bytes(model, parameters, trained, statistics, images),
    }
    sizes = [sum(leaf.size for leaf in tree.values()) for tree in (parameters, trained)]
    return Summary(layers, sizes[0], sizes[1], sum(layer.flops for layer in layers), batch_size, memory, noun)


def count(model: nn.Module, shape: tuple[int, ...]) -> tuple[int, int]:
    """The parameters and the FLOPs of a `Classifier` as `summarize` counts them, without compiling a step."""
    variables, calls = trace_calls(model, ShapeDtypeStruct((1, *shape), jnp.float32))
    parameters = flatten_dict(variables["params"], sep="/")
    layers = _layers(calls, parameters, parameters)
    return sum(leaf.size for leaf in parameters.values()), sum(layer.flops for layer in layers)


def _layers(
    calls: Mapping[str, tuple[str, tuple[int, ...]]],
    parameters: Mapping[str, ShapeDtypeStruct],
    trained: Mapping[str, ShapeDtypeStruct],
) -> tuple[Layer, ...]:
    """The layers that are called, without those that only hold others."""
    sizes, trained_sizes = _sizes_by_layer(parameters), _sizes_by_layer(trained)
    kernel_sizes = _sizes_by_layer(
        {path: leaf for path, leaf in parameters.items() if leaf.ndim > 1 and not path.endswith("/embedding")}
    )
    containers = {path.rsplit("/", i)[0] for path in calls for i in range(1, path.count("/") + 1)}
    return tuple(
        Layer(path, kind, shape, sizes[path], trained_sizes[path], 2 * kernel_sizes[path] * math.prod(shape[:-1]))
        for path, (kind, shape) in calls.items()
        if path in sizes or path not in containers
    )


def format_summary(summary: Summary) -> str:
    """The summary as plain text, at most 100 columns wide for the networks of this package."""
    header = ("layer", "type", "output", "parameters", "MFLOPs", "")
    rows = [
        (
            layer.path,
            layer.type,
            "x".join(map(str, layer.output_shape)),
            f"{layer.parameters:,}",
            f"{layer.flops / 1e6:,.2f}",
            _state(layer),
        )
        for layer in summary.layers
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    table = [
        "  ".join(f"{cell:{align}{width}}" for cell, align, width in zip(row, "<<<>><", widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join(
        [
            table[0],
            "-" * max(map(len, table)),
            *table[1:],
            "",
            f"Parameters: {summary.parameters:,}, of them trainable: {summary.trainable:,}",
            f"Forward pass: {summary.flops / 1e6:,.2f} MFLOPs a {summary.noun[:-1]} ({summary.flops / 2e6:,.2f} MMACs)",
            f"Memory of a training step with {summary.batch_size} {summary.noun} on one device:",
            *(f"  {name:<16}  {size / 2**20:>9,.1f} MiB" for name, size in summary.memory.items()),
            f"  {'sum':<16}  {sum(summary.memory.values()) / 2**20:>9,.1f} MiB",
        ]
    )


def _scratch_bytes(
    model: nn.Module, parameters: dict, trained: dict, statistics: dict, images: ShapeDtypeStruct
) -> int:
    """The temporary memory, in bytes, of the loss and its gradient. The trees are flat: path -> shape."""

    def loss(trained, parameters, statistics, images):
        params = unflatten_dict({**parameters, **trained}, sep="/")
        logits, statistics = model.apply(
            {"params": params, **statistics},
            images,
            train=True,
            mutable=["batch_stats"],
            rngs={"dropout": jax.random.key(0)},
        )
        labels = jnp.zeros(len(logits), jnp.int32)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), statistics

    frozen = {path: leaf for path, leaf in parameters.items() if path not in trained}
    step = jax.jit(jax.value_and_grad(loss, has_aux=True)).lower(trained, frozen, statistics, images)
    analysis = step.compile().memory_analysis()
    assert analysis is not None  # XLA's compilers for CPU, GPU and TPU all give one
    return analysis.temp_size_in_bytes


def _state(layer: Layer) -> str:
    if layer.parameters == 0:
        return ""
    return {layer.parameters: "trainable", 0: "frozen"}.get(layer.trainable, "partly frozen")


def _sizes_by_layer(parameters: Mapping[str, ShapeDtypeStruct]) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for path, leaf in parameters.items():
        sizes[path.rpartition("/")[0]] += leaf.size
    return sizes


def _bytes(tree) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
