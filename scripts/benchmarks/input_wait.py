"""Measures the share of a training step that is spent waiting for a batch, with resident and with streamed images."""

import functools
import itertools
import time
from pathlib import Path
from statistics import median

import jax
import optax

from study_classification.configs import animals
from study_classification.data.batches import open_images
from study_classification.data.dataset import open_dataset
from study_classification.data.order import TrainingOrder
from study_classification.inputs.images.reader import ImageReader
from study_classification.optim.optimizer import make_optimizer
from study_classification.system import devices
from study_classification.tasks.task import names_of
from study_classification.training.initial import initial_variables
from study_classification.training.setup import resolve_config
from study_classification.training.state import init_state
from study_classification.training.step import make_train_step

STEPS = 40  # in each round


def measure(folder: Path, cache: Path, workers: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Trains `original` at 64 pixels as configs/animals.py does, with each kind of input in turns.

    Each step ends before the next batch is asked for, so only the work that the pipeline does ahead hides the wait.
    `one batch` trains on one batch again and again: the step without any input.

    Returns:
        Kind of input -> (median milliseconds of a step, median share of the wait in a step).
    """
    config = animals.get_config(f"data={folder},size=64")
    config.data.cache_dir = str(cache)
    experiment = resolve_config(config)
    data = open_dataset(config.data, everything_in="train")
    plan = TrainingOrder(len(data.split("train")), config.batch_size, config.seed)
    inputs = {
        mode: open_images(
            data.split("train"),
            ImageReader(experiment.preprocess, config.data.max_megapixels, experiment.augmentation.canvas_size),
            mode=mode,
            free_memory=devices.free_memory(),
            cache=cache,
            workers=workers,
            sharding=devices.batch_sharding(experiment.mesh),
        )
        for mode in ("resident", "streaming")
    }

    model, task, mask = experiment.model, experiment.task, experiment.mask
    optimizer = make_optimizer(config.optimizer, optax.constant_schedule(config.optimizer.learning_rate))
    state = init_state(initial_variables(experiment), optimizer, mask, names_of(task), config.ema_decay)
    train_step = make_train_step(model, optimizer, experiment.preprocess, experiment.augmentation, config, task, mask)
    train_step = jax.jit(train_step, donate_argnums=0)
    one_batch = next(inputs["resident"].batches(plan, range(1)))
    for _ in range(2):  # which compiles it: for the new state, and for its own result
        state = jax.block_until_ready(train_step(state, one_batch))

    begin = {"one batch": lambda: itertools.repeat(one_batch, STEPS)}
    begin |= {mode: functools.partial(images.batches, plan, range(STEPS)) for mode, images in inputs.items()}
    step_ms, share = {name: [] for name in begin}, {name: [] for name in begin}
    for _ in range(rounds):
        for name, batches in begin.items():
            waited, started = 0.0, time.perf_counter()
            asked = started
            for batch in batches():
                jax.block_until_ready(batch)
                waited += time.perf_counter() - asked
                state = jax.block_until_ready(train_step(state, batch))
                asked = time.perf_counter()
            step_ms[name].append((asked - started) / STEPS * 1e3)
            share[name].append(waited / (asked - started))
    return {name: (median(step_ms[name]), median(share[name])) for name in begin}
