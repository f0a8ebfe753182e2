"""A task that is no classification is trained, resumed and recorded by the loop as it is."""

import csv
from dataclasses import dataclass

import jax.numpy as jnp
import pytest
from run_helpers import assert_same_run, stop_and_resume

from study_classification.errors import ConfigError
from study_classification.tasks.task import LOSS, Measure
from study_classification.training import setup
from study_classification.training.loop import train_and_evaluate


@dataclass(frozen=True)
class HowMuch:
    """A toy: the label as a number, told by the first output; squared error, measured by how far it is off."""

    num_outputs: int

    @property
    def kept(self):
        return {}

    @property
    def measures(self):
        return (Measure("distance", higher_is_better=False),)

    def targets(self, labels):
        return labels[:, None].astype(jnp.float32)

    def fitted(self, labels):
        return self

    def losses(self, outputs, targets):
        return (outputs[:, 0] - targets[:, 0]) ** 2

    def predictions(self, outputs):
        return outputs[:, 0]

    def average(self, one, other):
        return (one + other) / 2

    def measured(self, predictions, targets):
        off = jnp.abs(predictions - targets[:, 0])
        return {LOSS: off**2, "distance": off}


@pytest.fixture
def toy(config, monkeypatch):
    monkeypatch.setattr(setup, "create_task", lambda config, class_names, smoothing: HowMuch(len(class_names)))
    config.monitor = "val_distance"
    config.optimizer.learning_rate = 3e-3
    config.total_epochs = 6.0
    return config


def rows_of(workdir):
    with (workdir / "history.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_loop_history_and_curves_know_loss_and_named_measures_only(toy, tmp_path, capsys, monkeypatch, drawn):
    state = train_and_evaluate(toy, tmp_path / "whole")
    rows = rows_of(tmp_path / "whole")
    assert list(rows[0])[2:6] == ["train_loss", "train_distance", "val_loss", "val_distance"]
    assert rows[-1]["train_distance"] < rows[0]["train_distance"] / 1.5
    best = min(rows, key=lambda row: row["val_distance"])  # lower is better
    assert int(state.step) == best["step"]
    assert f"Best: epoch {best['epoch']:.0f}, validation distance {best['val_distance']:.4f}" in capsys.readouterr().out
    assert (tmp_path / "whole" / "curves.png").stat().st_size > 1000
    stop_and_resume(monkeypatch, toy, tmp_path / "parts", 7)
    assert_same_run(toy, tmp_path / "whole", tmp_path / "parts")


def test_a_measure_that_the_task_has_not_is_refused(toy, tmp_path):
    toy.monitor = "val_accuracy"
    with pytest.raises(
        ConfigError, match=r"monitor is 'val_accuracy', which this task does not measure: .*val_distance"
    ):
        train_and_evaluate(toy, tmp_path / "run")
