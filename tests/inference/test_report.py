"""The page of a finished run, made at any time, and probabilities that its temperature mends."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from study_classification.errors import ConfigError, RunError
from study_classification.inference import report as report_module
from study_classification.inference.evaluate import evaluate
from study_classification.inference.measure import answers_of
from study_classification.inference.predictor import load_predictor
from study_classification.inference.report import report
from study_classification.runs.directory import load


@pytest.fixture(scope="module")
def finished(_trained, tmp_path_factory):
    """A run without what its training has left to report, and then reported on."""
    run = load(Path(shutil.copytree(_trained, tmp_path_factory.mktemp("finished") / "run")))
    for name in ("calibration.json", "predictions_validation.csv"):
        (run.workdir / name).unlink()  # training has left them
    with pytest.raises(ConfigError, match=r"test split .* was not evaluated, and report does not open it first"):
        report(run, "test")
    with pytest.raises(ConfigError, match=r"has no calibration\.json"):
        load_predictor(run, "best", calibrated=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_module, "answers_of", with_wrong_ones)
        report(run)
    return run


def with_wrong_ones(*arguments):
    """What the network says, with a wrong label for each third example: it is right of all."""
    answers = answers_of(*arguments)
    return replace(answers, labels=np.where(np.arange(len(answers.labels)) % 3, answers.labels, 2 - answers.labels))


def rows_of(file):
    with file.open() as lines:
        return list(csv.DictReader(lines))


def test_the_page_shows_pictures_of_what_is_wrong(finished):
    text = (finished.workdir / "report.html").read_text()
    rows = rows_of(finished.workdir / "predictions_validation.csv")
    wrong = sorted((row for row in rows if row["label"] != row["prediction"]), key=lambda row: -float(row["loss"]))
    assert len(rows) == 9 and len(wrong) >= 2
    assert text.count("data:image/jpeg;base64,") == len(wrong)
    assert [text.index(f'alt="{row["name"]}"') for row in wrong] == sorted(
        text.index(f'alt="{r["name"]}"') for r in wrong
    )


def test_the_temperature_divides_the_logits(finished):
    stored = json.loads((finished.workdir / "calibration.json").read_text())
    images = [np.full((8, 8), shade, np.uint8) for shade in (0, 100, 255)]
    plain, calibrated = (load_predictor(finished, "best", calibrated=each) for each in (False, True))
    logits = np.log(plain.probabilities(images)) / stored["temperature"]
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(calibrated.probabilities(images), expected, rtol=1e-4)
    assert stored["examples"] == 9 and stored["checkpoint_step"] == plain.step


def test_test_is_reported_on_once_it_is_evaluated(finished):
    metrics = evaluate(finished, split="test")
    rows = rows_of(finished.workdir / "predictions_test.csv")
    assert sum(row["label"] == row["prediction"] for row in rows) == metrics["correct"] and len(rows) == 9
    report(finished, "test")
    assert "which nothing was chosen by" in (finished.workdir / "report_test.html").read_text()


def test_a_run_without_an_epoch_is_named(run):
    (run.workdir / "history.csv").unlink()
    with pytest.raises(RunError, match="has no epoch to report on: train it first"):
        report(run)


def test_a_number_has_no_probability_to_calibrate(run):
    run.config.task.name = "regression"
    object.__setattr__(run, "class_names", ())
    with pytest.raises(ConfigError, match="predicts a number, which has no probability to calibrate"):
        load_predictor(run, "best", calibrated=True)
