import pytest
from run_helpers import changed

from study_classification.config import flatten
from study_classification.config_effects import EFFECTS, chosen_fields
from study_classification.config_rules import validate
from study_classification.configs import cifar10, default, imagenet, photos
from study_classification.errors import ConfigError


@pytest.mark.parametrize(
    ("chosen", "fields", "message"),
    [
        ("model.hidden", {}, r"model\.hidden is set, but model\.name is original: it belongs to mlp"),
        ("model.activation", {}, r"model\.name is original: it belongs to mlp, text_average"),
        ("model.embedding", {}, r"data\.input is images: it belongs to texts"),
        ("data.target", {}, r"data\.input is images: it belongs to tables, texts"),
        ("data.categories", {"data__categories": "a"}, r"data\.input is images: it belongs to tables"),
        (
            "preprocess.interpolation",
            {"data__input": "tables", "model__name": "mlp"},
            r"preprocess\.interpolation is set, but data\.input is tables: it belongs to images",
        ),
        ("task.positive", {"task__positive": "a"}, "task.name is softmax: it belongs to sigmoid"),
        ("task.loss", {"task__loss": "huber"}, "task.name is softmax: it belongs to regression"),
        ("task.huber_delta", {"task__name": "regression"}, "task.loss is squared: it belongs to huber"),
        ("optimizer.momentum", {}, r"optimizer\.name is adam: it belongs to sgd, rmsprop, muon"),
        ("optimizer.b1", {"optimizer__name": "sgd"}, "it belongs to adam, adamw, muon, schedule_free"),
        ("optimizer.eps", {"optimizer__name": "sgd"}, "optimizer.name is sgd"),
        ("schedule.restarts", {}, r"schedule\.name is cosine: it belongs to cosine_restarts"),
        ("schedule.step_at", {}, "it belongs to step"),
        ("augment.crop_scale", {}, r"augment\.random_resized_crop is False: set that as well"),
        ("augment.randaugment", {}, r"augment\.policy is '': it belongs to randaugment"),
        ("fine_tuning.head_learning_rate", {}, "fine_tuning.head_epochs is 0.0: set that as well"),
        ("convergence.tolerance", {}, "convergence.epochs is 0: set that as well"),
        ("feature_cache.views", {}, "learning is from_scratch: it belongs to transfer_learning"),
        ("feature_cache.views", {"learning": "fine_tuning"}, "learning is fine_tuning: it belongs to transfer"),
        ("preprocess.mean", {"learning": "fine_tuning"}, "it belongs to from_scratch"),
        ("data.tfds_splits", {"data__tfds_splits": ("a", "", "")}, "data.source is digits: it belongs to tfds:NAME"),
        (
            "augment.rotation",
            {"learning": "transfer_learning", "augment__rotation": 5.0},
            "stores one plain view of each picture",
        ),
    ],
)
def test_a_chosen_field_without_effect_is_refused(chosen, fields, message):
    config = changed(**fields)
    validate(config)
    with pytest.raises(ConfigError, match=message):
        validate(config, [chosen])


@pytest.mark.parametrize(
    ("chosen", "fields"),
    [
        ("model.hidden", {"model__name": "mlp"}),
        ("model.batch_norm", {"model__name": "text_average", "data__input": "texts", "model__batch_norm": True}),
        ("data.vocabulary", {"model__name": "mlp", "data__input": "texts"}),
        ("optimizer.momentum", {"optimizer__name": "muon"}),
        ("optimizer.b2", {"optimizer__name": "rmsprop"}),
        ("schedule.restarts", {"schedule__name": "cosine_restarts"}),
        ("augment.crop_scale", {"augment__random_resized_crop": True}),
        ("augment.randaugment", {"augment__policy": "randaugment"}),
        ("feature_cache.views", {"feature_cache__views": 0}),  # what is off asks for nothing
        ("data.tfds_splits", {}),
        ("data.tfds_splits", {"data__tfds_splits": ("a", "", ""), "data__source": "tfds:mnist"}),
        ("augment.rotation", {"learning": "transfer_learning", "augment__rotation": 5.0, "feature_cache__views": 4}),
    ],
)
def test_a_chosen_field_with_an_effect_is_let_pass(chosen, fields):
    validate(changed(**fields), [chosen])


def test_every_rule_names_fields_that_exist():
    assert set(EFFECTS) | {decider for decider, _ in EFFECTS.values()} <= flatten(default.get_config()).keys()


def test_what_a_user_chose():
    own = changed(model__hidden=(64,), batch_size=8)
    assert set(chosen_fields(own, default.get_config(), ["seed"])) == {"model.hidden", "batch_size", "seed"}
    # Whoever types another schedule does not wish for the steps that the config has of its own.
    config = cifar10.get_config()
    config.schedule.name = "cosine"
    assert "schedule.step_at" in chosen_fields(config, default.get_config(), [])
    assert "schedule.step_at" not in chosen_fields(config, default.get_config(), ["schedule.name"])
    assert "schedule.step_at" in chosen_fields(config, default.get_config(), ["schedule.name", "schedule.step_at"])
    config = imagenet.get_config()
    config.learning = "transfer_learning"
    assert "augment.horizontal_flip" not in chosen_fields(config, default.get_config(), ["learning"])
    assert "preprocess.mean" not in chosen_fields(photos.get_config(), default.get_config(), [])
