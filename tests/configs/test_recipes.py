"""What a config's text and its page promise is what it sets, and each argument behind the colon reaches its field."""

import importlib

import pytest

from study_classification.config import flatten
from study_classification.config_effects import chosen_fields
from study_classification.config_rules import validate
from study_classification.configs import animals, default, lessons, photos, tune_digits


def config_of(name, arguments=""):
    config = importlib.import_module(f"study_classification.configs.{name}").get_config(arguments)
    validate(config, chosen_fields(config, default.get_config(), ()))
    return flatten(config)


@pytest.mark.parametrize(
    ("name", "arguments", "fields"),
    [
        ("table", 'target=y,columns="age,fare"', {"data.target": "y", "data.columns": "age,fare"}),
        ("table", 'data=a.csv,dropped="name,ticket"', {"data.source": "a.csv", "data.dropped": "name,ticket"}),
        ("text", "text=a,target=b,vocabulary=50,length=9", {"data.text": "a", "data.vocabulary": 50, "data.length": 9}),
        ("text", "model=mlp", {"model.name": "mlp", "data.length": 256}),
        ("mnist", "data=x", {"data.source": "x", "preprocess.channels": 1, "preprocess.image_size": 28}),
        ("cifar10", "data=x,model=resnet56", {"data.source": "x", "model.name": "resnet56", "total_epochs": 164}),
        ("cifar10_fast", "data=x", {"augment.random_crop": 2, "batch_size": 2000, "total_epochs": 16}),
        ("imagenet", "batch=1024", {"optimizer.learning_rate": 0.4, "total_epochs": 90, "batch_norm_size": 32}),
        ("photos", "learning=from_scratch,size=56", {"preprocess.resize_size": 64, "preprocess.image_size": 56}),
        ("photos", "time=10m,epochs=2", {"time_budget": "10m", "total_epochs": 2}),
        ("photos", "weights=w.pth,size=96", {"model.weights": "w.pth", "preprocess.image_size": 96}),
        ("photos", "model=vgg16", {"model.head.fitted": False}),
        ("photos", "model=resnet50", {"model.head.fitted": True}),
        ("animals", "", {"preprocess.image_size": 80, "total_epochs": 100, "model.name": "original"}),
        ("lessons.xor", "hidden=0", {"model.hidden": ()}),
        ("lessons.xor", "hidden=2,activation=relu", {"model.hidden": (2,), "model.activation": "relu"}),
        ("lessons.binary", "data=photos", {"data.source": "photos", "task.name": "sigmoid", "total_epochs": 10}),
        ("lessons.metrics", "weights=balanced,positive=rest", {"class_weights": "balanced", "task.positive": "rest"}),
        ("lessons.regression", "", {"task.standardized": False, "data.standardized": False, "total_epochs": 200}),
        ("lessons.regression", "standardized,rate=0.1", {"task.standardized": True, "optimizer.learning_rate": 0.1}),
        ("lessons.reviews", "positive=good,text=a,target=b", {"task.positive": "good", "data.text": "a"}),
        ("lessons.data", "data=a.csv", {"data.source": "a.csv"}),
        ("lessons.diabetes", "data=a.csv,target=y", {"data.target": "y", "early_stopping.patience": 10}),
        ("lessons.transfer", "data=x,size=96,steps=9", {"preprocess.resize_size": 96, "total_steps": 9}),
        ("lessons.inside", "", {"total_epochs": 8, "model.name": "original"}),
        ("lessons.vgg", "weights=w.pth", {"model.weights": "w.pth", "data.source": "tfds:cifar10"}),
        ("lessons.overfitting", "", {"data.per_class": 25, "batch_size": 25, "total_epochs": 100}),
        ("lessons.augmentation", "", {"data.per_class": 10, "model.hidden": (512,)}),
    ],
)
def test_arguments_and_the_recipe(name, arguments, fields):
    config = config_of(name, arguments)
    assert {field: config[field] for field in fields} == fields


@pytest.mark.parametrize(
    ("name", "setting", "settings"),
    [
        ("binary", "softmax", {"task.name": "softmax", "optimizer.learning_rate": 0.1, "optimizer.l2": 0.2}),
        ("transfer", "discriminative, 200", {"fine_tuning.layer_decay": 0.8, "data.per_class": 200}),
        ("cures", "early stopping", {"early_stopping.patience": 5}),
        ("cures", "3 times the data", {"data.per_class": 75}),
        ("columns", "all but s4 and s5", {"data.dropped": "s4,s5"}),
        ("overfitting", "large, 512 units", {"model.hidden": (512,)}),
        ("optimizers", "SGD 3, too large", {"optimizer.learning_rate": 3.0}),
        ("optimizers", "SGD 0.0003, too small", {"optimizer.learning_rate": 0.0003}),
        (
            "augmentation",
            "shifted, turned, zoomed",
            {"augment.shift": 0.1, "augment.rotation": 10.0, "augment.zoom": 0.1},
        ),
        ("xor", "tanh, 2 units", {"model.hidden": (2,)}),
    ],
)
def test_what_a_lesson_compares_is_what_its_names_say(name, setting, settings):
    lesson = importlib.import_module(f"{lessons.__name__}.{name}")
    assert lesson.sweep().settings[setting] == settings


def test_the_search_of_digits_takes_rates_by_their_logarithm():
    assert tune_digits.search_space()["optimizer.learning_rate"].log and len(tune_digits.sweep().settings) == 4


def test_animals_and_photos_are_one_recipe():
    for learning in ("from_scratch", "fine_tuning"):
        arguments = f"data=x,model=resnet18,learning={learning},size=40"
        assert animals.get_config(arguments) == photos.get_config(arguments)


def test_the_defaults_that_pages_and_papers_state():
    config = flatten(default.get_config())
    stated = {
        "data.split_ratio": (8, 1, 1),  # docs/data.md
        "checkpoint_every_epochs": 1.0,  # docs/runs.md: at the end of every epoch
        "optimizer.b1": 0.9,  # Adam's own, arXiv:1412.6980
        "optimizer.b2": 0.999,
        "optimizer.eps": 1e-8,
        "optimizer.learning_rate": 1e-3,
        "optimizer.momentum": 0.9,
        "fine_tuning.layer_decay": 1.0,  # one rate for all
        "feature_cache.views": 1,
        "label_smoothing": 0.0,  # nothing is on that was not asked for
        "ema_decay": 0.0,
        "early_stopping.patience": 0,
        "model.dropout": -1.0,  # that of the paper
        "seed": 0,
    }
    assert {field: config[field] for field in stated} == stated
