"""Finds the layers that a network calls, and their order, without running it."""

import flax.linen as nn
import jax
from jax import ShapeDtypeStruct


def layer_order(model: nn.Module, images: jax.ShapeDtypeStruct) -> list[str]:
    """The names of the backbone's layers with parameters, in the order in which they are called."""
    order: dict[str, None] = {}

    def record(call, args, kwargs, context):
        if context.module.path[:1] == ("backbone",) and len(context.module.path) > 1:
            order[context.module.path[1]] = None
        return call(*args, **kwargs)

    with nn.intercept_methods(record):
        jax.eval_shape(lambda x: model.init(jax.random.key(0), x, train=False), images)
    return list(order)


def trace_calls(model: nn.Module, images: ShapeDtypeStruct) -> tuple[dict, dict[str, tuple[str, tuple[int, ...]]]]:
    """(shapes of the variables, path -> (type, output shape for one example) of each submodule that is called)."""
    calls = {}

    def record(call, args, kwargs, context):
        output = call(*args, **kwargs)
        if context.method_name == "__call__" and context.module.path:
            calls["/".join(context.module.path)] = type(context.module).__name__, output.shape[1:]
        return output

    with nn.intercept_methods(record):
        variables = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, train=False), images)
    return variables, calls
