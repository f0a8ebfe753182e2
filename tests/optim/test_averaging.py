"""The average of the weights: its values by hand, and that training, resuming and evaluation take the right ones."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from run_helpers import assert_same_run, last_checkpoint, stop_and_resume

from study_classification.inference.evaluate import evaluate
from study_classification.optim.averaging import start_average, update_average
from study_classification.runs.checkpoints import load_model
from study_classification.runs.directory import load
from study_classification.system.devices import abstract
from study_classification.training.loop import train_and_evaluate


def test_the_average_by_hand():
    average = start_average({"w": jnp.array([0.0, 5.0])}, 0.2)
    values = []
    for step, new in enumerate([1.0, 2.0, 3.0]):
        average = update_average(average, {"w": jnp.array([new, 5.0])}, jnp.array(step), 0.2)
        values.append(np.asarray(average["w"]))
    # decays 1/10, 2/11, and then 0.2, for 3/12 would be more
    first = 0.9 * 1.0
    second = 2 / 11 * first + 9 / 11 * 2.0
    assert [value[0] for value in values] == pytest.approx([first, second, 0.2 * second + 0.8 * 3.0], rel=1e-6)
    assert all(value[1] == 5.0 for value in values)  # exactly
    assert start_average({"w": jnp.ones(2)}, 0.0) == {}


def test_the_average_is_evaluated_and_kept_and_the_raw_weights_train_on(config, tmp_path):
    train_and_evaluate(config, tmp_path / "plain")
    config.ema_decay = 0.6
    train_and_evaluate(config, tmp_path / "run")
    plain, plain_rows, _ = last_checkpoint(config, tmp_path / "plain")
    arrays, rows, _ = last_checkpoint(config, tmp_path / "run")
    jax.tree.map(np.testing.assert_array_equal, arrays["training"].pop("raw"), plain["model"])
    jax.tree.map(np.testing.assert_array_equal, arrays["training"], plain["training"])
    moved = jax.tree.map(lambda mean, raw: np.any(mean != raw), arrays["model"], plain["model"])
    assert all(jax.tree.leaves(moved))  # of BatchNorm's statistics, too
    assert rows[-1][4] != plain_rows[-1][4]


@pytest.mark.parametrize("kind", ["ema", "schedule_free"])
def test_resumed_equals_uninterrupted(config, tmp_path, monkeypatch, kind):
    if kind == "ema":
        config.ema_decay = 0.9
    else:
        config.optimizer.name, config.schedule.name = "schedule_free", "constant"
    train_and_evaluate(config, tmp_path / "whole")
    stop_and_resume(monkeypatch, config, tmp_path / "parts", 7)
    assert_same_run(config, tmp_path / "whole", tmp_path / "parts")
    arrays, rows, _ = last_checkpoint(config, tmp_path / "parts")
    model, raw = arrays["model"]["params"], arrays["training"]["raw"]["params"]
    if kind == "schedule_free":  # y = b1 x + (1 - b1) z
        raw_of_model = jax.tree.map(lambda x, z: 0.9 * x + 0.1 * z, model, arrays["training"]["opt_state"]["z"])
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), raw, raw_of_model)
    assert np.any(model["head"]["classifier"]["kernel"] != raw["head"]["classifier"]["kernel"])
    measured = evaluate(load(tmp_path / "parts"), split="validation", checkpoint="last")
    assert measured["loss"] == pytest.approx(rows[-1][4], rel=1e-5)


def test_what_is_frozen_is_its_own_average(config, run, tmp_path):
    config.model.weights = str(run.workdir)
    config.learning, config.ema_decay = "fine_tuning", 0.9
    config.monitor = "val_loss"  # so that the best epoch is not the one of the head alone
    config.fine_tuning.head_epochs, config.fine_tuning.frozen = 1.0, ("backbone/(conv|bn)/",)
    state = train_and_evaluate(config, tmp_path / "tuned")
    _, given = load_model(run.workdir / "checkpoints", "best", abstract(state.variables()))
    for layer in ("conv", "bn"):
        jax.tree.map(np.testing.assert_array_equal, state.params["backbone"][layer], given["params"]["backbone"][layer])
    jax.tree.map(np.testing.assert_array_equal, state.batch_stats, given["batch_stats"])
    assert np.any(state.params["backbone"]["dense"]["kernel"] != given["params"]["backbone"]["dense"]["kernel"])
