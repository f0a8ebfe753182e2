"""Whole runs of sigmoid and regression: trained, resumed, measured, used."""

import csv
import io
import json
import shutil
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image
from run_helpers import assert_same_run, stop_and_resume, tiny_config

import study_classification as sc
from study_classification.data.dataset import open_dataset
from study_classification.errors import ConfigError, RunError
from study_classification.inference.evaluate import evaluate
from study_classification.inference.predict import predict
from study_classification.models import create_model
from study_classification.models.initial import variable_shapes
from study_classification.pretrained import load_pretrained
from study_classification.runs import directory
from study_classification.training.describe import describe_network
from study_classification.training.fitted_head import one_logit, with_fitted_head
from study_classification.training.initial import first_variables
from study_classification.training.loop import train_and_evaluate
from study_classification.training.setup import resolve_config


def numbers_of(digits):
    """The number of each image by its name: how bright it is on average, far away from 0."""
    return {
        str(path.relative_to(digits)): 1000 + float(np.asarray(Image.open(path)).mean())
        for path in sorted(digits.rglob("*.png"))
    }


def as_numbers(config, digits):
    """The config for a manifest of the digits with their brightness."""
    lines = [f"{name},{number}" for name, number in numbers_of(digits).items()]
    config.data.source = str(digits / "numbers.csv")
    (digits / "numbers.csv").write_text("path,label\n" + "\n".join(lines) + "\n")
    config.task.name = "regression"
    config.optimizer.learning_rate, config.total_epochs = 1e-2, 6.0
    return config


@pytest.fixture
def numbers(config, digits):
    return as_numbers(config, digits)


@pytest.fixture(scope="module")
def _numbered(_digits, cache, tmp_path_factory):
    folder = tmp_path_factory.mktemp("numbers")
    config = tiny_config(_digits, cache)
    train_and_evaluate(as_numbers(config, Path(shutil.copytree(_digits, folder / "digits"))), folder / "run")
    return folder


@pytest.fixture
def numbered(_numbered, tmp_path):
    """A finished run that predicts a number, and its images, a test's own copy."""
    copy = Path(shutil.copytree(_numbered, tmp_path / "numbered"))
    run = directory.load(copy / "run")
    run.config.data.source = str(copy / "digits" / "numbers.csv")
    return run


def read_rows(file):
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


def test_a_regression_is_measured_in_its_own_unit(numbered, capsys):
    workdir = numbered.workdir
    digits = workdir.parent / "digits"
    true = numbers_of(digits)
    of_split = {name: [] for name in ("train", "validation", "test")}
    for row in read_rows(workdir / "splits.csv"):
        of_split[row["split"]].append(row["name"])

    # what is kept of the training numbers, and the baseline
    train = np.float32([true[name] for name in of_split["train"]]).astype(float)
    kept = json.loads((workdir / "targets.json").read_text())
    assert kept == {"mean": pytest.approx(train.mean(), rel=1e-12), "std": pytest.approx(train.std(), rel=1e-9)}
    assert json.loads((workdir / "classes.json").read_text()) == []
    always = np.abs(np.array([true[name] for name in of_split["validation"]]) - train.mean()).mean()
    said = (workdir / "log.txt").read_text()
    assert (
        f"Always saying {train.mean():.6g}, the mean of the training pictures, would be wrong by {always:.6g}" in said
    )

    # the best epoch, and what was learnt
    history = read_rows(workdir / "history.csv")
    best = min(history, key=lambda row: float(row["val_loss"]))
    assert (numbered.config.monitor, best) == ("val_mse", min(history, key=lambda row: float(row["val_mse"])))
    assert float(best["val_mae"]) < always
    assert f"Best: epoch {best['epoch']}, validation mae" in said

    # evaluate says what the predictions of all images of a split give, in batches of any size
    files = [str(digits / name) for name in of_split["test"]]
    values = sc.load(workdir).values(files)
    errors = values - np.array([true[name] for name in of_split["test"]])
    for size in (16, 4):
        numbered.config.batch_size = size
        metrics = evaluate(numbered)
        assert (metrics["examples"], metrics["checkpoint_step"]) == (9, int(best["step"]))
        assert metrics["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-3)
        assert metrics["rmse"] ** 2 == pytest.approx((errors**2).mean(), rel=1e-3)
    validation = evaluate(numbered, split="validation")
    for name in ("mse", "mae", "loss"):
        assert validation[name] == pytest.approx(float(best[f"val_{name}"]), rel=1e-3)
    assert validation["baseline"]["mae"] == pytest.approx(always, rel=1e-3)

    # predict writes the same numbers
    capsys.readouterr()
    assert predict(numbered, [*files, "gone.png"], output_format="csv") == 3
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert list(rows[0]) == ["file", "value", "error"]
    np.testing.assert_allclose([float(row["value"]) for row in rows[:-1]], values, rtol=1e-6)
    assert (rows[-1]["value"], rows[-1]["error"]) == ("", "it does not exist")
    predict(numbered, files[:1])
    assert capsys.readouterr().out.split() == [files[0], f"{values[0]:.6g}"]


def test_a_resumed_regression_is_the_uninterrupted_one(numbers, _numbered, tmp_path, monkeypatch):
    stop_and_resume(monkeypatch, numbers, tmp_path / "parts", 7)
    assert_same_run(numbers, _numbered / "run", tmp_path / "parts")


def test_a_number_is_no_class(numbered):
    predictor = sc.load(numbered.workdir)
    assert "tiny, a number, step" in repr(predictor) and predictor.class_names == ()
    image = next((numbered.workdir.parent / "digits").rglob("*.png"))
    for ask in (predictor.predict, predictor.probabilities):
        with pytest.raises(ConfigError, match=r"predicts a number: call values\(\)"):
            ask(image)
    assert predictor.values(image).shape == (1,) and predictor.values([]).shape == (0,)
    with pytest.raises(ConfigError, match=r"--assert_accuracy is set, but the run in .* predicts a number"):
        evaluate(numbered, assert_accuracy=0.5)
    with pytest.raises(ConfigError, match="--top_k and --threshold are for classes"):
        predict(numbered, [str(image)], top_k=2)
    assert describe_network(numbered.config, numbered.preprocess, ()).startswith("tiny, a number, pictures of 8 x 8")


def test_the_scale_of_the_run_is_read_and_never_computed_anew(numbered):
    image = next((numbered.workdir.parent / "digits").rglob("*.png"))
    before = sc.load(numbered.workdir).values(image)
    file = numbered.workdir / "targets.json"
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({"mean": kept["mean"] + 100, "std": kept["std"]}))
    np.testing.assert_allclose(sc.load(numbered.workdir).values(image), before + 100, rtol=1e-6)
    for content in ("{}", '{"mean": 1.0, "std": 0.0}', '{"mean": NaN, "std": 1.0}'):
        file.write_text(content)
        with pytest.raises(RunError, match=r"targets\.json is damaged, it has no mean and standard deviation"):
            sc.load(numbered.workdir)


@pytest.fixture
def two(config, digits):
    """The tiny network by sigmoid on the 60 digits 0 and 1."""
    shutil.rmtree(digits / "2")
    config.task.name = "sigmoid"
    return config


def test_sigmoid_learns_and_says_both_classes(two, digits, tmp_path, capsys):
    two.task.positive, two.class_weights, two.label_smoothing, two.augment.mixup = "0", "balanced", 0.1, 0.2
    train_and_evaluate(two, tmp_path / "run")
    run = directory.load(tmp_path / "run")
    metrics = evaluate(run, split="train")
    assert metrics["accuracy"] > 0.9
    assert metrics["positive"] | metrics["classes"]["0"] == metrics["positive"]
    assert metrics["positive"]["class"] == "0" and metrics["positive"]["roc_auc"] > 0.95  # and not below 0.05
    predictor = sc.load(tmp_path / "run")
    prediction = predictor.predict(sorted((digits / "0").iterdir())[0])
    assert prediction.label == "0" and list(prediction.probabilities) == ["0", "1"]
    assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-6)
    capsys.readouterr()
    predict(run, [str(sorted((digits / "1").iterdir())[0])], top_k=2, output_format="jsonl")
    row = json.loads(capsys.readouterr().out)
    assert (row["class"], row["class_2"]) == ("1", "0")
    assert row["probability"] + row["probability_2"] == pytest.approx(1, abs=1e-6)


def test_what_the_data_decide_is_written_down(two):
    """So that a run is resumed and used with the same meaning."""
    config = resolve_config(two).config
    assert (config.task.positive, config.monitor) == ("1", "val_accuracy")


def test_numbers_by_transfer_learning(numbers, run, tmp_path):
    numbers.learning, numbers.model.weights = "transfer_learning", str(run.workdir)
    numbers.total_epochs = 20.0
    state = train_and_evaluate(numbers, tmp_path / "transfer")
    assert state.params["head"]["classifier"]["kernel"].shape == (16, 1)
    metrics = evaluate(directory.load(tmp_path / "transfer"))
    assert metrics["mae"] < metrics["baseline"]["mae"]


@pytest.mark.parametrize("positive", [0, 1])
def test_a_fitted_head_for_one_output(two, run, positive):
    two.learning, two.model.weights, two.model.head.fitted = "transfer_learning", str(run.workdir), True
    two.task.positive = str(positive)
    experiment = resolve_config(two)
    data = open_dataset(experiment.config.data)
    head = with_fitted_head(experiment, data, first_variables(experiment, data))["params"]["head"]["classifier"]
    assert (head["kernel"].shape, head["bias"].shape) == ((16, 1), (1,))
    random = np.random.default_rng(0)
    kernel, bias, features = random.normal(size=(16, 2)), random.normal(size=2), random.normal(size=(5, 16))
    logits = features @ kernel + bias
    one_kernel, one_bias = one_logit(kernel, bias, positive)
    probabilities = 1 / (1 + np.exp(-(features @ one_kernel + one_bias)[:, 0]))
    np.testing.assert_allclose(probabilities, (np.exp(logits) / np.exp(logits).sum(1, keepdims=True))[:, positive])


def test_an_output_of_another_meaning_starts_anew(numbered):
    """The last layer of a run is taken over for the same question only."""
    config, file = numbered.config, numbered.workdir / "config.json"
    config.model.weights = str(numbered.workdir)
    assert load_pretrained(config, ()).skipped == "head/classifier"  # a number of what?
    kept = json.loads(file.read_text())
    kept["task"] |= {"name": "sigmoid", "positive": "1"}  # the same shapes, as another run would have left them
    file.write_text(json.dumps(kept))
    (numbered.workdir / "classes.json").write_text('["0", "1"]')
    config.task.name, config.task.positive = "sigmoid", "1"
    assert load_pretrained(config, ("0", "1")).skipped == ""
    config.task.positive = "0"
    assert load_pretrained(config, ("0", "1")).skipped == "head/classifier"


@pytest.mark.parametrize("name", ["airbench", "resnet20", "original", "mlp", "efficientnet_lite0", "vgg11"])
def test_networks_have_one_output(two, name):
    two.model.name, two.preprocess.image_size = name, 64
    experiment = resolve_config(two)
    shapes = variable_shapes(experiment.model, experiment.preprocess.shape)
    image = jax.ShapeDtypeStruct((2, *experiment.preprocess.shape), np.float32)
    model = create_model(two.model, 1)
    assert jax.eval_shape(lambda v, x: model.apply(v, x, train=False), shapes, image).shape == (2, 1)
