"""A trained network of a run, ready for pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
from jax.sharding import Mesh

from study_classification import device
from study_classification.checkpoints import load_model
from study_classification.data.prepare import cache_directory
from study_classification.models import create_model
from study_classification.run_directory import Run
from study_classification.steps import init_variables, make_eval_step


@dataclass(frozen=True)
class Trained:
    """A network with the weights of one checkpoint.

    Attributes:
        step: of the checkpoint.
        mesh: the devices; batches are split over them by `device.batch_sharding`.
        log_probabilities: batch with `image` uint8 [b, h, w, c] -> float32 [b, classes].
    """

    step: int
    mesh: Mesh
    log_probabilities: Callable[[dict[str, jax.Array]], jax.Array]


def load_trained(run: Run, checkpoint: str, tta: str = "none") -> Trained:
    """The network of a run with the weights of a checkpoint: `best`, `last`, or a step.

    `tta` is the test-time augmentation: `none` or `flip`, see `steps.make_eval_step`.

    Raises:
        RunError: if the checkpoint is absent, damaged, or of another network.
    """
    device.start_devices(cache_directory(run.config.data))
    mesh = device.make_mesh(1)
    model = create_model(run.config.model, len(run.class_names), device.compute_dtype(run.config.precision))
    everywhere = device.replicated(mesh)
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=everywhere),
        jax.eval_shape(lambda: init_variables(model, run.preprocess, seed=0)),
    )
    step, variables = load_model(run.workdir / "checkpoints", checkpoint, shapes)
    eval_step = jax.jit(make_eval_step(model, run.preprocess, tta), out_shardings=everywhere)
    return Trained(step, mesh, lambda batch: eval_step(variables, batch))
