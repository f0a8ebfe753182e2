"""A trained network of a run, ready for pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
from jax.sharding import Mesh

from study_classification.data.prepare import cache_directory
from study_classification.models import create_model
from study_classification.models.initial import variable_shapes
from study_classification.runs.checkpoints import load_model
from study_classification.runs.directory import Run, checkpoints_folder
from study_classification.system import devices
from study_classification.tasks.prediction import make_predict_step
from study_classification.tasks.softmax import Softmax


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

    `tta` is the test-time augmentation: `none` or `flip`, see `tasks.prediction.make_predict_step`.

    Raises:
        RunError: if the checkpoint is absent, damaged, or of another network.
    """
    devices.start_devices(cache_directory(run.config.data))
    mesh = devices.make_mesh(1)
    model = create_model(run.config.model, len(run.class_names), devices.compute_dtype(run.config.precision))
    everywhere = devices.replicated(mesh)
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=everywhere),
        variable_shapes(model, run.preprocess.shape),
    )
    step, variables = load_model(checkpoints_folder(run.workdir), checkpoint, shapes)
    task = Softmax(len(run.class_names))
    predict = jax.jit(make_predict_step(model, run.preprocess, task, tta), out_shardings=everywhere)
    return Predictor(step, mesh, lambda batch: predict(variables, batch))
