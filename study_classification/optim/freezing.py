"""Chooses which parameters are trained, and how fast: the three types of learning as patterns over paths."""

import re
from collections.abc import Sequence

import jax
from jaxtyping import PyTree

from study_classification.errors import ConfigError
from study_classification.trees import path_of


def trainable_mask(params: PyTree, learning: str, frozen: Sequence[str]) -> PyTree:
    """A tree of booleans like `params`: True for a parameter that is trained.

    Args:
        params: {'backbone': ..., 'head': ...}, arrays or shapes.
        learning: `from_scratch` and `fine_tuning` train what no pattern freezes; `transfer_learning` trains only the
            head.
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
    """The mask that trains only the head, as far as `mask` trains it."""
    return jax.tree_util.tree_map_with_path(lambda path, wanted: wanted and path[0].key == "head", mask)


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
