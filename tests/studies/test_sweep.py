"""A sweep with trainings that take no time. The whole way is in test_tune.py."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from study_helpers import stub_training

from study_classification.configs import default
from study_classification.errors import DivergedError, RunError, Unreachable
from study_classification.runs.lock import locked
from study_classification.studies import trial as trials
from study_classification.studies.folder import outcome_file, trial_directory
from study_classification.studies.grid import Sweep
from study_classification.studies.sweep import train_sweep

SWEEP = Sweep({"one": {"batch_size": 1}, "two": {"batch_size": 2}}, seeds=(0, 4))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Trains a sweep in the same folder: gives the finished trials, what was trained, and what is busy."""
    monkeypatch.setitem(sys.modules, "optuna", None)  # which a sweep does not need

    def run(sweep, losses=lambda config: [0.25 * config.batch_size + 0.0625 * config.seed]):
        trained = []
        monkeypatch.setattr(trials, "train_and_evaluate", stub_training(losses, trained))
        done, busy = train_sweep(tmp_path, default.get_config(), sweep, lambda: trained.append("first"))
        return done, trained, busy

    return run


def test_every_setting_is_trained_with_every_seed_once(run):
    done, trained, busy = run(SWEEP)
    assert trained == ["first", "one-seed0", "two-seed0", "one-seed4", "two-seed4"] and not busy
    assert {trial.name: trial.outcome.value for trial in done} == {
        "one-seed0": 0.75,
        "two-seed0": 0.5,
        "one-seed4": 0.5,
        "two-seed4": 0.25,
    }
    assert done[3].settings == {"batch_size": 2, "seed": 4} and done[3].setting == "two"
    assert run(SWEEP) == (done, [], [])
    _, trained, _ = run(Sweep({**SWEEP.settings, "as it is": {}}, seeds=(0, 4, 5)))
    assert trained == ["first", "as_it_is-seed0", "as_it_is-seed4", "one-seed5", "two-seed5", "as_it_is-seed5"]


def test_a_run_that_fails_does_not_end_the_sweep_and_is_not_tried_again(run):
    done, _, _ = run(SWEEP, lambda config: [DivergedError("NaN") if config.batch_size == 1 else 0.5])
    assert [trial.outcome.state for trial in done] == ["failed", "complete", "failed", "complete"]
    assert run(SWEEP)[:2] == (done, [])


def test_weights_that_cannot_be_fetched_do_not_end_the_sweep_and_are_tried_again(run):
    def losses(config):
        return [Unreachable("fetch them") if config.batch_size == 1 else 0.5]

    done, _, waiting = run(SWEEP, losses)
    assert [trial.name for trial in done] == ["two-seed0", "two-seed4"]
    assert waiting == ["one, seed 0: fetch them", "one, seed 4: fetch them"]
    assert run(SWEEP)[1] == ["first", "one-seed0", "one-seed4"]


def test_a_stopped_run_goes_on(run):
    with pytest.raises(KeyboardInterrupt):
        run(SWEEP, lambda config: [0.5, KeyboardInterrupt()] if config.batch_size == 2 else [0.5])
    assert run(SWEEP)[1] == ["first", "two-seed0", "one-seed4", "two-seed4"]


def test_a_run_that_another_process_trains_is_left_to_it(run, tmp_path):
    workdir = trial_directory(tmp_path, "one-seed0")
    workdir.mkdir(parents=True)
    with ThreadPoolExecutor(1) as other, locked(workdir):
        done, trained, busy = other.submit(run, SWEEP).result()
    assert trained == ["first", "two-seed0", "one-seed4", "two-seed4"] and len(done) == 3
    assert len(busy) == 1 and "one-seed0 is being trained by process" in busy[0]


def test_what_another_process_has_finished_meanwhile_is_not_trained_again(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(trials, "train_and_evaluate", stub_training(lambda config: [0.5], trained))

    def meanwhile():
        file = outcome_file(tmp_path, "two-seed0")
        file.parent.mkdir()
        file.write_text('{"settings": {"batch_size": 2, "seed": 0}, "state": "complete", "value": 0.25}')

    done, _ = train_sweep(tmp_path, default.get_config(), SWEEP, meanwhile)
    assert trained == ["one-seed0", "one-seed4", "two-seed4"]
    assert [trial.outcome.value for trial in done] == [0.5, 0.25, 0.5, 0.5]


def test_a_name_means_the_same_settings_for_ever(run, tmp_path):
    run(SWEEP)
    with pytest.raises(
        RunError, match=r"settings \{'batch_size': 1, 'seed': 0\}, not .*3.*: name the new ones otherwise"
    ):
        run(Sweep({"one": {"batch_size": 3}}, seeds=(0,)))
    outcome_file(tmp_path, "one-seed0").write_text("{}")
    with pytest.raises(RunError, match=r"one-seed0.json is damaged .*: remove it"):
        run(SWEEP)
