"""A training step that fits into memory: compiled before it is run, with the batch in as many parts as that takes."""

import math
from collections.abc import Callable

import jax
import numpy as np
import optax
from jaxtyping import Float, PyTree

from study_classification import device
from study_classification.console import say
from study_classification.data.augment import Augment
from study_classification.data.pipeline import gigabytes
from study_classification.errors import EnvironmentFault
from study_classification.experiment import Experiment
from study_classification.steps import Batch, TrainState, make_train_step

Step = Callable[[TrainState, Batch], TrainState]


def fitting_train_step(
    experiment: Experiment,
    optimizer: optax.GradientTransformation,
    sharding: PyTree,
    class_weights: Float[np.ndarray, " classes"] | None,
    augmentation: Augment,
    mask: PyTree,
    optimized: PyTree | None = None,
) -> Step:
    """The training step of an experiment, see `make_train_step`, that fits into memory, see `fitting_step`.

    Batches with a further first axis are so many steps, taken by one program without coming back to the host.
    `sharding` is that of the state, which is donated.
    """
    model, preprocess, config = experiment.model, experiment.preprocess, experiment.config

    def make(parts: int) -> Step:
        step = make_train_step(
            model,
            optimizer,
            preprocess,
            augmentation,
            config,
            mask,
            optimized,
            accumulate_steps=parts,
            class_weights=class_weights,
        )

        def steps(state: TrainState, batch: Batch) -> TrainState:
            if batch["label"].ndim == 1:
                return step(state, batch)
            return jax.lax.scan(lambda state, batch: (step(state, batch), None), state, batch)[0]

        return jax.jit(steps, donate_argnums=0, out_shardings=sharding)

    return fitting_step(make, config.accumulate_steps, experiment.mesh.size)


def fitting_step(make_step: Callable[[int], Step], parts: int, devices: int) -> Step:
    """A step that is compiled for each shape of batch that it meets; if it does not fit, batches pass in more parts.

    Args:
        make_step: accumulate_steps -> the jitted step.
        parts: the least accumulate_steps.
        devices: over which batches are split.

    Returns:
        The step. A call that compiles raises EnvironmentFault if not even one picture at once fits.
    """
    compiled: dict[tuple[int, ...], Step] = {}

    def step(state: TrainState, batch: Batch) -> TrainState:
        shape = batch["label"].shape
        if shape not in compiled:
            compiled[shape] = _compile_to_fit(make_step, parts, devices, state, batch)
        return compiled[shape](state, batch)

    return step


def _compile_to_fit(
    make_step: Callable[[int], Step], parts: int, devices: int, state: TrainState, batch: Batch
) -> Step:
    batch_size = batch["label"].shape[-1]
    share = batch_size // devices
    free = device.least_of_hosts(device.free_memory())
    while True:
        step, needed = _compile(make_step(parts), state, batch)
        if needed <= free:
            return step
        size = f"needs {gigabytes(needed)}" if math.isfinite(needed) else "is too large for the compiler"
        if parts == share:
            raise EnvironmentFault(
                f"a training step with one picture at once {size}, and {gigabytes(free)} are free: choose a smaller "
                "preprocess.image_size or model.name, or --config.data.mode=streaming"
            )
        at_once = share // parts
        parts = next(more for more in range(2 * parts, share + 1) if share % more == 0)
        say(
            f"A training step with {at_once} pictures at once {size}, and {gigabytes(free)} are free: batches of "
            f"{batch_size} stay, but pass in {parts} parts of {batch_size // parts}, as by accumulate_steps={parts}"
        )


def _compile(step, state: TrainState, batch: Batch) -> tuple[Step, float]:
    """The compiled step, and the bytes that a device needs for it besides state and batch."""
    try:
        compiled = step.lower(state, batch).compile()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return step, math.inf
    analysis = compiled.memory_analysis()
    if analysis is None:  # a backend that does not tell
        return compiled, 0.0
    return compiled, analysis.temp_size_in_bytes + analysis.output_size_in_bytes - analysis.alias_size_in_bytes
