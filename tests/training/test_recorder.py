"""What a run says and leaves while it trains, with everything heavy taken away."""

from types import SimpleNamespace

import numpy as np
import pytest
from study_helpers import row

from study_classification.configs import default
from study_classification.runs.directory import read_history
from study_classification.runs.history import History
from study_classification.training import recorder
from study_classification.training.phases import Phases
from study_classification.training.recorder import Recorder

PHASES = Phases(20, 0, 1, 40, 4, 40)  # 2 epochs of 10 steps


@pytest.fixture
def recording(tmp_path, monkeypatch):
    """A recorder, the numbers of epochs at which it has drawn, and what the loggers were told."""
    drawn, logged = [], []
    monkeypatch.setattr(recorder, "draw_curves", lambda history, file: drawn.append(len(history.epochs)))
    experiment = SimpleNamespace(
        config=default.get_config(),
        preprocess=SimpleNamespace(noun="rows"),
        pretrained=None,
        mask={"backbone": False, "head": True},
    )
    found = Recorder(experiment, tmp_path)
    found._loggers = SimpleNamespace(
        add=lambda epoch, before: logged.append((epoch.step, before)), close=lambda: logged.append("closed")
    )
    return found, drawn, logged


def history_of(*losses):
    history = History("val_loss", False, 0.0)
    for number, loss in enumerate(losses, 1):
        history.add(row(number, loss))  # after 10, 20, ... steps
    return history


def test_each_epoch_is_said_written_and_logged_with_the_steps_before_it(recording, tmp_path, capsys, monkeypatch):
    found, drawn, logged = recording
    history = history_of(0.5)
    found.add(history.epochs[-1], history, 2, better=True)
    history.add(row(2, 0.75))
    found.add(history.epochs[-1], history, 2, better=False)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch 1/2") and first.endswith("  best") and not second.endswith("best")
    assert logged == [(10, 0), (20, 10)] and [epoch.step for epoch in read_history(tmp_path)] == [10, 20]
    assert drawn == []  # a minute has not gone by
    monkeypatch.setattr(recorder, "DRAW_EVERY", -1)
    found.add(history.epochs[-1], history, 2, better=False)
    assert drawn == [2]


def test_loggers_are_closed_also_where_training_fails(recording):
    found, _, logged = recording
    with pytest.raises(KeyError), found.logging():
        raise KeyError
    assert logged == ["closed"]


@pytest.mark.parametrize(
    ("losses", "reason", "said"),
    [
        ((0.5, 0.25), "", "Trained for 2 epochs\nBest: epoch 2, validation accuracy 0.7500, loss 0.2500\n"),
        ((0.5, 0.75), "no better", "Trained for 2 epochs\nBest: epoch 1, validation accuracy 0.5000, loss 0.5000\n"),
        ((0.5,), "no better", "Stopped early: no better\nBest: epoch 1, validation accuracy 0.5000, loss 0.5000\n"),
    ],
)
def test_the_end_is_told(recording, capsys, losses, reason, said):
    found, drawn, _ = recording
    found.finish(history_of(*losses), PHASES, reason)
    assert capsys.readouterr().out == said and drawn == [len(losses)]


def test_the_network_is_told_with_what_is_trained_of_it(recording, capsys):
    found, _, _ = recording
    found.describe(PHASES, {"backbone": np.zeros((50, 30)), "head": np.zeros(7)})
    assert capsys.readouterr().out == (
        "Network: original, 1,507 parameters, 7 of them trained (from_scratch); 20 steps of 4 rows\n"
    )
