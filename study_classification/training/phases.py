"""The steps of a run, as pure arithmetic: its phases and their boundaries, its epochs, its rates, and when it saves."""

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import optax
from ml_collections import ConfigDict

from study_classification.config import UNITS, duration_in_steps
from study_classification.errors import ConfigError
from study_classification.optim.schedule import learning_rate_schedule


@dataclass(frozen=True)
class Phase:
    """Consecutive steps that one program takes.

    Attributes:
        steps: the numbers of the steps, from 0.
        head_alone: whether only the head is trained.
        stage: the index of the image size, see `Augment.stages`.
    """

    steps: range
    head_alone: bool
    stage: int


@dataclass(frozen=True)
class Phases:
    """The steps of a run.

    Attributes:
        total_steps: the number of all steps.
        head_steps: the number of steps in the first phase, which trains only the head.
        num_stages: the number of image sizes, each of which gets an equal share of all steps.
        num_examples: the number of examples in an epoch.
        batch_size: the number of examples in a step.
        save_every: the number of examples between two periodic checkpoints.
    """

    total_steps: int
    head_steps: int
    num_stages: int
    num_examples: int
    batch_size: int
    save_every: float

    @functools.cached_property
    def all(self) -> tuple[Phase, ...]:
        """The phases, in their order."""
        stages = [-(-stage * self.total_steps // self.num_stages) for stage in range(self.num_stages + 1)]
        bounds = sorted({*stages, self.head_steps})
        return tuple(
            Phase(range(begin, end), begin < self.head_steps, begin * self.num_stages // self.total_steps)
            for begin, end in itertools.pairwise(bounds)
        )

    def at(self, step: int) -> Phase:
        """The phase of a step; after the end, the last phase."""
        return next((phase for phase in self.all if step in phase.steps), self.all[-1])

    @property
    def total_epochs(self) -> int:
        """The number of epochs that begin."""
        return (self.total_steps - 1) * self.batch_size // self.num_examples + 1

    def epoch(self, number: int, begin: int) -> range:
        """The steps of an epoch, from its beginning at step `begin`.

        Epochs are joined end to end and cut into batches, so an epoch ends with the batch that holds its last example.
        It has at least one step, even if a run goes on with larger batches on other devices.
        """
        end = max(-(-(number + 1) * self.num_examples // self.batch_size), begin + 1)
        return range(begin, min(end, self.total_steps))

    def steps_at_once(self, epoch: range, wanted: int) -> int:
        """The number of steps that one dispatch takes: 1 in an epoch in which the program changes.

        The groups of steps have to be the same wherever a resumed run enters the epoch.
        """
        changes = any(phase.steps.start in epoch[1:] for phase in self.all)
        return 1 if changes else wanted

    def save_due(self, before: int, step: int) -> bool:
        """Whether a periodic checkpoint is due after step `before` and not after `step`."""
        return crossed(before * self.batch_size, step * self.batch_size, self.save_every)


def crossed(before: float, after: float, every: float) -> bool:
    """Whether a multiple of `every` lies above `before` and not above `after`."""
    return after // every > before // every


def plan_phases(config: ConfigDict, num_examples: int, batch_size: int, num_stages: int) -> Phases:
    """The phases of a config for a training split with `num_examples` examples.

    Raises:
        ConfigError: if the first phase leaves no steps for the second.
    """
    total_steps = duration_in_steps(config, "total", num_examples, batch_size)
    epochs = config.fine_tuning.head_epochs
    head_steps = math.ceil(round(epochs * num_examples / batch_size, 6))
    if head_steps >= total_steps:
        raise ConfigError(
            f"fine_tuning.head_epochs is {epochs}, {head_steps} steps, which leaves nothing of the {total_steps} steps "
            "of training: give fewer, or a longer total_epochs"
        )
    every_epochs, every_steps, every_examples = (config[f"checkpoint_every_{unit}"] for unit in UNITS)
    save_every = every_epochs * num_examples or every_steps * batch_size or every_examples
    return Phases(total_steps, head_steps, num_stages, num_examples, batch_size, save_every)


def schedules(config: ConfigDict, phases: Phases) -> tuple[optax.Schedule, optax.Schedule]:
    """The schedules of the phase of the head and of the later phases, each by the steps of its own optimizer."""
    warmup_steps = duration_in_steps(config.schedule, "warmup", phases.num_examples, phases.batch_size)
    remaining = phases.total_steps - phases.head_steps
    head = optax.constant_schedule(config.fine_tuning.head_learning_rate)
    return head, learning_rate_schedule(config.schedule, config.optimizer.learning_rate, remaining, warmup_steps)


def learning_rate_after(config: ConfigDict, phases: Phases) -> Callable[[int], float]:
    """A function: number of steps -> learning rate of the last of them."""
    head, rest = schedules(config, phases)

    def rate(step: int) -> float:
        return float(head(step - 1) if step <= phases.head_steps else rest(step - phases.head_steps - 1))

    return rate
