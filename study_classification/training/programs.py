"""The compiled programs of a run: the state that they change, a step for each phase, validation."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import jax
from jaxtyping import Array, PyTree

from study_classification.optim.freezing import head_of
from study_classification.optim.optimizer import make_optimizer
from study_classification.system import devices
from study_classification.tasks.prediction import make_predict_step
from study_classification.tasks.task import names_of
from study_classification.training.compiled_step import CompiledStep, Parts, compiled_train_step
from study_classification.training.feed import Feed
from study_classification.training.phases import Phase, Phases, schedules
from study_classification.training.setup import Experiment, rate_multipliers
from study_classification.training.state import TrainState, init_state, zero_sums
from study_classification.training.step import make_measure_step
from study_classification.trees import filter_tree


@dataclass(frozen=True)
class Programs:
    """The programs that run on the devices.

    Attributes:
        start: variables -> the state before the first step.
        start_optimizer: parameters -> the optimizer's state at the beginning of the last phase.
        zero_sums: () -> the sums at the beginning of an epoch.
        abstract_state: the shapes, types and shardings of the state.
        steps: (whether the head alone is trained, stage of image size) -> training step.
        parts: the number of parts of a batch, for each step, that fits into memory; a resumed run takes the same.
        predict: variables, batch -> predictions.
        measure: predictions, labels, mask -> sums of the loss, the measures and the count.
    """

    start: Callable[[dict[str, PyTree]], TrainState]
    start_optimizer: Callable[[PyTree], PyTree]
    zero_sums: Callable[[], dict[str, Array]]
    abstract_state: TrainState
    steps: dict[tuple[bool, int], CompiledStep]
    parts: Parts
    predict: Callable[[PyTree, dict], Array]
    measure: Callable[[Array, Array, Array], dict[str, Array]]

    def step(self, phase: Phase) -> CompiledStep:
        """The training step of a phase."""
        return self.steps[phase.head_alone, phase.stage]


def build_programs(experiment: Experiment, feed: Feed, phases: Phases, variables: dict[str, PyTree]) -> Programs:
    """Builds the programs for a network with variables of these shapes. Each is compiled when it is first needed."""
    config, mesh, mask = experiment.config, experiment.mesh, experiment.mask
    multipliers = rate_multipliers(experiment, variables["params"])
    head_optimizer, optimizer = (
        make_optimizer(config.optimizer, schedule, multipliers) for schedule in schedules(config, phases)
    )
    names = names_of(feed.task)
    start = functools.partial(init_state, optimizer=optimizer, mask=mask, names=names, ema_decay=config.ema_decay)
    abstract = jax.eval_shape(start, variables)
    sharding = devices.state_sharding(mesh, abstract)
    step = functools.partial(compiled_train_step, experiment, sharding=sharding, task=feed.task)
    steps: dict[tuple[bool, int], CompiledStep] = {}
    parts: Parts = {}
    for stage, augmentation in enumerate(experiment.augmentation.stages()):
        steps[False, stage] = step(optimizer, augmentation=augmentation, mask=mask, name=f"{stage} ", found=parts)
        if phases.head_steps:
            steps[True, stage] = step(
                head_optimizer,
                augmentation=augmentation,
                mask=head_of(mask),
                optimizer_mask=mask,
                name=f"head {stage} ",
                found=parts,
            )
    predict = make_predict_step(experiment.model, experiment.preprocess, feed.task)
    return Programs(
        start=jax.jit(start, out_shardings=sharding),
        start_optimizer=jax.jit(
            lambda params: optimizer.init(filter_tree(params, mask)), out_shardings=sharding.opt_state
        ),
        zero_sums=jax.jit(lambda: zero_sums(names), out_shardings=sharding.sums),
        abstract_state=devices.with_shardings(abstract, sharding),
        steps=steps,
        parts=parts,
        predict=jax.jit(predict, out_shardings=devices.replicated(mesh)),
        measure=jax.jit(make_measure_step(feed.task)),
    )
