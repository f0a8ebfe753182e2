import pytest
from ml_collections import ConfigDict

from study_classification.config import duration_in_steps, flatten, parse_arguments, seconds_of, validate
from study_classification.configs import animals, cifar10, cifar10_fast, default, imagenet, mnist, quickstart
from study_classification.errors import ConfigError, nearest


def changed(**fields):
    config = default.get_config()
    for name, value in fields.items():
        config.update_from_flattened_dict({name.replace("__", "."): value})
    return config


@pytest.mark.parametrize("module", [animals, cifar10, cifar10_fast, imagenet, mnist, quickstart])
@pytest.mark.parametrize("arguments", ["", "runlocal"])
def test_every_config_is_valid_and_has_no_field_of_its_own(module, arguments):
    config = module.get_config(arguments)
    validate(config)
    assert flatten(config).keys() == flatten(default.get_config()).keys()


def test_arguments_take_the_type_of_their_default():
    given = parse_arguments("data=a/b,size=48,rate=1,runlocal", data="", size=64, rate=0.5, runlocal=False, other=3)
    assert given.to_dict() == {"data": "a/b", "size": 48, "rate": 1.0, "runlocal": True, "other": 3}
    assert type(given.rate) is float
    assert parse_arguments("runlocal=false", runlocal=True).runlocal is False


@pytest.mark.parametrize(
    ("text", "message"),
    [("modle=x", "no argument 'modle': did you mean model?"), ("size=big", "size is 'big', not a int")],
)
def test_wrong_arguments_are_named(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_arguments(text, model="", size=64)


def test_the_nearest_name_is_found_by_its_last_part():
    fields = flatten(default.get_config())
    assert nearest("lerning_rate", fields) == "did you mean optimizer.learning_rate?"
    assert nearest("optimiser.learning_rate", fields) == "did you mean optimizer.learning_rate?"
    assert nearest("zzz", ["a", "b"]) == "valid are: a, b"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({"pooling": "mean"}, r"model\.head\.pooling is 'mean'"),
        ({"hidden": (0,)}, "must be widths greater than 0"),
        ({"batch_norm": True}, r"set model\.head\.hidden as well"),
    ],
)
def test_heads_that_make_no_sense(head, message):
    config = default.get_config()
    config.model.head.update(head)
    with pytest.raises(ConfigError, match=message):
        validate(config)


@pytest.mark.parametrize(
    ("epochs", "steps", "examples", "expected"),
    [
        (3.0, 0, 0, 14),  # 3 x 72 / 16 = 13.5
        (0.5, 0, 0, 3),  # 36 / 16 = 2.25
        (0.0, 7, 0, 7),
        (0.0, 0, 160, 10),
        (0.0, 0, 161, 11),
        (0.0, 0, 0, 0),
    ],
)
def test_durations_by_suffix(epochs, steps, examples, expected):
    group = ConfigDict({"total_epochs": epochs, "total_steps": steps, "total_examples": examples})
    assert duration_in_steps(group, "total", 72, 16) == expected


def test_times():
    assert [seconds_of(text) for text in ("90s", "10m", "1.5h")] == [90, 600, 5400]
    assert animals.get_config("data=x,time=10m").time_budget == "10m"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"optimizer__name": "adan"}, "optimizer.name is 'adan': did you mean adam?"),
        ({"learning": "from_scrach"}, "learning is 'from_scrach': did you mean from_scratch?"),
        ({"batch_size": 0}, "batch_size is 0, but must be greater than 0"),
        ({"total_steps": 5}, "total_epochs=20.0 and total_steps=5 contradict"),
        ({"total_epochs": 0.0}, "total_epochs, total_steps and total_examples are all 0"),
        ({"schedule__warmup_epochs": 1.0, "schedule__warmup_steps": 3}, "contradict"),
        ({"optimizer__weight_decay": 0.1}, "adam has no decoupled decay"),
        ({"optimizer__learning_rate": float("nan")}, "optimizer.learning_rate is nan, but must be a finite number"),
        ({"optimizer__l2": -1.0}, "optimizer.l2 is -1.0, but must be 0 or more"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0, but must be below 1"),
        ({"data__split_ratio": (8, 0, 1)}, "data.split_ratio"),
        ({"optimizer__nesterov": True}, "nesterov belongs to sgd"),
        ({"time_budget": "10"}, "time_budget is '10', but must be a time such as 90s, 10m or 2h"),
        ({"time_budget": "0s"}, "time_budget is '0s'"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0, but must be below 1"),
        ({"accumulate_steps": 0}, "accumulate_steps is 0, but must be greater than 0"),
        ({"class_weights": "balance"}, "class_weights is 'balance': did you mean balanced?"),
        ({"data__sampling": "balance"}, "data.sampling is 'balance': did you mean balanced?"),
        ({"schedule__restarts": 0}, "schedule.restarts is 0, but must be greater than 0"),
        ({"optimizer__sam_rho": -0.1}, "optimizer.sam_rho is -0.1, but must be 0 or more"),
        ({"optimizer__name": "schedule_free"}, "schedule.name is cosine: set it to constant"),
        (
            {"optimizer__name": "schedule_free", "schedule__name": "constant", "ema_decay": 0.9},
            "ema_decay is 0.9, but optimizer.name is schedule_free",
        ),
        ({"model__head__fitted": True}, "model.head.fitted is set, but learning is from_scratch"),
        (
            {"learning": "transfer_learning", "model__weights": "x", "augment__mixup": 0.2},
            "augment.mixup is 0.2, but transfer_learning stores what the backbone makes of each picture",
        ),
        (
            {"learning": "transfer_learning", "model__weights": "x", "augment__progressive": (0.5,)},
            "set feature_cache.views to 0",
        ),
    ],
)
def test_contradictions_are_refused_by_name(fields, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        validate(changed(**fields))
