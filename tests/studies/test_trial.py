import signal

import pytest
from study_helpers import stub_training

from study_classification.configs import default
from study_classification.errors import DivergedError, EnvironmentFault, Interrupted, RunError
from study_classification.studies import trial
from study_classification.studies.trial import Outcome, run_trial


@pytest.fixture
def outcome_of(tmp_path, monkeypatch):
    def run(*losses, watch=lambda history: ""):
        monkeypatch.setattr(trial, "train_and_evaluate", stub_training(lambda config: losses, []))
        return run_trial(default.get_config(), tmp_path / "7", watch)

    return run


def test_the_value_is_that_of_the_best_epoch(outcome_of):
    assert outcome_of(0.5, 0.25, 0.5) == Outcome("complete", 0.75, epoch=2, epochs=3, seconds=6.0)


def test_a_watched_trial_is_pruned(outcome_of):
    pruned = outcome_of(0.5, 0.75, 0.25, watch=lambda history: "too bad" if len(history.epochs) == 2 else "")
    assert pruned == Outcome("pruned", 0.5, epoch=1, epochs=2, seconds=4.0, sentence="too bad")
    assert pruned.describe("val_accuracy") == "pruned: val_accuracy 0.5000 in epoch 1 of 2, 4.0 s; too bad"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DivergedError("the loss became NaN"), "the loss became NaN"),
        (ValueError("RESOURCE_EXHAUSTED: Out of memory"), "out of memory: choose a smaller batch_size"),
    ],
)
def test_a_trial_fails_by_its_own_fault(outcome_of, error, sentence):
    failed = outcome_of(0.5, error)
    assert (failed.state, failed.value, failed.epochs) == ("failed", 0.5, 1)
    assert failed.sentence.startswith(sentence)
    assert outcome_of(error).describe("val_accuracy").startswith(f"failed: {sentence}")


@pytest.mark.parametrize(
    "error", [RunError("damaged"), EnvironmentFault("no space"), OSError(28, "No space left"), KeyError("a fault")]
)
def test_what_is_no_trials_fault_ends_the_study(outcome_of, error):
    with pytest.raises(type(error)):
        outcome_of(0.5, error)


def test_a_stopped_trial_says_how_to_go_on(outcome_of):
    with pytest.raises(Interrupted, match=r"7 is saved where it was: the same command goes on with it") as stopped:
        outcome_of(0.5, Interrupted("run the same command with --workdir=7", signal.SIGTERM))
    assert stopped.value.exit_code == 143
