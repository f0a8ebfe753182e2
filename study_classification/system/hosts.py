"""The hosts of a pod: which of them speaks and writes, and what they agree on."""

import jax
import numpy as np
from jax.experimental import multihost_utils


def count() -> int:
    """How many hosts work together."""
    return jax.process_count()


def index() -> int:
    """The number of this one, from 0."""
    return jax.process_index()


def alone() -> bool:
    """Whether this host works by itself."""
    return count() == 1


def is_first() -> bool:
    """Whether this host is the one that speaks and writes."""
    return index() == 0


def broadcast_from_first(value: float) -> float:
    """The first host's value on all of them, for decisions that they have to make alike."""
    return value if alone() else float(multihost_utils.broadcast_one_to_all(np.float32(value)))


def min_over_hosts(value: float) -> float:
    """The least of all hosts' values, on all of them."""
    return value if alone() else float(multihost_utils.process_allgather(np.float32(value)).min())


def all_asked_to_stop(step: int) -> bool:
    """Whether one of several hosts was told to end; all of them hear it at the same step."""
    return multihost_utils.reached_preemption_sync_point(step)
