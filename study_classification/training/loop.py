"""Training: config -> data -> step -> checkpoint -> report. The only file that knows all the others."""

import functools
import math
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import optax
from jaxtyping import PyTree
from ml_collections import ConfigDict

from study_classification.config import UNITS, duration_in_steps, seconds_of
from study_classification.data.batches import Images
from study_classification.data.dataset import Dataset
from study_classification.data.order import EvaluationOrder, TrainingOrder, in_groups
from study_classification.data.sources import TRAIN, VALIDATION, absolute_source
from study_classification.errors import ConfigError, DataError, DivergedError, Interrupted
from study_classification.optim.freezing import head_of
from study_classification.optim.optimizer import make_optimizer
from study_classification.optim.schedule import learning_rate_schedule
from study_classification.reports.curves import draw_curves
from study_classification.reports.diagnosis import next_steps, overfitting
from study_classification.runs import checkpoints
from study_classification.runs import directory as run_directory
from study_classification.runs.environment import describe_environment
from study_classification.runs.history import Epoch, History
from study_classification.system import devices, hosts
from study_classification.system.console import logging_to, progress, say, saying_nothing
from study_classification.system.files import unwritable, write_json, write_text
from study_classification.system.signals import requested_stop
from study_classification.training.compiled_step import CompiledStep, compiled_train_step
from study_classification.training.feed import (
    batch_of_pictures,
    first_variables,
    open_feed,
    open_pictures,
    plan_of_pictures,
)
from study_classification.training.fitted_head import with_fitted_head
from study_classification.training.setup import Experiment, rate_multipliers, resolve_config
from study_classification.training.state import TrainState, init_state, zero_sums
from study_classification.training.step import loss_and_correct, make_eval_step
from study_classification.trees import filter_tree

DRAW_EVERY = 60  # seconds between two drawings of the curves while training runs


def train_and_evaluate(config: ConfigDict, workdir: Path) -> TrainState:
    """Trains the network that the config describes, or goes on where an interrupted run in `workdir` stopped.

    Args:
        config: as `configs/default.py` defines it.
        workdir: the run directory, see `run_directory.py`; made if need be.

    Returns:
        The state with the best weights of the run, averaged ones if it evaluates these.

    Raises:
        UserError: one of its kinds, for everything that the user can mend; see `errors.py`.
        Interrupted: after Ctrl-C or SIGTERM, with everything saved.
        DivergedError: if the loss or a gradient is no longer finite.
    """
    experiment = resolve_config(config)
    try:
        workdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(workdir, error) from None
    with logging_to(workdir / "log.txt") if jax.process_index() == 0 else saying_nothing():
        return _train(experiment, workdir)


def _train(experiment: Experiment, workdir: Path) -> TrainState:
    config, preprocess, mesh = experiment.config, experiment.preprocess, experiment.mesh
    model, mask = experiment.model, experiment.mask
    say(devices.banner(devices.compute_dtype(config.precision)))
    devices.warn_of_idle_accelerator()
    writes = jax.process_index() == 0

    # ----- Data
    training = open_feed(experiment)
    data, plan, batch_size = training.data, training.plan, training.batch_size
    config.batch_size = batch_size
    total_steps = duration_in_steps(config, "total", plan.num_examples, batch_size)
    total_epochs = (total_steps - 1) * batch_size // plan.num_examples + 1
    head_steps = _head_steps(config, plan, total_steps)
    config.data.source = absolute_source(config.data.source)  # so that evaluate finds it from any directory
    if writes:
        _begin(run_directory.Run(workdir, config, data.class_names, preprocess), data)
    val_plan = EvaluationOrder(len(data.split(VALIDATION)), batch_size)

    # ----- Network, optimizer, state
    schedule = learning_rate_schedule(config, total_steps - head_steps, plan.num_examples)
    head_schedule = optax.constant_schedule(config.fine_tuning.head_learning_rate)
    variables = with_fitted_head(experiment, data, first_variables(experiment, data))
    multipliers = rate_multipliers(experiment, variables["params"])
    optimizer, head_optimizer = (make_optimizer(config, rate, multipliers) for rate in (schedule, head_schedule))
    start = functools.partial(init_state, optimizer=optimizer, mask=mask, ema_decay=config.ema_decay)
    sharding = devices.state_sharding(mesh, jax.eval_shape(start, variables))
    state = jax.jit(start, out_shardings=sharding)(variables)
    start_optimizer = jax.jit(
        lambda params: optimizer.init(filter_tree(params, mask)), out_shardings=sharding.opt_state
    )

    def programs(optimizer: optax.GradientTransformation, mask: PyTree, optimized: PyTree | None) -> list[CompiledStep]:
        """Of growing pictures each size has a program of its own."""
        return [
            compiled_train_step(experiment, optimizer, sharding, training.class_weights, stage, mask, optimized)
            for stage in experiment.augmentation.stages()
        ]

    whole, head_alone = programs(optimizer, mask, None), programs(head_optimizer, head_of(mask), mask)
    changes = [head_steps, *(-(-stage * total_steps // len(whole)) for stage in range(1, len(whole)))]  # of program

    def program(step: int) -> CompiledStep:
        return (head_alone if step < head_steps else whole)[step * len(whole) // total_steps]

    eval_step = jax.jit(make_eval_step(model, preprocess), out_shardings=devices.replicated(mesh))
    sizes = [leaf.size for leaf in jax.tree.leaves(state.params)]
    trained = sum(size for size, wanted in zip(sizes, jax.tree.leaves(mask), strict=True) if wanted)
    say(
        f"Network: {config.model.name}, {sum(sizes):,} parameters, {trained:,} of them trained ({config.learning}); "
        f"{total_steps:,} steps of {batch_size} pictures"
    )
    if experiment.pretrained:
        fresh = f"; {experiment.pretrained.skipped} starts anew" if experiment.pretrained.skipped else ""
        size = f"{preprocess.image_size} x {preprocess.image_size} {'RGB' if preprocess.channels == 3 else 'grey'}"
        say(f"Weights: {experiment.pretrained.source}, conventions of {config.model.origin}, pictures of {size}{fresh}")

    # ----- Pictures, or with a frozen backbone what it makes of them; meanwhile the first program is compiled
    first_batch = batch_of_pictures(experiment, batch_size) if config.steps_per_dispatch == 1 else None
    if first_batch and not (workdir / "checkpoints").exists():  # where there are some, its programs are cached
        program(0).start(devices.abstract(state), first_batch)
    train_images, val_images = (open_pictures(experiment, data, name, variables) for name in (TRAIN, VALIDATION))
    train_plan = plan_of_pictures(config, plan)

    # ----- The loop: an epoch of steps, an evaluation, a row of the history, perhaps a checkpoint
    history = History(config.monitor, config.early_stopping.min_delta)
    save_due = _save_due(config, plan)
    drawn = time.time()
    budget = seconds_of(config.time_budget)
    look_every = config.log_every_steps if jax.process_count() > 1 else 1  # steps between two looks at the clock
    with checkpoints.open_checkpoints(workdir / "checkpoints") as saved, requested_stop() as asked_to_stop:
        state = checkpoints.restore(saved, state, history)
        step = int(state.step)
        if step:
            say(f"Resuming {workdir} after step {step:,}, epoch {len(history.epochs)}")
        reason = history.reason_to_stop(config)
        if step < total_steps and not reason:
            say("Compiling the training step: the first one takes a while ...")
        while not reason and not history.reached(total_steps):
            begun, first, before = time.time(), step, step - 1
            number = len(history.epochs)
            begin = history.epochs[-1].step if history.epochs else 0
            epoch = range(begin, min(plan.end_of_epoch(number), total_steps))
            # The groups have to be the same wherever a resumed run enters the epoch.
            at_once = 1 if any(change in epoch[1:] for change in changes) else config.steps_per_dispatch
            groups = in_groups(epoch[step - epoch.start :], at_once)
            batches = train_images.batches(train_plan, groups)
            for batch in progress(batches, f"epoch {number + 1}", total=len(groups)):
                state = program(step)(state, batch)
                before, step = step, step + (1 if batch["label"].ndim == 1 else len(batch["label"]))
                if step == head_steps:  # the optimizer starts anew, with all that it trains from here on
                    state = state.replace(opt_state=start_optimizer(state.params))
                signal_number = max(asked_to_stop(taken) for taken in range(before + 1, step + 1))
                if signal_number or (step < epoch.stop and save_due(before, step)):
                    _check_finite(state, saved)
                    checkpoints.save(saved, state, history)
                elif step // config.log_every_steps > before // config.log_every_steps:
                    _check_finite(state, saved)
                if signal_number:
                    saved.wait()
                    raise Interrupted(
                        f"after step {step:,} of {total_steps:,}; everything is saved: run the same command with "
                        f"--workdir={workdir} to go on",
                        signal_number,
                    )
                look = budget < math.inf and step // look_every > before // look_every
                if look and history.seconds() + _seconds_since(begun) >= budget:
                    break
            _check_finite(state, saved)
            images_per_second = (step - first) * batch_size / (time.time() - begun)
            train_loss, train_accuracy = _means(jax.device_get(state.sums))
            val_loss, val_accuracy = _means(_evaluate(eval_step, state, val_images, val_plan))
            if not math.isfinite(val_loss):
                raise DivergedError(f"the validation loss became {val_loss} after step {step}; {_last_good(saved)}")
            row = Epoch(
                epoch=number + 1,
                step=step,
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                val_loss=val_loss,
                val_accuracy=val_accuracy,
                learning_rate=float(head_schedule(step) if step <= head_steps else schedule(step - head_steps - 1)),
                images_per_second=images_per_second,
                seconds=_seconds_since(begun),
            )
            better = history.add(row)
            say(row.describe(total_epochs) + ("  best" if better else ""))
            reason = history.reason_to_stop(config)
            state = state.replace(sums=jax.device_put(zero_sums(), sharding.sums))
            if better or reason or step == total_steps or save_due(before, step):
                checkpoints.save(saved, state, history)
            if writes:
                write_text(workdir / "history.csv", history.to_csv())
                if time.time() - drawn > DRAW_EVERY:
                    draw_curves(history, workdir / "curves.png")
                    drawn = time.time()

    # ----- The end: pictures, and the best weights
    best = history.epochs[history.best]
    early = reason and not history.reached(total_steps)
    say(f"Stopped early: {reason}" if early else f"Trained for {total_epochs} epochs")
    say(f"Best: epoch {best.epoch}, validation accuracy {best.val_accuracy:.4f}, loss {best.val_loss:.4f}")
    if warning := overfitting(history, config.learning, val_plan.num_examples):
        say(warning)
    if writes:
        write_text(workdir / "history.csv", history.to_csv())
        draw_curves(history, workdir / "curves.png")
    say(next_steps(workdir))
    best_step, variables = checkpoints.load_model(workdir / "checkpoints", "best", devices.abstract(state.variables()))
    return state.replace(step=np.int32(best_step), **variables, average={})


def _seconds_since(begun: float) -> float:
    """The time since then, the same on all hosts."""
    return hosts.broadcast_from_first(time.time() - begun)


def _head_steps(config: ConfigDict, plan: TrainingOrder, total_steps: int) -> int:
    """The steps of the first phase of fine-tuning, in which the head alone is trained."""
    epochs = config.fine_tuning.head_epochs
    steps = math.ceil(round(epochs * plan.num_examples / plan.batch_size, 6))
    if steps >= total_steps:
        raise ConfigError(
            f"fine_tuning.head_epochs is {epochs}, {steps} steps, which leaves nothing of the {total_steps} steps of "
            "training: give fewer, or a longer total_epochs"
        )
    return steps


def _begin(run: run_directory.Run, data: Dataset) -> None:
    """Writes what describes the run before its first step, or checks that it is the run that is already there."""
    report_file = run.workdir / "data_report.json"
    report = {"key": data.key} | data.report
    if report_file.exists() and run_directory.read_json(report_file)["key"] != report["key"]:
        raise DataError(
            f"the pictures of {run.config.data.source} have changed since {run.workdir} began: restore them to resume "
            "it, or train anew in another --workdir, where "
            f"--config.data.splits={run.workdir / 'splits.csv'} keeps the old split"
        )
    run_directory.begin(run)
    write_json(report_file, report)
    write_text(run.workdir / "splits.csv", data.splits_csv)
    write_json(run.workdir / "environment.json", describe_environment())


def _save_due(config: ConfigDict, plan: TrainingOrder) -> Callable[[int, int], bool]:
    """Whether a multiple of `checkpoint_every_*` is reached between two numbers of steps, the second included."""
    epochs, steps, examples = (config[f"checkpoint_every_{unit}"] for unit in UNITS)
    every = epochs * plan.num_examples or steps * plan.batch_size or examples
    return lambda before, step: step * plan.batch_size // every > before * plan.batch_size // every


def _check_finite(state: TrainState, saved) -> None:
    """Raises DivergedError if a loss or gradient of this epoch was not finite."""
    bad = int(state.sums["first_nonfinite_step"])
    if bad >= 0:
        raise DivergedError(
            f"the loss or a gradient became NaN or infinite between steps {bad} and {bad + 1}; {_last_good(saved)}; "
            "try a smaller optimizer.learning_rate, a warm-up, or optimizer.gradient_clip"
        )


def _last_good(saved) -> str:
    saved.wait()
    latest = saved.latest
    return f"the last good checkpoint is {latest.path}" if latest else "there is no checkpoint yet"


def _evaluate(eval_step: Callable, state: TrainState, images: Images, plan: EvaluationOrder) -> dict[str, float]:
    """Sums of loss, correct and count over the split; every example counts exactly once."""
    variables = state.evaluated()
    parts = [
        _sums_of(eval_step(variables, batch), batch["label"], batch["mask"])
        for batch in images.batches(plan, range(len(plan)))
    ]
    sums = {name: float(sum(part[name] for part in jax.device_get(parts))) for name in ("loss", "correct", "count")}
    assert sums["count"] == plan.num_examples, f"{sums['count']} of {plan.num_examples} examples were evaluated"
    return sums


_sums_of = jax.jit(loss_and_correct)


def _means(sums: dict) -> tuple[float, float]:
    """(mean loss, accuracy)."""
    return float(sums["loss"] / sums["count"]), float(sums["correct"] / sums["count"])
