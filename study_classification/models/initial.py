"""The variables of an untrained network."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import PyTree

from study_classification.inputs.images.preprocess import Preprocess


def init_variables(model: nn.Module, preprocess: Preprocess, seed: int) -> dict[str, PyTree]:
    """{'params', 'batch_stats'} of an untrained network; the same seed gives the same weights on every device."""
    size = preprocess.image_size
    variables = model.init(jax.random.key(seed), jnp.zeros((1, size, size, preprocess.channels)), train=False)
    return {"params": variables["params"], "batch_stats": variables.get("batch_stats", {})}
