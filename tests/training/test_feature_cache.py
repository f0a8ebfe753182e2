"""Stored features are found again exactly as long as nothing has changed that they depend on."""

import json
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from study_classification.configs import default
from study_classification.inputs.images.augment import Augment
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.training import feature_cache


@dataclass
class Split:
    key: str

    def __len__(self):
        return 5


def given(views):
    """What `cached_features` is given, as far as an identity needs it."""
    config = default.get_config()
    config.model.name = "resnet18"
    return SimpleNamespace(
        experiment=SimpleNamespace(
            config=config,
            preprocess=Preprocess(8, 10, "bilinear", 3, (0.5,) * 3, (0.25,) * 3),
            augmentation=Augment(8, 10, horizontal_flip=True),
        ),
        variables={
            "params": {"backbone": {"conv": {"kernel": np.zeros(4)}}, "head": {"classifier": {"bias": np.zeros(3)}}},
            "batch_stats": {"backbone": {"bn": {"mean": np.zeros(2)}}},
        },
        examples=Split("digits-train"),
        views=views,
    )


@pytest.fixture
def identity(monkeypatch, tmp_path):
    """given -> its identity, as text."""
    found = []
    monkeypatch.setattr(feature_cache, "cached_arrays", lambda parent, identity, fill: found.append(identity))

    def identity_of(case):
        feature_cache.cached_features(
            case.experiment, case.variables, lambda: pytest.fail("read"), case.examples, case.views, tmp_path
        )
        return json.dumps(found[-1])

    return identity_of


def preprocessed(**changes):
    return lambda case: setattr(case.experiment, "preprocess", replace(case.experiment.preprocess, **changes))


def configured(**changes):
    return lambda case: case.experiment.config.update_from_flattened_dict(
        {name.replace("__", "."): value for name, value in changes.items()}
    )


def augmented(case):
    case.experiment.augmentation = Augment(8, 10, horizontal_flip=True, rotation=5.0)


def weighted(*path):
    def change(case):
        tree = case.variables
        for name in path[:-1]:
            tree = tree[name]
        tree[path[-1]] = tree[path[-1]] + 1e-3

    return change


DECISIVE = {
    "image size": preprocessed(image_size=7),
    "resize size": preprocessed(resize_size=9),
    "interpolation": preprocessed(interpolation="bicubic"),
    "channels": preprocessed(channels=1, mean=(0.5,), std=(0.25,)),
    "mean": preprocessed(mean=(0.5, 0.5, 0.4)),
    "deviation": preprocessed(std=(0.25, 0.25, 0.2)),
    "network": configured(model__name="resnet34"),
    "conventions": configured(model__origin="timm"),
    "pooling": configured(model__head__pooling="max"),
    "precision": configured(precision="bfloat16"),
    "weights": weighted("params", "backbone", "conv", "kernel"),
    "statistics": weighted("batch_stats", "backbone", "bn", "mean"),
    "pictures": lambda case: setattr(case.examples, "key", "digits-validation"),
    "views": lambda case: setattr(case, "views", 3),
}


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("what", DECISIVE)
def test_what_features_depend_on_gives_them_another_name(identity, views, what):
    case = given(views)
    DECISIVE[what](case)
    assert identity(case) != identity(given(views))


@pytest.mark.parametrize(
    "change", [weighted("params", "head", "classifier", "bias"), configured(batch_size=7, total_epochs=9.0)]
)
def test_what_features_do_not_depend_on_leaves_them_their_name(identity, change):
    case = given(2)
    change(case)
    assert identity(case) == identity(given(2))


@pytest.mark.parametrize("change", [augmented, configured(seed=1)])
def test_augmentation_and_its_seed_matter_where_views_are_augmented(identity, change):
    for views in (1, 2):
        case = given(views)
        change(case)
        assert (identity(case) == identity(given(views))) is (views == 1)


def test_an_epoch_sees_its_view_of_each_image():
    planned = {"index": np.array([7, 2]), "epoch": np.array([4, 5]), "mask": np.ones(2)}
    order = type("Order", (), {"num_examples": 10, "__getitem__": lambda self, step: planned})()
    found = feature_cache.ViewOrder(order, 3)[0]
    assert found["index"].tolist() == [7 + 1 * 10, 2 + 2 * 10] and found["epoch"].tolist() == [4, 5]


def test_a_digest_knows_the_names():
    one, other = {"a": np.zeros(2), "b": np.ones(2)}, {"a": np.zeros(2), "c": np.ones(2)}
    assert feature_cache.digest_of(one) == feature_cache.digest_of(dict(one)) != feature_cache.digest_of(other)


def test_features_of_an_earlier_format_are_not_read(identity, monkeypatch):
    before = identity(given(1))
    monkeypatch.setattr(feature_cache, "FORMAT", feature_cache.FORMAT + 1)
    assert identity(given(1)) != before
