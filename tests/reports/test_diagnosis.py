import sys
from pathlib import Path

import pytest

from study_classification.reports.diagnosis import next_steps, overfitting, program
from study_classification.runs.history import Epoch, History


def history_of(*accuracies):
    """(training, validation) of each epoch -> a history."""
    history = History("val_accuracy", True, 0.0)
    for number, (train, val) in enumerate(accuracies, start=1):
        history.add(
            Epoch(number, number, {"loss": 0.1, "accuracy": train}, {"loss": 0.5, "accuracy": val}, 1e-3, 100.0, 1.0)
        )
    return history


def test_over_fitting_is_named_with_its_evidence_and_a_cure():
    text = overfitting(history_of((0.5, 0.45), (0.89, 0.44)), "from_scratch", 179)
    assert "89.0% of the training pictures were right and only 44.0% of the validation pictures" in text
    assert "configs/photos.py" in text
    assert "\n" not in text
    assert "optimizer.weight_decay" in overfitting(history_of((0.99, 0.8)), "transfer_learning", 1000)


@pytest.mark.parametrize(
    ("accuracies", "num_validation"),
    [
        ([(0.89, 0.85)], 10_000),  # a gap that every training has
        ([(0.99, 0.6), (0.7, 0.65)], 1000),  # only the end counts
        ([(1.0, 0.8)], 10),  # 2 of 10 wrong: two standard errors are 0.25
        ([(0.5, 0.9)], 1000),
    ],
)
def test_what_is_not_called_over_fitting(accuracies, num_validation):
    assert overfitting(history_of(*accuracies), "from_scratch", num_validation) == ""


def test_next_steps_are_commands_that_can_be_typed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "study_classification" / "main.py")])
    lines = next_steps(Path("runs/my photos"), Path("runs/my photos/curves.png")).splitlines()
    assert lines[1].endswith("runs/my photos/curves.png")
    assert lines[2].endswith("-m study_classification.main evaluate --workdir='runs/my photos'")
    assert lines[3].endswith("-m study_classification.main predict --workdir='runs/my photos' PICTURE.jpg")


def test_the_program_is_named_as_it_can_be_found_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "study-classification"):
        (binaries / name).write_text("#!/bin/sh\n")
        (binaries / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(binaries / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "argv", ["-m"])
    assert program() == ".venv/bin/python -m study_classification.main"
    monkeypatch.setattr(sys, "argv", [str(binaries / "study-classification")])
    assert program() == ".venv/bin/study-classification"
    monkeypatch.setenv("PATH", str(binaries))
    assert program() == "study-classification"
    monkeypatch.setattr(sys, "argv", ["-m"])
    assert program() == "python -m study_classification.main"


@pytest.mark.parametrize(("val", "is_named"), [(2.5, True), (1.9, False)])
def test_over_fitting_of_numbers_is_told_by_their_mean_errors(val, is_named):
    history = History("val_mae", False, 0.0)
    history.add(Epoch(1, 1, {"loss": 0.1, "mae": 1.0}, {"loss": 0.5, "mae": val}, 1e-3, 100.0, 1.0))
    text = overfitting(history, "from_scratch", 100)
    assert ("were wrong by 1 on average and those of the validation pictures by 2.5" in text) is is_named
    assert bool(text) is is_named
