"""What a learner types first gives the best that the features of a pretrained network can."""

import csv

import pytest
from sklearn.linear_model import LogisticRegression

from study_classification.configs import animals, photos
from study_classification.data.dataset import open_dataset
from study_classification.data.sources import TEST, TRAIN
from study_classification.inference.evaluate import evaluate
from study_classification.runs.directory import load
from study_classification.training.feed import features_of_split
from study_classification.training.initial import first_variables
from study_classification.training.loop import train_and_evaluate
from study_classification.training.setup import resolve_config

HELD_OUT = 20  # photos a class


def manifest(folder, file, count):
    """Lists `count` photos a class for training, a fifth of that for validation, and HELD_OUT for the test."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("path", "label", "split"))
        for label in ("cat", "dog", "horse"):
            photos_of_class = sorted((folder / label).glob("*.jpg"))
            splits = ["test"] * HELD_OUT + ["train"] * count + ["validation"] * (count // 5)
            for path, split in zip(photos_of_class, splits, strict=False):
                writer.writerow((path, label, split))


@pytest.mark.parametrize("count", [10, 50])
def test_few_photos_are_no_worse_than_by_logistic_regression(count, shared, cache, tmp_path):
    manifest(shared / "data" / "animals", tmp_path / "list.csv", count)
    config = photos.get_config(f"data={tmp_path / 'list.csv'}")
    config.data.cache_dir = str(cache)
    train_and_evaluate(config, tmp_path / "run")
    correct = evaluate(load(tmp_path / "run"))["correct"]
    with (tmp_path / "run" / "history.csv").open(newline="") as file:
        accuracies = [float(row["val_accuracy"]) for row in csv.DictReader(file)]
    assert len(accuracies) == 10
    assert max(accuracies) - min(accuracies) <= 1.01 / (3 * (count // 5))  # one photo: validation stays where it begins

    experiment = resolve_config(config)
    data = open_dataset(config.data)
    variables = first_variables(experiment, data)
    train, test = (features_of_split(experiment, data, name, variables) for name in (TRAIN, TEST))
    assert (len(train["label"]), len(test["label"])) == (3 * count, 3 * HELD_OUT)
    model = LogisticRegression(max_iter=1000).fit(train["features"], train["label"])
    best = int((model.predict(test["features"]) == test["label"]).sum())
    assert correct >= best - 1
    assert correct > 0.93 * 3 * HELD_OUT


@pytest.mark.parametrize(("model", "fitted"), [("efficientnet_lite0", True), ("resnet50", True), ("vgg16", False)])
def test_heads_of_one_layer_are_fitted(model, fitted):
    assert photos.get_config(f"data=x,model={model}").model.head.fitted is fitted
    assert not photos.get_config(f"data=x,model={model},learning=from_scratch").model.head.fitted


def test_animals_has_the_recipes_of_photos_and_the_study_groups_defaults():
    config = animals.get_config("data=x")
    assert (config.model.name, config.learning) == ("original", "from_scratch")
    for learning in ("from_scratch", "transfer_learning", "fine_tuning"):
        arguments = f"data=x,model=mobilenet_v2,learning={learning},size=96,epochs=3,time=5m,weights=y"
        assert animals.get_config(arguments) == photos.get_config(arguments)
