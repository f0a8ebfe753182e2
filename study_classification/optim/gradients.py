"""Computes the gradient of a batch: at once or part by part, here or where the loss is highest nearby.

All functions here take and give functions (trained, frozen, batch_stats, batch, key) -> (objective, (outputs,
batch_stats)), gradients: objective and gradients by the trained parameters are means over the batch, and the leading
axis of outputs is that of the batch.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, PyTree


def accumulated(gradients_of: Callable, parts: int) -> Callable:
    """Computes the same part by part, in the memory of one part of the batch.

    batch_stats go from part to part. Part j has the examples j, j + parts, j + 2 parts, ..., so each device holds
    equally much of every part.
    """
    if parts == 1:
        return gradients_of

    def apart(rows: Array) -> Array:
        return jnp.swapaxes(rows.reshape(-1, parts, *rows.shape[1:]), 0, 1)

    def together(rows: Array) -> Array:
        return jnp.swapaxes(rows, 0, 1).reshape(-1, *rows.shape[2:])

    def mean_gradients_of(trained: PyTree, frozen: PyTree, batch_stats: PyTree, batch: PyTree, key: Array):
        def add(carry, part):
            batch_stats, sums = carry
            number, batch = part
            (objective, (outputs, batch_stats)), gradients = gradients_of(
                trained, frozen, batch_stats, batch, jax.random.fold_in(key, number)
            )
            return (batch_stats, jax.tree.map(jnp.add, sums, (objective, gradients))), outputs

        zeros = (jnp.zeros(()), jax.tree.map(jnp.zeros_like, trained))
        numbered = (jnp.arange(parts), jax.tree.map(apart, batch))
        (batch_stats, sums), outputs = jax.lax.scan(add, (batch_stats, zeros), numbered)
        objective, gradients = jax.tree.map(lambda total: total / parts, sums)
        return (objective, (jax.tree.map(together, outputs), batch_stats)), gradients

    return mean_gradients_of


def sharpness_aware(gradients_of: Callable, rho: float) -> Callable:
    """Computes the gradients at the distance rho in the direction in which the objective rises most steeply.

    Source: Foret et al., arXiv:2010.01412, equations 2 and 3. Objective, outputs and BatchNorm statistics come from the
    point itself. Dropout is the same at both points.
    """

    def worst_gradients_of(trained: PyTree, frozen: PyTree, batch_stats: PyTree, batch: PyTree, key: Array):
        found, gradients = gradients_of(trained, frozen, batch_stats, batch, key)
        norm = optax.tree.norm(gradients) + 1e-12  # against a division by 0, as in the authors' code
        worst = jax.tree.map(lambda leaf, gradient: leaf + rho / norm * gradient, trained, gradients)
        _, gradients = gradients_of(worst, frozen, batch_stats, batch, key)
        return found, gradients

    return worst_gradients_of
