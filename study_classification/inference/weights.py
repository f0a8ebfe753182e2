"""Counts weights that training has made nearly 0."""

import jax
import numpy as np

from study_classification.inference.predictor import load_predictor
from study_classification.optim.optimizer import is_kernel
from study_classification.runs.directory import Run

NEAR_ZERO = 0.001  # a weight that is smaller changes nothing that could be seen


def describe_weights(run: Run) -> str:
    """A sentence about how many kernel weights of the last checkpoint are nearly 0, as an L1 penalty makes them.

    Raises:
        RunError: if no checkpoint can be read.
    """
    predictor = load_predictor(run, "last")
    params = predictor.variables["params"]
    kernels = [
        np.asarray(leaf)
        for leaf, wanted in zip(jax.tree.leaves(params), jax.tree.leaves(is_kernel(params)), strict=True)
        if wanted
    ]
    small, total = sum(int((np.abs(leaf) < NEAR_ZERO).sum()) for leaf in kernels), sum(leaf.size for leaf in kernels)
    share = f"{small / total:.1%}"
    return f"After step {predictor.step:,}, {small:,} of {total:,} weights ({share}) are nearer to 0 than {NEAR_ZERO}"
