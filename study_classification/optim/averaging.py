"""The moving average of the weights: training goes on with the raw ones; what is validated and used is the average."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PyTree


def start_average(variables: PyTree, decay: float) -> PyTree:
    """The average before the first step, buffers of its own; {} where `config.ema_decay` is 0, which keeps none."""
    return jax.tree.map(jnp.copy, variables) if decay else {}


def update_average(average: PyTree, variables: PyTree, step: Int[Array, ""], decay: float) -> PyTree:
    """The exponential moving average after step `step` (counted from 0), of weights and BatchNorm's statistics alike.

    Its decay grows to `decay`, so that the random weights of the beginning are soon forgotten: min(decay,
    (1 + step) / (10 + step)), as `num_updates` of TensorFlow's ExponentialMovingAverage has it. In the form
    average + (1 - decay) (new - average), what does not change, such as frozen weights, stays exactly as it is.
    """
    if not average:
        return average
    decays = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    return jax.tree.map(lambda mean, new: mean + (1 - decays) * (new - mean), average, variables)
