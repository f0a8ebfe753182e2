"""The moving average of the weights. Training goes on with the raw weights; the average is validated and used."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PyTree


def start_average(variables: PyTree, decay: float) -> PyTree:
    """The average before the first step, in its own buffers; {} if `config.ema_decay` is 0, which keeps no average."""
    return jax.tree.map(jnp.copy, variables) if decay else {}


def update_average(average: PyTree, variables: PyTree, step: Int[Array, ""], decay: float) -> PyTree:
    """The exponential moving average, after step `step` (counted from 0), of weights and BatchNorm statistics.

    Its decay grows to `decay`, so that the random weights of the beginning are soon forgotten. It is min(decay,
    (1 + step) / (10 + step)), as with `num_updates` of TensorFlow's ExponentialMovingAverage. In the form
    average + (1 - decay) (new - average), unchanged values such as frozen weights stay exactly the same.
    """
    if not average:
        return average
    decays = jnp.minimum(decay, (1.0 + step) / (10.0 + step))
    return jax.tree.map(lambda mean, new: mean + (1 - decays) * (new - mean), average, variables)
