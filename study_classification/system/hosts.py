"""The hosts of a pod: which of them speaks and writes, and what they agree on."""

import jax
import numpy as np
from jax.experimental import multihost_utils


def broadcast_from_first(value: float) -> float:
    """The first host's value on all of them, for decisions that they have to make alike."""
    return float(multihost_utils.broadcast_one_to_all(np.float32(value))) if jax.process_count() > 1 else value


def min_over_hosts(value: float) -> float:
    """The least of all hosts' values, on all of them."""
    return float(multihost_utils.process_allgather(np.float32(value)).min()) if jax.process_count() > 1 else value
