import pytest
from run_helpers import changed

from study_classification.config import flatten
from study_classification.config_rules import TUPLES, validate
from study_classification.configs import default
from study_classification.errors import ConfigError


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
        ({"batch_norm_size": 1}, "batch_norm_size is 1, but must be 0 for the whole batch, or 2 or more"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0, but must be below 1"),
        ({"data__split_ratio": (8, 0, 1)}, "data.split_ratio"),
        ({"optimizer__nesterov": True}, "nesterov belongs to sgd"),
        (
            {"optimizer__nesterov": True, "optimizer__name": "sgd", "optimizer__momentum": 0.0},
            "optimizer.nesterov is set, but optimizer.momentum is 0",
        ),
        ({"task__name": "regresion"}, "task.name is 'regresion': did you mean regression?"),
        ({"task__huber_delta": 0.0}, "task.huber_delta is 0.0, but must be greater than 0"),
        ({"task__name": "regression", "class_weights": "balanced"}, "class_weights is balanced, but task.name is regr"),
        ({"task__name": "regression", "data__sampling": "balanced"}, "data.sampling is balanced, but task.name is"),
        ({"task__name": "regression", "label_smoothing": 0.1}, "label_smoothing is 0.1, but task.name is regression"),
        ({"task__name": "regression", "augment__mixup": 0.2}, "augment.mixup is 0.2, but task.name is regression"),
        ({"task__name": "regression", "augment__cutmix": 1.0}, "augment.cutmix is 1.0, but task.name is regression"),
        ({"task__name": "regression", "model__head__fitted": True}, "model.head.fitted is True, but task.name is regr"),
        ({"task__name": "sigmoid", "model__name": "squeezenet1_1"}, "the head of squeezenet1_1 gives no output below"),
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
        ({"data__input": "table"}, "data.input is 'table': did you mean tables?"),
        ({"data__input": "tables"}, "model.name is 'original', but data.input is tables: set model.name to mlp"),
        ({"data__input": "texts", "model__name": "vgg16"}, "set model.name to text_average or mlp"),
        ({"data__source": ""}, "data.source is empty: give a folder"),
        ({"model__name": "text_average"}, "reads texts, but data.input is images"),
        (
            {"data__input": "tables", "model__name": "mlp", "learning": "fine_tuning"},
            "learning is fine_tuning, but data.input is tables",
        ),
        (
            {"data__input": "texts", "model__name": "mlp", "augment__mixup": 0.2},
            "augment.mixup is 0.2, but only pictures are augmented",
        ),
        (
            {"data__input": "tables", "model__name": "mlp", "augment__color_jitter": (0.0, 0.1, 0.0, 0.0)},
            "but only pictures are augmented",
        ),
        (
            {"data__input": "tables", "model__name": "mlp", "data__mode": "streaming"},
            "data.mode is streaming, but data.input is tables",
        ),
        (
            {"data__input": "tables", "model__name": "mlp", "data__columns": "a", "data__dropped": "b"},
            "data.columns and data.dropped are both set",
        ),
        (
            {"data__input": "tables", "model__name": "mlp", "data__numbers": "a, b", "data__categories": '"b",c'},
            "data.numbers and data.categories both name b",
        ),
        ({"model__activation": "rely"}, "model.activation is 'rely': did you mean relu?"),
        ({"data__vocabulary": 0}, "data.vocabulary is 0, but must be greater than 0"),
        ({"model__head__fitted": True}, "model.head.fitted is set, but learning is from_scratch"),
        (
            {"learning": "transfer_learning", "model__weights": "x", "augment__mixup": 0.2},
            "augment.mixup is 0.2, but transfer_learning stores what the backbone makes of each picture",
        ),
        (
            {"learning": "transfer_learning", "model__weights": "x", "augment__progressive": (0.5,)},
            "set feature_cache.views to 0",
        ),
        ({"steps_per_dispatch": 0}, "steps_per_dispatch is 0, but must be greater than 0"),
        ({"schedule__step_at": (0.0, 0.5)}, "schedule.step_at is .*, but must be shares between 0 and 1"),
        ({"schedule__step_at": (0.5, 1.0)}, "schedule.step_at is .*, but must be shares between 0 and 1"),
        (
            {"checkpoint_every_epochs": 0.0},
            "checkpoint_every_epochs, checkpoint_every_steps and checkpoint_every_examples are all 0",
        ),
        ({"fine_tuning__layer_decay": 0.9}, "is set, but learning is from_scratch: set it to fine_tuning"),
        (
            {"learning": "transfer_learning", "model__weights": "x", "fine_tuning__head_epochs": 1.0},
            "is set, but learning is transfer_learning: set it to fine_tuning",
        ),
        ({"fine_tuning__layer_decay": 1.5}, "fine_tuning.layer_decay is 1.5, but must be above 0 and at most 1"),
        ({"task__name": "regression", "data__per_class": 3}, "data.per_class is 3, but task.name is regression"),
        ({"data__split_ratio": (float("inf"), 1, 1)}, "data.split_ratio is (inf, 1, 1"),
        ({"optimizer__learning_rate": float("inf")}, "optimizer.learning_rate is inf, but must be a finite number"),
        ({"model__dropout": -0.5}, "model.dropout is -0.5, but must be -1, or 0 or more and below 1"),
        ({"model__drop_path": 1.0}, "model.drop_path is 1.0, but must be -1, or 0 or more and below 1"),
        ({"data__source": "ftp://host/x"}, "the path 'ftp://host/x' cannot be used"),
        ({"data__cache_dir": "ftp://host/x"}, "the path 'ftp://host/x' cannot be used"),
        ({"data__splits": "ftp://host/x"}, "the path 'ftp://host/x' cannot be used"),
        ({"model__weights": "https://host/x.pth"}, "the path 'https://host/x.pth' cannot be used"),
        ({"seed": 2**31 - 1}, "seed is 2147483647, but must be 0 or more, and below"),
        (
            {"optimizer__name": "schedule_free", "schedule__name": "constant", "optimizer__b1": 0.0},
            "optimizer.b1 is 0.0, but must be above 0 with optimizer.name=schedule_free",
        ),
        (
            {
                "optimizer__name": "schedule_free",
                "schedule__name": "constant",
                "learning": "fine_tuning",
                "model__weights": "x",
                "fine_tuning__head_epochs": 1.0,
            },
            "fine_tuning.head_epochs is 1.0, but optimizer.name is schedule_free",
        ),
    ],
)
def test_contradictions_are_refused_by_name(fields, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        validate(changed(**fields))


def test_every_tuple_of_the_defaults_has_the_elements_that_are_asked_for():
    tuples = {field: value for field, value in flatten(default.get_config()).items() if isinstance(value, tuple)}
    assert tuples.keys() == TUPLES.keys()
    for field, (kind, length) in TUPLES.items():
        assert all(isinstance(item, (int, float) if kind is float else kind) for item in tuples[field]), field
        assert length in (None, len(tuples[field])), field


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"augment__progressive": ("none",)},
            r"augment\.progressive is none, but must be numbers, such as .*=0\.5,0\.75",
        ),
        ({"augment__progressive": ("",)}, r"augment\.progressive is '', but must be numbers"),
        ({"augment__progressive": (True,)}, "is True, but must be numbers"),
        ({"augment__randaugment": (2.5, 9)}, r"augment\.randaugment is 2\.5,9, but must be 2 whole numbers"),
        ({"augment__color_jitter": (0.1, 0.1)}, "must be 4 numbers"),
        ({"model__head__hidden": ("wide",)}, r"model\.head\.hidden is wide, but must be whole numbers"),
        ({"model__hidden": (0,)}, "must be widths greater than 0"),
        ({"fine_tuning__frozen": (1,)}, r"fine_tuning\.frozen is 1, but must be texts"),
        ({"data__tfds_splits": ("train",)}, r"data\.tfds_splits is train, but must be 3 texts"),
        ({"data__split_ratio": (8, 1)}, r"data\.split_ratio is 8,1, but must be 3 numbers"),
    ],
)
def test_elements_of_tuples(fields, message):
    with pytest.raises(ConfigError, match=message):
        validate(changed(**fields))
