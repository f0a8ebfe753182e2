"""What a training has made of the weights."""

import jax
import numpy as np

from study_classification.models import create_model
from study_classification.models.initial import variable_shapes
from study_classification.optim.optimizer import is_kernel
from study_classification.runs.checkpoints import load_model
from study_classification.runs.directory import Run, checkpoints_folder
from study_classification.system import devices
from study_classification.tasks.create import create_task

NEAR_ZERO = 0.001  # a weight that is smaller changes nothing that could be seen


def describe_weights(run: Run) -> str:
    """How many weights of kernels are 0 or nearly so in the last checkpoint: those that an L1 penalty has switched off.

    Raises:
        RunError: if no checkpoint can be read.
    """
    task = create_task(run.config.task, run.class_names, kept=run.targets)
    dtype = devices.compute_dtype(run.config.precision)
    model = create_model(run.config.model, task.num_outputs, dtype, run.preprocess.num_tokens)
    everywhere = devices.replicated(devices.make_mesh(1))
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=everywhere),
        variable_shapes(model, run.preprocess.shape),
    )
    step, variables = load_model(checkpoints_folder(run.workdir), "last", shapes)
    params = variables["params"]
    kernels = [
        np.asarray(leaf)
        for leaf, wanted in zip(jax.tree.leaves(params), jax.tree.leaves(is_kernel(params)), strict=True)
        if wanted
    ]
    small, total = sum(int((np.abs(leaf) < NEAR_ZERO).sum()) for leaf in kernels), sum(leaf.size for leaf in kernels)
    return f"After step {step:,}, {small:,} of {total:,} weights ({small / total:.1%}) are nearer to 0 than {NEAR_ZERO}"
