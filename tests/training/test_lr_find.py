"""The learning-rate finder: its rule on made-up curves, and that it finds a sensible rate and leaves runs alone."""

import csv

import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.errors import DivergedError, EnvironmentFault
from study_classification.training import lr_find
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
    assert steepest_descent(rates[:10], np.array([5.0, 1, 2, 3, 4, 5, 6, 7, 8, 9])) is None  # it fell at once
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


def test_each_rate_has_a_loss_of_its_own_until_it_leaps(config, tmp_path, monkeypatch):
    losses, rates = [8.0, 4.0, 2.0, 1.0, 2.0, 3.0, 300.0, 1.0, 1.0, 1.0], []

    def compiled_train_step(experiment, optimizer, *others):
        params, given = {"w": jnp.ones(())}, iter(losses)
        state = optimizer.init(params)
        for _ in range(10):
            updates, state = optimizer.update({"w": jnp.ones(())}, state, params)
            rates.append(-float(updates["w"]))
        return lambda state, batch: state.replace(
            sums=state.sums | {"loss": state.sums["loss"] + 2 * next(given), "count": state.sums["count"] + 2}
        )

    config.optimizer.name, config.optimizer.momentum = "sgd", 0.0
    monkeypatch.setattr(lr_find, "compiled_train_step", compiled_train_step)
    monkeypatch.setattr(lr_find, "draw_learning_rates", lambda *given: None)
    find_learning_rate(config, tmp_path, steps=10)
    np.testing.assert_allclose(rates, [10.0 ** (place * 8 / 9 - 7) for place in range(10)], rtol=1e-4)
    with (tmp_path / "lr_find.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    # smoothed they are 8, 5.8, 4.2, 3.1, 2.8, 2.9 and then more than 300 / 4, which is above 4 times the least
    assert [float(row["loss"]) for row in rows] == losses[:6]
    there = smoothed(np.array(losses[:6]))
    assert float(rows[-1]["smoothed_loss"]) == pytest.approx(there[-1])  # the way back begins there
    assert float(rows[0]["smoothed_loss"]) == pytest.approx(
        (8 + 0.8 * 5.78 + 0.64 * 4.23 + 0.512 * 3.14 + 0.41 * 2.8 + 0.328 * 2.85) / 3.69, abs=0.01
    )


def test_a_loss_that_falls_nowhere_is_said(config, tmp_path, monkeypatch):
    monkeypatch.setattr("study_classification.training.lr_find.HIGHEST", 2e-7)
    monkeypatch.setattr("study_classification.training.lr_find.steepest_descent", lambda rates, losses: None)
    with pytest.raises(DivergedError, match="the loss fell at none of the 10 learning rates"):
        find_learning_rate(config, tmp_path, steps=10)
    assert (tmp_path / "lr_find.png").exists()


def test_the_suggestion_is_not_lost_where_nothing_can_be_written(tmp_path, capsys):
    rates = np.geomspace(1e-6, 1.0, 61)
    with pytest.raises(EnvironmentFault, match="gone cannot be written"):
        lr_find._suggest(rates, 2 - np.tanh(np.log10(rates) + 3), tmp_path / "gone")
    assert "Suggested: --config.optimizer.learning_rate=1.0e-03" in capsys.readouterr().out
