"""Compiles a training step that fits into memory, with the batch in as many parts as that needs.

Compiling can begin while the data are prepared, so that the first step does not wait for one after the other.
"""

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import jax
import optax
from jaxtyping import PyTree

from study_classification.data.batches import gigabytes
from study_classification.errors import EnvironmentFault
from study_classification.inputs.images.augment import Augment
from study_classification.system import devices, hosts
from study_classification.system.console import say
from study_classification.tasks.task import Task
from study_classification.training.setup import Experiment
from study_classification.training.state import TrainState
from study_classification.training.step import Batch, make_train_step

Step = Callable[[TrainState, Batch], TrainState]
Parts = dict[str, int]


class CompiledStep:
    """A step that is compiled for each shape of batch. If it does not fit into memory, batches pass in more parts.

    A call that compiles raises EnvironmentFault if not even one image at a time fits.
    """

    def __init__(
        self,
        make_step: Callable[[int], jax.stages.Wrapped],
        parts: int,
        devices: int,
        name: str = "",
        found: Parts | None = None,
    ):
        """Makes the step without compiling it.

        Args:
            make_step: accumulate_steps -> the jitted step.
            parts: the least accumulate_steps.
            devices: the number of devices that share a batch.
            name: the name of the step in `found`.
            found: the number of parts for each step and shape of batch; it holds what a run found before, and is added
                to.
        """
        self._make_step, self._parts, self._devices = make_step, parts, devices
        self._name, self._found = name, {} if found is None else found
        self._compiled: dict[tuple[int, ...], Step] = {}
        self._ahead: tuple[PyTree, Future[tuple[Step, float]]] | None = None

    def start(self, state: PyTree, batch: PyTree) -> None:
        """Begins to compile, in a thread, for arrays of these shapes and shardings."""
        thread = ThreadPoolExecutor(1)
        self._ahead = batch, thread.submit(_compile, self._make_step(self._parts), state, batch)
        thread.shutdown(wait=False)

    def lower(self, state: PyTree, batch: PyTree) -> jax.stages.Lowered:
        """The lowered step for arrays of these shapes and shardings, in the least number of parts."""
        return self._make_step(self._parts).lower(state, batch)

    def __call__(self, state: TrainState, batch: Batch) -> TrainState:
        shape = batch["label"].shape
        if shape not in self._compiled:
            self._compiled[shape] = self._compile_to_fit(state, batch)
        return self._compiled[shape](state, batch)

    def _compile_to_fit(self, state: TrainState, batch: Batch) -> Step:
        name, batch_size = f"{self._name}{batch['label'].shape}", batch["label"].shape[-1]
        share = batch_size // self._devices
        parts = self._sharable(self._found.get(name, self._parts), batch_size, share)
        free = hosts.min_over_hosts(devices.free_memory())
        while True:
            if parts == self._parts and self._ahead and self._ahead[0] == devices.abstract(batch):
                step, needed = self._ahead[1].result()
            else:
                step, needed = _compile(self._make_step(parts), state, batch)
            if needed <= free:
                self._found[name] = parts
                return step
            size = f"needs {gigabytes(needed)}" if math.isfinite(needed) else "is too large for the compiler"
            if parts == share:
                raise EnvironmentFault(
                    f"a training step with one picture at once {size}, and {gigabytes(free)} are free: choose a "
                    "smaller preprocess.image_size or model.name, or --config.data.mode=streaming"
                )
            at_once = share // parts
            parts = next(more for more in range(2 * parts, share + 1) if share % more == 0)
            say(
                f"A training step with {at_once} pictures at once {size}, and {gigabytes(free)} are free: batches of "
                f"{batch_size} stay, but pass in {parts} parts of {batch_size // parts}, as by accumulate_steps={parts}"
            )

    def _sharable(self, parts: int, batch_size: int, share: int) -> int:
        """The number of parts, or the next one that the devices can share: a resumed run may have other devices."""
        if share % parts == 0:
            return parts
        fitting = next(more for more in range(min(parts, share), share + 1) if share % more == 0)
        say(
            f"Batches of {batch_size} passed in {parts} parts before, which {self._devices} devices cannot share: they "
            f"pass in {fitting}, so results are not what they would be without the interruption"
        )
        return fitting


def compiled_train_step(
    experiment: Experiment,
    optimizer: optax.GradientTransformation,
    sharding: PyTree,
    task: Task,
    augmentation: Augment,
    mask: PyTree,
    optimizer_mask: PyTree | None = None,
    name: str = "",
    found: Parts | None = None,
) -> CompiledStep:
    """The training step of an experiment, see `make_train_step`, which fits into memory.

    A batch with a further first axis stands for several steps, which one program takes without returning to the host.
    `sharding` is the sharding of the state, which is donated. For `name` and `found` see `CompiledStep`.
    """
    model, preprocess, config = experiment.model, experiment.preprocess, experiment.config

    def make(parts: int) -> jax.stages.Wrapped:
        step = make_train_step(
            model, optimizer, preprocess, augmentation, config, task, mask, optimizer_mask, accumulate_steps=parts
        )

        def steps(state: TrainState, batch: Batch) -> TrainState:
            if batch["label"].ndim == 1:
                return step(state, batch)
            return jax.lax.scan(lambda state, batch: (step(state, batch), None), state, batch)[0]

        return jax.jit(steps, donate_argnums=0, out_shardings=sharding)

    return CompiledStep(make, config.accumulate_steps, experiment.mesh.size, name, found)


def _compile(step, state: PyTree, batch: PyTree) -> tuple[Step, float]:
    """(compiled step, bytes that a device needs for it besides state and batch)."""
    try:
        compiled = step.lower(state, batch).compile()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return step, math.inf
    analysis = compiled.memory_analysis()
    if analysis is None:  # some backends do not tell
        return compiled, 0.0
    return compiled, analysis.temp_size_in_bytes + analysis.output_size_in_bytes - analysis.alias_size_in_bytes
