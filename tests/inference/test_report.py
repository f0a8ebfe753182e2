"""The page of a finished run, made at any time, and probabilities that its temperature mends."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from study_classification.data.order import TrainingOrder
from study_classification.errors import ConfigError, RunError
from study_classification.inference import report as report_module
from study_classification.inference.evaluate import evaluate
from study_classification.inference.measure import answers_of, open_own
from study_classification.inference.predictor import load_predictor
from study_classification.inference.report import report
from study_classification.inputs.images.reader import ImageReader
from study_classification.inputs.tables import TablePreprocess
from study_classification.runs.directory import load
from study_classification.training import results
from study_classification.training.feed import open_feed
from study_classification.training.setup import resolve_config


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
        report(run, explained=True)
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
    shown = text[text.index("<h2>Wrong, the worst first") : text.index("<h2>At other thresholds")]
    assert shown.count("data:image/jpeg;base64,") == 2 * len(wrong)  # beside each what the network looked at
    assert "orange is what speaks for the answer" in shown
    assert [text.index(f'alt="{row["name"]}"') for row in wrong] == sorted(
        text.index(f'alt="{r["name"]}"') for r in wrong
    )


def test_the_page_shows_what_the_first_training_step_saw(finished, drawn):
    text = (finished.workdir / "report.html").read_text()
    assert text[text.index("<h2>What training sees") : text.index("<h2>Data")].count("data:image/jpeg") == 12
    run = load(finished.workdir)
    run.config.augment.mixup = 0.4
    seen = report_module._seen(run, open_own(run))
    expected = results._seen(open_feed(resolve_config(run.config)))
    assert [text for text, _ in seen] == [text for text, _ in expected] and "\n+ 0." in seen[0][0]
    np.testing.assert_array_equal([image for _, image in seen], [image for _, image in expected])


def test_a_backbone_that_saw_each_image_once_saw_it_as_it_is(finished):
    run = load(finished.workdir)
    run.config.learning, run.config.augment.shift = "transfer_learning", 0.4
    (_, first), *_ = report_module._seen(run, open_own(run))
    run.config.feature_cache.views = 2
    (_, moved), *_ = report_module._seen(run, open_own(run))
    names = [open_own(run).split("train")[int(i)] for i in TrainingOrder(72, 16, run.config.seed)[0]["index"][:1]]
    np.testing.assert_array_equal(first, ImageReader(run.preprocess, 10.0).read(names[0].data)[0])
    assert (first != moved).any()


def test_layers_are_looked_at_as_training_looks_at_them(finished, drawn):
    predictor = load_predictor(finished, "best")
    found = report_module._layers(predictor, open_own(finished).split("validation"))
    assert found.count == 9 and found.norms["backbone/bn"].stored.shape == (8,)
    rows = rows_of(finished.workdir / "predictions_validation.csv")
    right = sum(row["name"][0] == row["prediction"] for row in rows)
    assert found.stored["accuracy"] == pytest.approx(right / 9)
    feed = open_feed(resolve_config(finished.config))
    images, variables = feed.images("validation", {}), predictor.variables
    expected = results._layers(feed, variables, images)
    assert expected.own == pytest.approx(found.own, rel=1e-5)
    np.testing.assert_array_equal(expected.relus["backbone/bn"], found.relus["backbone/bn"])


def test_rows_are_not_marked(run):
    object.__setattr__(run, "preprocess", TablePreprocess((), ()))
    with pytest.raises(ConfigError, match=r"--explain marks pictures, but .* has learnt from rows: drop it"):
        report(run, explained=True)


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
