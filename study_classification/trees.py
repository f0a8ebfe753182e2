"""Pytrees by path: names of leaves, and parts of trees."""

import jax
from jaxtyping import PyTree


def path_of(path: tuple) -> str:
    """The path of a leaf, as JAX gives it, as text: `backbone/conv1/kernel`."""
    return "/".join(str(key.key) for key in path)


def filter_tree(tree: PyTree, mask: PyTree) -> PyTree:
    """The tree with the leaves where the mask is true. The others are None, an empty tree for JAX."""
    return jax.tree.map(lambda wanted, leaf: leaf if wanted else None, mask, tree)


def partition(params: PyTree, mask: PyTree) -> tuple[PyTree, PyTree]:
    """(trained, frozen): each has None in place of the leaves of the other, see `filter_tree`."""
    return filter_tree(params, mask), filter_tree(params, jax.tree.map(lambda wanted: not wanted, mask))


def combine(trained: PyTree, frozen: PyTree) -> PyTree:
    """The tree of which `partition` made these two."""
    return jax.tree.map(
        lambda one, other: other if one is None else one, trained, frozen, is_leaf=lambda leaf: leaf is None
    )


def count_parameters(params: PyTree, mask: PyTree | None = None) -> int:
    """The number of values in a tree, or only where a mask of the same structure is true."""
    wanted = params if mask is None else filter_tree(params, mask)
    return sum(leaf.size for leaf in jax.tree.leaves(wanted))
