"""A trained network of a run, ready for pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
from jax.sharding import Mesh

from study_classification.data.prepare import cache_directory
from study_classification.models import create_model
from study_classification.models.initial import init_variables
from study_classification.runs.checkpoints import load_model
from study_classification.runs.directory import Run
from study_classification.system import devices
from study_classification.training.step import make_eval_step


@dataclass(frozen=True)
class Predictor:
    """A network with the weights of one checkpoint.

    Attributes:
        step: of the checkpoint.
        mesh: the devices; batches are split over them by `device.batch_sharding`.
        log_probabilities: batch with `image` uint8 [b, h, w, c] -> float32 [b, classes].
    """

    step: int
    mesh: Mesh
    log_probabilities: Callable[[dict[str, jax.Array]], jax.Array]


def load_predictor(run: Run, checkpoint: str, tta: str = "none") -> Predictor:
    """The network of a run with the weights of a checkpoint: `best`, `last`, or a step.

    `tta` is the test-time augmentation: `none` or `flip`, see `steps.make_eval_step`.

    Raises:
        RunError: if the checkpoint is absent, damaged, or of another network.
    """
    devices.start_devices(cache_directory(run.config.data))
    mesh = devices.make_mesh(1)
    model = create_model(run.config.model, len(run.class_names), devices.compute_dtype(run.config.precision))
    everywhere = devices.replicated(mesh)
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=everywhere),
        jax.eval_shape(lambda: init_variables(model, run.preprocess, seed=0)),
    )
    step, variables = load_model(run.workdir / "checkpoints", checkpoint, shapes)
    eval_step = jax.jit(make_eval_step(model, run.preprocess, tta), out_shardings=everywhere)
    return Predictor(step, mesh, lambda batch: eval_step(variables, batch))
