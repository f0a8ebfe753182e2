"""What tests of whole runs share: a small config, the last checkpoint, two runs compared, one stopped at a step."""

import os
import signal
from pathlib import Path

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict
from orbax.checkpoint import v1 as ocp

from study_classification.configs import default
from study_classification.data.order import TrainingOrder
from study_classification.errors import Interrupted
from study_classification.runs.checkpoint import read_record
from study_classification.runs.checkpoints import steps_in
from study_classification.runs.history import History
from study_classification.training.loop import train_and_evaluate


def tiny_config(source: Path, cache: Path) -> ConfigDict:
    """A config that trains the tiny network, with every kind of randomness switched on."""
    config = default.get_config()
    config.data.source = str(source)
    config.data.cache_dir = str(cache)
    config.model.name = "tiny"
    config.model.dropout = 0.1
    config.preprocess.image_size = 8
    config.preprocess.channels = 1
    config.augment.shift = 0.1
    config.batch_size = 16
    config.total_epochs = 3.0
    config.schedule.warmup_steps = 2
    return config


def changed(**fields):
    """The default config with these fields, `a__b` for `a.b`."""
    config = default.get_config()
    for name, value in fields.items():
        config.update_from_flattened_dict({name.replace("__", "."): value})
    return config


def last_checkpoint(config, workdir: Path):
    """Everything in the last checkpoint: arrays as numpy, and the history without its times."""
    history = History(config.monitor, True, 0.0)
    folder = workdir / "checkpoints"
    latest = folder / str(steps_in(folder)[-1])
    arrays = ocp.load_checkpointables(latest, {"model": None, "training": None})
    history.restore(read_record(latest).beside["history"])
    rows = [(row.epoch, row.step, *row.train.values(), *row.val.values(), row.learning_rate) for row in history.epochs]
    return arrays, rows, history.best


def assert_same_run(config, one: Path, other: Path) -> None:
    arrays, rows, best = last_checkpoint(config, one)
    other_arrays, other_rows, other_best = last_checkpoint(config, other)
    assert jax.tree.structure(arrays) == jax.tree.structure(other_arrays)
    jax.tree.map(np.testing.assert_array_equal, arrays, other_arrays)
    assert rows == other_rows
    assert best == other_best


def stop_at(monkeypatch, step: int, number: int) -> None:
    """Sends this process the signal when the batch of this step is asked for."""
    original = TrainingOrder.__getitem__

    def planned(self, asked):
        if asked == step:
            os.kill(os.getpid(), number)
        return original(self, asked)

    monkeypatch.setattr(TrainingOrder, "__getitem__", planned)


def stop_and_resume(monkeypatch, config, workdir: Path, step: int, number: int = signal.SIGINT) -> Interrupted:
    """Trains, stopped by the signal when the batch of this step is asked for, and then resumed; returns the stop."""
    with monkeypatch.context() as patch:
        stop_at(patch, step, number)
        with pytest.raises(Interrupted, match="run the same command") as stopped:
            train_and_evaluate(config, workdir)
    train_and_evaluate(config, workdir)
    return stopped.value
