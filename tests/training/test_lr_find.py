"""The learning-rate finder: its rule on made-up curves, and that it finds a sensible rate and leaves runs alone."""

import csv

import numpy as np
import pytest

from study_classification.errors import DivergedError
from study_classification.training.lr_find import find_learning_rate, smoothed, steepest_descent


def test_the_average_by_hand():
    # weights 1; 0.8 and 1; 0.64, 0.8 and 1
    values = [3.0, (0.8 * 3 + 1) / 1.8, (0.64 * 3 + 0.8 * 1 + 2) / 2.44]
    assert smoothed(np.array([3.0, 1.0, 2.0])) == pytest.approx(values)


def test_the_steepest_descent_of_a_curve():
    rates = np.geomspace(1e-6, 1.0, 61)  # ten to a decade
    decades = np.log10(rates)
    curve = 2 - np.tanh(decades + 3) + 5.0 ** (decades + 1)  # falls most steeply near 1e-3, rises from 1e-2 on
    curve[-2:] = [5.0, curve.min() + 0.1]  # a steeper fall, but behind the smallest loss
    assert rates[steepest_descent(rates, curve)] == pytest.approx(1e-3, rel=0.3)
    assert steepest_descent(rates, np.linspace(1, 2, 61)) is None
    steep_begin = np.where(decades < -5.7, 9.0, curve)
    assert rates[steepest_descent(rates, steep_begin)] == pytest.approx(1e-3, rel=0.3)


def test_a_sensible_rate_is_found_and_nothing_else_changes(config, run, tmp_path):
    def files():
        return {path: path.read_bytes() for path in run.workdir.rglob("*") if path.is_file()}

    config.optimizer.name = "sgd"
    before = files()
    found = find_learning_rate(config, run.workdir, steps=60)
    assert 1e-3 < found < 1.0
    after = files()
    added = {path.name for path in after.keys() - before.keys()}
    assert added == {"lr_find.csv", "lr_find.png"}
    assert all(after[path] == content for path, content in before.items())
    with (run.workdir / "lr_find.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    rates = [float(row["learning_rate"]) for row in rows]
    np.testing.assert_allclose(rates, np.geomspace(1e-7, 10, 60)[: len(rates)])
    assert found in rates


def test_a_loss_that_falls_nowhere_is_said(config, tmp_path, monkeypatch):
    monkeypatch.setattr("study_classification.training.lr_find.HIGHEST", 2e-7)
    monkeypatch.setattr("study_classification.training.lr_find.steepest_descent", lambda rates, losses: None)
    with pytest.raises(DivergedError, match="the loss fell at none of the 10 learning rates"):
        find_learning_rate(config, tmp_path, steps=10)
    assert (tmp_path / "lr_find.png").exists()
