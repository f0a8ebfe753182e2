"""The variables of an untrained network."""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import PyTree


def init_variables(model: nn.Module, shape: tuple[int, ...], key: jax.Array) -> dict[str, PyTree]:
    """{'params', 'batch_stats'} of a network for examples of a shape such as [h, w, c], the same on every device."""
    variables = model.init(key, jnp.zeros((1, *shape)), train=False)
    return {"params": variables["params"], "batch_stats": variables.get("batch_stats", {})}


def variable_shapes(model: nn.Module, shape: tuple[int, ...]) -> dict[str, PyTree]:
    """The shapes and types of the variables of `init_variables`, without computing them."""
    try:
        hash(model)
    except TypeError:  # a user's own network may have a list as a field
        return _traced(model, shape)
    return jax.tree.map(lambda leaf: leaf, _known(model, shape))  # new dicts, which the caller may change


def _traced(model: nn.Module, shape: tuple[int, ...]) -> dict[str, PyTree]:
    return jax.eval_shape(lambda: init_variables(model, shape, jax.random.key(0)))


_known = functools.lru_cache(maxsize=16)(_traced)  # tracing a large network takes a second, and is asked for often
