"""Training: config -> data -> step -> checkpoint -> report."""

import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from study_classification.config import seconds_of
from study_classification.data.batches import Images
from study_classification.data.order import EvaluationOrder, in_groups
from study_classification.data.sources import TRAIN, VALIDATION
from study_classification.errors import DivergedError, Interrupted
from study_classification.runs import directory
from study_classification.runs.checkpoints import Checkpointer, last_good, load_latest, load_model, open_checkpoints
from study_classification.runs.history import VAL, Epoch, History
from study_classification.runs.lock import locked
from study_classification.system import devices, hosts
from study_classification.system.console import logging_to, progress, say, saying_nothing
from study_classification.system.signals import requested_stop
from study_classification.tasks.task import higher_is_better, names_of
from study_classification.training.feed import Feed, open_feed
from study_classification.training.fitted_head import with_fitted_head
from study_classification.training.initial import first_variables
from study_classification.training.phases import Phases, crossed, learning_rate_after, plan_phases
from study_classification.training.programs import Programs, build_programs
from study_classification.training.recorder import Recorder
from study_classification.training.results import formula_of, leave_results
from study_classification.training.setup import Experiment, resolve_config
from study_classification.training.state import COUNT, FIRST_NONFINITE_STEP, TrainState

FORMULAS = 10  # how often, at most, a run prints what a linear model has learnt so far


def go_on(history: History) -> str:
    """Gives no reason to end a run."""
    return ""


def train_and_evaluate(
    config: ConfigDict,
    workdir: Path,
    typed: Sequence[str] = (),
    watch: Callable[[History], str] = go_on,
    page: bool = True,
) -> TrainState:
    """Trains the network of a config, or goes on where an interrupted run in `workdir` stopped.

    Args:
        config: as `configs/default.py` defines it.
        workdir: the run directory, see `runs/directory.py`; it is made if need be.
        typed: fields that the user set on the command line; a refused resume names them first.
        watch: is given the history after each epoch, and at the beginning of a resumed run; returns why the run should
            end now, or ''.
        page: whether to write report.html at the end; `report` writes it at any time.

    Returns:
        The state with the best weights of the run; averaged weights, if the run evaluates these.

    Raises:
        UserError: one of its kinds, for everything that the user can mend; see `errors.py`.
        Interrupted: after Ctrl-C or SIGTERM, with everything saved.
        DivergedError: if the loss or a gradient is no longer finite.
    """
    experiment = resolve_config(directory.with_kept_files(config, workdir), directory.kept_preprocess(workdir))
    directory.make(workdir)
    if not hosts.is_first():
        with saying_nothing():
            return _train(experiment, workdir, typed, watch, page)
    with locked(workdir), logging_to(directory.log_file(workdir)):
        return _train(experiment, workdir, typed, watch, page)


@dataclass(frozen=True)
class _Training:
    """Everything that stays the same from epoch to epoch."""

    config: ConfigDict
    workdir: Path
    feed: Feed
    phases: Phases
    programs: Programs
    train_images: Images
    val_images: Images
    history: History
    checkpointer: Checkpointer
    asked_to_stop: Callable[[int], int]

    @functools.cached_property
    def time_budget(self) -> float:
        """In seconds."""
        return seconds_of(self.config.time_budget)


def _train(
    experiment: Experiment, workdir: Path, typed: Sequence[str], watch: Callable[[History], str], page: bool
) -> TrainState:
    config, recorder = experiment.config, Recorder(experiment, workdir)
    recorder.announce()

    # ----- Data, and the steps over it
    feed = open_feed(experiment)
    num_stages = len(experiment.augmentation.stages())
    phases = plan_phases(config, feed.order.num_examples, feed.batch_size, num_stages)
    recorder.begin(feed.data, feed.task, typed)

    # ----- Network, optimizer, programs; the first of them is compiled while images are decoded
    variables = with_fitted_head(experiment, feed.data, first_variables(experiment, feed.data))
    programs = build_programs(experiment, feed, phases, variables)
    recorder.describe(phases, variables["params"])
    shapes = feed.batch_shapes() if config.steps_per_dispatch == 1 else None
    if shapes and not directory.checkpoints_folder(workdir).exists():  # where there are some, its programs are cached
        programs.step(phases.at(0)).start(programs.abstract_state, shapes)
    train_images, val_images = (feed.images(name, variables) for name in (TRAIN, VALIDATION))

    # ----- The loop: an epoch of steps, a validation, a row of the history, perhaps a checkpoint
    direction = higher_is_better(feed.task, config.monitor.removeprefix(VAL))
    history = History(config.monitor, direction, config.early_stopping.min_delta)
    folder = directory.checkpoints_folder(workdir)
    with recorder.logging(), open_checkpoints(folder) as checkpointer, requested_stop() as asked_to_stop:
        training = _Training(
            config, workdir, feed, phases, programs, train_images, val_images, history, checkpointer, asked_to_stop
        )
        state, step, spent = _first_state(training, variables)
        reason = watch(history) or history.reason_to_stop(config)
        if step < phases.total_steps and not reason:
            say("Compiling the training step: the first one takes a while ...")
        while not reason and not history.reached(phases.total_steps):
            began, first = time.monotonic(), step
            state, before, step = run_epoch(training, state, step, began - spent)
            speed = (step - first) * feed.batch_size / (time.monotonic() - began)
            row = _row(training, state, step, speed, began - spent)
            spent = 0.0
            better = history.add(row)
            reason = watch(history) or history.reason_to_stop(config)
            state = state.replace(sums=programs.zero_sums())
            if better or reason or step == phases.total_steps or phases.save_due(before, step):
                _save(training, state, step)
            recorder.add(row, history, phases.total_epochs, better)
            if crossed(row.epoch - 1, row.epoch, max(phases.total_epochs / FORMULAS, 1)):
                recorder.say_formula(formula_of(feed, state.evaluated()["params"]))
    recorder.finish(history, phases, reason)
    best = _best_state(state, workdir)
    leave_results(feed, programs.predict, best, val_images, history, workdir, page)
    recorder.guide()
    return best


def run_epoch(t: _Training, state: TrainState, step: int, began: float) -> tuple[TrainState, int, int]:
    """Takes the remaining steps of an epoch, or as many of them as the time budget allows.

    Args:
        t: everything that stays the same.
        state: the state after `step` steps.
        step: the number of steps so far.
        began: the monotonic time at which the epoch began, minus its time before an interruption.

    Returns:
        (state, number of steps before the last dispatch, number of steps after it).

    Raises:
        Interrupted: after Ctrl-C or SIGTERM, with everything saved.
        DivergedError: if a loss or gradient is no longer finite.
    """
    number, config, before = len(t.history.epochs), t.config, step
    epoch = t.phases.epoch(number, t.history.epochs[-1].step if number else 0)
    groups = in_groups(epoch[step - epoch.start :], t.phases.steps_at_once(epoch, config.steps_per_dispatch))
    batches = t.train_images.batches(t.feed.order_of_images, groups)
    for batch in progress(batches, f"epoch {number + 1}", total=len(groups)):
        state = t.programs.step(t.phases.at(step))(state, batch)
        before, step = step, step + (1 if batch["label"].ndim == 1 else batch["label"].shape[0])
        if step == t.phases.head_steps:  # the optimizer starts anew, with all parameters that it trains from here on
            state = state.replace(opt_state=t.programs.start_optimizer(state.params))
        signal_number = max(t.asked_to_stop(taken) for taken in range(before + 1, step + 1))
        due = bool(signal_number) or (step < epoch.stop and t.phases.save_due(before, step))
        if due or crossed(before, step, config.log_every_steps):
            _check_finite(state, t.checkpointer)
        if due:
            _save(t, state, step, _seconds_since(began))
        if signal_number:
            _stop(t, step, signal_number)
        if _out_of_time(t, before, step, began):
            break
    _check_finite(state, t.checkpointer)
    return state, before, step


def validate(t: _Training, state: TrainState) -> dict[str, float]:
    """The loss and the measures as means over the validation split. Every example counts exactly once."""
    order = EvaluationOrder(len(t.feed.data.split(VALIDATION)), t.feed.batch_size)
    variables = state.evaluated()
    parts = [
        t.programs.measure(t.programs.predict(variables, batch), batch["label"], batch["mask"])
        for batch in t.val_images.batches(order, range(len(order)))
    ]
    parts = jax.device_get(parts)
    sums = {name: float(sum(part[name] for part in parts)) for name in parts[0]}
    assert sums[COUNT] == order.num_examples, f"{sums[COUNT]} of {order.num_examples} examples were evaluated"
    return _means(t, sums)


def _first_state(t: _Training, variables: dict) -> tuple[TrainState, int, float]:
    """(state of the latest checkpoint or before the first step, its steps, seconds of its epoch so far)."""
    state = t.programs.start(variables)
    found = load_latest(t.checkpointer.folder, devices.abstract(state.parts()))
    if found is None:
        return state, 0, 0.0
    parts, beside = found
    t.history.restore(beside["history"])
    t.programs.parts.update(beside["parts"])
    state = state.with_parts(parts)
    step = int(state.step)
    say(f"Resuming {t.workdir} after step {step:,}, epoch {len(t.history.epochs)}")
    return state, step, beside["seconds"]


def _row(t: _Training, state: TrainState, step: int, speed: float, began: float) -> Epoch:
    """The row of the history for the epoch that was just trained.

    Raises:
        DivergedError: if the loss or a measure is not finite.
    """
    train, val = _means(t, jax.device_get(state.sums)), validate(t, state)
    for split, means in (("training", train), ("validation", val)):
        for name, value in means.items():
            if not math.isfinite(value):
                raise DivergedError(f"the {split} {name} became {value} by step {step}; {last_good(t.checkpointer)}")
    return Epoch(
        epoch=len(t.history.epochs) + 1,
        step=step,
        train=train,
        val=val,
        learning_rate=learning_rate_after(t.config, t.phases)(step),
        images_per_second=speed,
        seconds=_seconds_since(began),
    )


def _means(t: _Training, sums: dict) -> dict[str, float]:
    return {name: float(sums[name] / sums[COUNT]) for name in names_of(t.feed.task)}


def _save(t: _Training, state: TrainState, step: int, seconds: float = 0.0) -> None:
    """Saves the state, the history, the seconds of the running epoch, and the parts of batches."""
    best = bool(t.history.epochs) and t.history.epochs[t.history.best].step == step
    beside = {"history": t.history.to_json(), "seconds": seconds, "parts": dict(t.programs.parts)}
    t.checkpointer.save(step, state.parts(), beside, best)


def _stop(t: _Training, step: int, signal_number: int) -> None:
    t.checkpointer.wait()
    raise Interrupted(
        f"after step {step:,} of {t.phases.total_steps:,}; everything is saved: run the same command with "
        f"--workdir={t.workdir} to go on",
        signal_number,
    )


def _out_of_time(t: _Training, before: int, step: int, began: float) -> bool:
    """Whether the time budget is used up. Several hosts check less often, for they have to agree."""
    look = math.isfinite(t.time_budget) and crossed(before, step, 1 if hosts.alone() else t.config.log_every_steps)
    return look and t.history.seconds() + _seconds_since(began) >= t.time_budget


def _seconds_since(began: float) -> float:
    """The seconds since then, the same on all hosts."""
    return hosts.broadcast_from_first(time.monotonic() - began)


def _check_finite(state: TrainState, checkpointer: Checkpointer) -> None:
    """Raises DivergedError if a loss or gradient of this epoch is not finite."""
    bad = int(state.sums[FIRST_NONFINITE_STEP])
    if bad >= 0:
        raise DivergedError(
            f"the loss or a gradient became NaN or infinite between steps {bad} and {bad + 1}; "
            f"{last_good(checkpointer)}; try a smaller optimizer.learning_rate, a warm-up, or optimizer.gradient_clip"
        )


def _best_state(state: TrainState, workdir: Path) -> TrainState:
    shapes = devices.abstract(state.variables())
    step, variables = load_model(directory.checkpoints_folder(workdir), "best", shapes)
    return state.replace(step=np.int32(step), **variables, average={})
