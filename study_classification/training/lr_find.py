"""The learning-rate finder: shows how the loss changes while the rate rises step by step, and suggests a rate.

Source: the range test of Smith (arXiv:1506.01186), with the exponential rise, range and end of fastai's lr_find.
"""

import functools
import math
from pathlib import Path

import jax
import numpy as np
import optax
from jaxtyping import Float
from ml_collections import ConfigDict

from study_classification.data.sources import TRAIN
from study_classification.errors import DivergedError
from study_classification.optim.optimizer import make_optimizer
from study_classification.reports.curves import draw_learning_rates
from study_classification.runs import directory
from study_classification.system import devices, hosts
from study_classification.system.console import progress, say
from study_classification.system.files import csv_text, write_text
from study_classification.tasks.task import LOSS, names_of
from study_classification.training.compiled_step import compiled_train_step
from study_classification.training.feed import open_feed
from study_classification.training.initial import first_variables
from study_classification.training.setup import rate_multipliers, resolve_config
from study_classification.training.state import COUNT, init_state, zero_sums

LOWEST, HIGHEST = 1e-7, 10.0  # rates of the first and the last step
DIVERGED = 4.0  # the test ends when the smoothed loss is so many times its smallest value
MEMORY = 0.8  # decay of the moving average that smooths the losses


def find_learning_rate(config: ConfigDict, workdir: Path, steps: int = 100) -> float:
    """Trains with rising rates, writes the curve of the loss, and forgets the weights.

    Network, data, optimizer and first weights are the same as in training. The schedule and a first phase of the head
    are left out. It writes lr_find.csv and lr_find.png into `workdir`, and changes nothing else there.

    Args:
        config: as `configs/default.py` defines it.
        workdir: the directory for both files; it is made if need be.
        steps: how many rates to try, unless the loss diverges before.

    Returns:
        The suggested `optimizer.learning_rate`, see `steepest_descent`.

    Raises:
        UserError: as `train_and_evaluate`.
        DivergedError: if the loss falls at no rate.
    """
    experiment = resolve_config(config)
    config = experiment.config
    directory.make(workdir)
    feed = open_feed(experiment)
    variables = first_variables(experiment, feed.data)
    optimizer = make_optimizer(
        config.optimizer,
        optax.exponential_decay(LOWEST, steps - 1, HIGHEST / LOWEST),
        rate_multipliers(experiment, variables["params"]),
    )
    names = names_of(feed.task)
    start = functools.partial(init_state, optimizer=optimizer, mask=experiment.mask, names=names)
    sharding = devices.state_sharding(experiment.mesh, jax.eval_shape(start, variables))
    state = jax.jit(start, out_shardings=sharding)(variables)
    no_sums = jax.jit(lambda: zero_sums(names), out_shardings=sharding.sums)

    take_step = compiled_train_step(
        experiment, optimizer, sharding, feed.task, experiment.augmentation, experiment.mask
    )
    images = feed.images(TRAIN, variables)

    say(f"Trying {steps} learning rates from {LOWEST:g} to {HIGHEST:g} ...")
    rates, losses = np.geomspace(LOWEST, HIGHEST, steps), np.empty(0)
    for batch in progress(images.batches(feed.order_of_images, range(steps)), "trying learning rates", total=steps):
        state = take_step(state.replace(sums=no_sums()), batch)
        found = np.append(losses, float(state.sums[LOSS] / state.sums[COUNT]))
        if not math.isfinite(found[-1]) or smoothed(found)[-1] > DIVERGED * smoothed(found).min():
            break
        losses = found
    return _suggest(rates[: len(losses)], losses, workdir)


def _suggest(rates: Float[np.ndarray, " n"], losses: Float[np.ndarray, " n"], workdir: Path) -> float:
    """Writes and draws the losses; returns the suggested rate."""
    curve = smoothed(smoothed(losses)[::-1])[::-1]  # forward and backward, so that it does not lag behind
    place = steepest_descent(rates, curve)
    if place is not None:  # before the files, so that it is not lost where they cannot be written
        rate = f"{rates[place]:.1e}"
        say(f"Suggested: --config.optimizer.learning_rate={rate}, where the smoothed loss falls most steeply")
    if hosts.is_first():
        write_text(workdir / "lr_find.csv", _to_csv(rates, losses, curve))
        draw_learning_rates(rates, losses, curve, place, workdir / "lr_find.png")
    if place is None:
        raise DivergedError(
            f"the loss fell at none of the {len(rates)} learning rates, see {workdir / 'lr_find.png'}: look at the "
            "data and at the other settings first"
        )
    say(f"written to {workdir / 'lr_find.csv'} and {workdir / 'lr_find.png'}")
    return float(rates[place])


def smoothed(losses: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The exponential moving average of the losses, without its bias towards 0 at the beginning."""
    averages, average = np.empty(len(losses)), 0.0
    for place, loss in enumerate(losses):
        average = MEMORY * average + (1 - MEMORY) * loss
        averages[place] = average / (1 - MEMORY ** (place + 1))
    return averages


def steepest_descent(rates: Float[np.ndarray, " n"], losses: Float[np.ndarray, " n"]) -> int | None:
    """The rate at which the loss falls fastest over the logarithm of the rate; None if the loss falls nowhere.

    Only rates before the smallest loss count, for after it the weights are spoilt. The first tenth is left out, for an
    average of few losses says little.
    """
    begin, end = len(losses) // 10, int(np.argmin(losses))
    if end <= begin:
        return None
    return begin + int(np.argmin(np.gradient(losses, np.log(rates))[begin:end]))


def _to_csv(*columns: Float[np.ndarray, " n"]) -> str:
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return csv_text(("learning_rate", "loss", "smoothed_loss"), rows)
