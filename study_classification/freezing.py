"""Which parameters are trained, and how fast: the three types of learning as patterns over parameter paths."""

import re
from collections.abc import Sequence

import flax.linen as nn
import jax
from jaxtyping import PyTree

from study_classification.errors import ConfigError


def trainable_mask(params: PyTree, learning: str, frozen: Sequence[str]) -> PyTree:
    """A tree of booleans like params: what is trained.

    Args:
        params: {'backbone': ..., 'head': ...}, arrays or shapes.
        learning: `from_scratch` and `fine_tuning` train all that no pattern freezes, `transfer_learning` only the head.
        frozen: regular expressions; a parameter whose path (`backbone/conv1/kernel`) begins with a match is frozen.

    Raises:
        ConfigError: for a pattern that is no regular expression or matches nothing, or if nothing is left to train.
    """
    patterns = ["backbone/"] if learning == "transfer_learning" else list(frozen)
    try:
        compiled = {pattern: re.compile(pattern) for pattern in patterns}
    except re.error as error:
        raise ConfigError(f"fine_tuning.frozen: {error.pattern!r} is no regular expression ({error})") from None
    paths = [path_of(path) for path, _ in jax.tree_util.tree_flatten_with_path(params)[0]]
    for pattern, expression in compiled.items():
        if not any(map(expression.match, paths)):
            raise ConfigError(
                f"fine_tuning.frozen: the pattern '{pattern}' matches no parameter; the first of them are "
                f"{', '.join(paths[:3])}"
            )
    mask = jax.tree_util.tree_map_with_path(
        lambda path, _: not any(expression.match(path_of(path)) for expression in compiled.values()), params
    )
    if not any(jax.tree.leaves(mask)):
        raise ConfigError("fine_tuning.frozen: the patterns freeze every parameter, so there is nothing left to train")
    return mask


def head_of(mask: PyTree) -> PyTree:
    """The mask of what is trained in the head."""
    return jax.tree_util.tree_map_with_path(lambda path, wanted: wanted and path[0].key == "head", mask)


def path_of(path: tuple) -> str:
    """The path of a leaf as JAX gives it -> `backbone/conv1/kernel`."""
    return "/".join(str(key.key) for key in path)


def select(tree: PyTree, mask: PyTree) -> PyTree:
    """The leaves where the mask is true; elsewhere None, which JAX takes for an empty tree."""
    return jax.tree.map(lambda wanted, leaf: leaf if wanted else None, mask, tree)


def split(params: PyTree, mask: PyTree) -> tuple[PyTree, PyTree]:
    """(trained, frozen): each with None in the place of the other's leaves, see `select`."""
    return select(params, mask), select(params, jax.tree.map(lambda wanted: not wanted, mask))


def merge(trained: PyTree, frozen: PyTree) -> PyTree:
    """The inverse of `split`."""
    return jax.tree.map(
        lambda one, other: other if one is None else one, trained, frozen, is_leaf=lambda leaf: leaf is None
    )


def layer_multipliers(params: PyTree, layers: Sequence[str], decay: float) -> PyTree:
    """A tree like params: 1 in the head, decay in the last layer of the backbone, decay^2 in the one before, ...

    Source: discriminative fine-tuning in ULMFiT (Howard and Ruder, arXiv:1801.06146, section 3.2).

    Args:
        params: {'backbone': {layer: ...}, 'head': ...}.
        layers: the backbone's layers in the order of the computation, see `layer_order`.
        decay: above 0, at most 1.
    """
    depth = {layer: len(layers) - place for place, layer in enumerate(layers)}

    def multiplier(path: tuple, _) -> float:
        part, layer = (key.key for key in path[:2])
        return decay ** depth[layer] if part == "backbone" else 1.0

    return jax.tree_util.tree_map_with_path(multiplier, params)


def layer_order(model: nn.Module, pictures: jax.ShapeDtypeStruct) -> list[str]:
    """The names of the backbone's layers with parameters, in the order in which they are called."""
    order: dict[str, None] = {}

    def record(call, args, kwargs, context):
        if context.module.path[:1] == ("backbone",) and len(context.module.path) > 1:
            order[context.module.path[1]] = None
        return call(*args, **kwargs)

    with nn.intercept_methods(record):
        jax.eval_shape(lambda x: model.init(jax.random.key(0), x, train=False), pictures)
    return list(order)
