"""A search with trainings that take no time. The whole way is in test_tune.py."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from study_helpers import stub_training

from study_classification.configs import default
from study_classification.errors import DivergedError, EnvironmentFault, RunError
from study_classification.runs.lock import locked
from study_classification.studies import trial as trials
from study_classification.studies.folder import trial_directory
from study_classification.studies.search import finished_trials, importances, open_study, require_optuna, search
from study_classification.studies.space import Choice, Range

SPACE = {"optimizer.learning_rate": Range(0.01, 0.99), "model.hidden": Choice((8,), (8, 4))}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Searches in the same folder: gives the finished trials, and which were trained by this call."""

    def run(limit, losses=lambda config: [config.optimizer.learning_rate]):
        trained = []
        monkeypatch.setattr(trials, "train_and_evaluate", stub_training(losses, trained))
        study = open_study(tmp_path, higher_is_better=True)
        run.busy = search(study, tmp_path, default.get_config(), SPACE, limit, lambda: trained.append("first"))
        return finished_trials(study, SPACE), trained

    return run


def test_so_many_trials_are_trained_and_no_more_by_the_same_call(run):
    done, trained = run(3)
    assert trained == ["first", "0", "1", "2"]
    for trial in done:
        assert trial.outcome.value == pytest.approx(1 - trial.settings["optimizer.learning_rate"])
        assert trial.settings["model.hidden"] in [(8,), (8, 4)]
    assert len({trial.outcome.value for trial in done}) == 3
    again, trained = run(3)
    assert (again, trained) == (done, [])
    more, trained = run(4)
    assert trained == ["first", "3"] and more[:3] == done


def test_a_trial_of_a_process_that_has_ended_goes_on_with_its_settings(run, tmp_path):
    def stopping(config):
        seen.append(config.optimizer.learning_rate)
        return [0.5, 0.25, KeyboardInterrupt()]

    seen = []
    with pytest.raises(KeyboardInterrupt):
        run(2, stopping)

    def going_on(config):
        seen.append(config.optimizer.learning_rate)
        return [0.5, 0.25, 0.125]

    done, trained = run(2, going_on)
    assert trained == ["first", "0", "1"] and seen[0] == seen[1]
    assert [trial.outcome.value for trial in done] == [0.875, 0.875]
    assert open_study(tmp_path, True).trials[0].intermediate_values == {1: 0.5, 2: 0.75, 3: 0.875}


def test_an_interrupted_study_tries_what_an_uninterrupted_one_does(run, tmp_path, monkeypatch):
    done, _ = run(3)
    (tmp_path / "journal.log").unlink()
    run(1)
    run(2)
    assert run(3)[0] == done


def test_a_trial_that_another_process_trains_is_left_to_it(run, tmp_path):
    open_study(tmp_path, True).ask()
    (tmp_path / "trials" / "0").mkdir(parents=True)
    with ThreadPoolExecutor(1) as other, locked(trial_directory(tmp_path, "0")):
        done, trained = other.submit(run, 2).result()
    assert ([trial.name for trial in done], trained) == (["1"], ["first", "1"])
    assert "0 is being trained by process" in run.busy[0]
    assert [trial.name for trial in run(2)[0]] == ["0", "1"] and not run.busy


def test_two_at_once_share_a_study(tmp_path, monkeypatch):
    trained, both = [], Barrier(2)

    def losses(config):
        if len(trained) <= 2:
            both.wait(60)  # the first trial of each is not over before that of the other one has begun
        return [config.optimizer.learning_rate]

    monkeypatch.setattr(trials, "train_and_evaluate", stub_training(losses, trained))

    def work():
        search(open_study(tmp_path, True), tmp_path, default.get_config(), SPACE, 6, lambda: None)

    with ThreadPoolExecutor(2) as threads:
        for worker in [threads.submit(work) for _ in range(2)]:
            worker.result()
    done = finished_trials(open_study(tmp_path, True), SPACE)
    assert sorted(trained) == [trial.name for trial in done] == list("012345")
    assert len({trial.outcome.value for trial in done}) == 6


def test_a_trial_that_is_worse_than_the_median_is_pruned_and_one_that_fails_is_marked(run):
    calls = []

    def losses(config):
        calls.append(config)
        if len(calls) == 2:
            return [0.5, DivergedError("NaN")]
        return [0.5, 0.5, 0.5] if len(calls) < 7 else [0.9, 0.9, 0.9]

    done, _ = run(7, losses)
    assert [trial.outcome.state for trial in done] == ["complete", "failed", *4 * ["complete"], "pruned"]
    assert done[1].outcome.sentence == "NaN"
    assert (done[6].outcome.epochs, done[6].outcome.sentence) == (2, "worse than the median of the trials in epoch 2")


def test_importance_is_that_of_the_field_that_decides(run, tmp_path):
    run(3)
    assert importances(open_study(tmp_path, True), 0) == {}
    run(4)
    assert importances(open_study(tmp_path, True), 0).keys() == SPACE.keys()
    run(12)
    shares = importances(open_study(tmp_path, True), 0)
    assert shares["optimizer.learning_rate"] > 0.7
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("text", ["nonsense\n{}\n", "[1]\n", "3\n", '{"op_code": 0}\n'])
def test_a_damaged_journal_is_named(tmp_path, text):
    (tmp_path / "journal.log").write_text(text)
    with pytest.raises(RunError, match=r"journal.log is damaged"):
        open_study(tmp_path, True)


def test_a_line_that_a_killed_process_has_not_finished_is_cut_off(run, tmp_path):
    done, _ = run(2)
    with (tmp_path / "journal.log").open("a") as file:
        file.write('{"op_code":4,"wor')
    assert run(2) == (done, [])
    more, _ = run(3)
    assert more[:2] == done and len(more) == 3
    assert finished_trials(open_study(tmp_path, True), SPACE) == more


def test_a_journal_without_outcomes_or_no_file_is_named(run, tmp_path):
    run(1)
    file = tmp_path / "journal.log"
    file.write_text(file.read_text().replace("outcome", "other"))
    with pytest.raises(RunError, match=r"journal.log is damaged \('outcome'\)"):
        open_study(tmp_path, True)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(RunError, match=r"journal.log cannot be read \(it is a pipe, not a file\): restore it"):
        open_study(tmp_path, True)


def test_without_optuna_the_remedy_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(EnvironmentFault, match=r"pip install 'study-classification\[tune\]', or compare by sweep\(\)"):
        require_optuna()
