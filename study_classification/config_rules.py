"""The rules that a config must keep before anything heavy starts: for each field, and between fields."""

import math
import re
from collections.abc import Iterable
from typing import Any

from ml_collections import ConfigDict

from study_classification.config import UNITS, flatten, listed, seconds_of
from study_classification.config_effects import EFFECTS, check_effects
from study_classification.errors import ConfigError, nearest
from study_classification.paths import refuse_address

CHOICES = {
    "learning": ("from_scratch", "transfer_learning", "fine_tuning"),
    "data.input": ("images", "tables", "texts"),
    "model.activation": ("relu", "tanh", "sigmoid", "gelu", "linear"),
    "task.name": ("softmax", "sigmoid", "regression"),
    "task.loss": ("squared", "absolute", "huber"),
    "model.head.pooling": ("", "average", "max", "flatten"),
    "data.on_unreadable": ("skip", "error"),
    "data.mode": ("auto", "resident", "streaming"),
    "data.sampling": ("", "balanced"),
    "class_weights": ("", "balanced"),
    "precision": ("auto", "float32", "bfloat16"),
    "optimizer.name": ("adam", "adamw", "sgd", "rmsprop", "muon", "schedule_free"),
    "schedule.name": ("cosine", "cosine_restarts", "step", "constant"),
}
PATHS = ("data.source", "data.splits", "data.cache_dir", "model.name", "model.weights")  # unless they are names
# field -> type of its elements, and how many it needs, where that is fixed
TUPLES: dict[str, tuple[type, int | None]] = {
    "data.split_ratio": (float, 3),
    "data.tfds_splits": (str, 3),
    "preprocess.mean": (float, None),
    "preprocess.std": (float, None),
    "augment.crop_scale": (float, 2),
    "augment.crop_ratio": (float, 2),
    "augment.randaugment": (int, 2),
    "augment.color_jitter": (float, 4),
    "augment.progressive": (float, None),
    "model.hidden": (int, None),
    "model.head.hidden": (int, None),
    "fine_tuning.frozen": (str, None),
    "schedule.step_at": (float, None),
}
POSITIVE = (
    "batch_size",
    "accumulate_steps",
    "steps_per_dispatch",
    "log_every_steps",
    "fsdp",
    "schedule.restarts",
    "data.max_megapixels",
    "data.vocabulary",
    "model.embedding",
    "optimizer.learning_rate",
    "task.huber_delta",
)
SIGNED = ("preprocess.mean", "seed", "data.split_seed", "model.dropout", "model.drop_path")

# what needs classes. A mix of two images is not an image of the number between theirs (arXiv:2210.05775)
FOR_CLASSES = (
    "class_weights",
    "data.sampling",
    "data.per_class",
    "label_smoothing",
    "augment.mixup",
    "augment.cutmix",
    "model.head.fitted",
)
# data.input -> the networks that take it. All networks take images, and a user's own network takes any input
NETWORKS = {"tables": ("mlp",), "texts": ("text_average", "mlp")}

Fields = dict[str, Any]  # dotted name -> value


def validate(config: ConfigDict, chosen: Iterable[str] = ()) -> None:
    """Refuses values out of range, fields that contradict each other, and chosen fields that have no effect.

    Args:
        config: as `configs/default.py` defines it.
        chosen: fields that are refused if they have no effect, see `config_effects.chosen_fields`.

    Raises:
        ConfigError: naming the field, its value and what is valid.
    """
    flat = flatten(config)
    for field, valid in CHOICES.items():
        if flat[field] not in valid:
            raise ConfigError(f"{field} is '{flat[field]}': {nearest(str(flat[field]), valid)}")
    if not flat["data.source"]:
        raise ConfigError("data.source is empty: give a folder, a file, or a name such as digits or tfds:NAME")
    for field in TUPLES:
        check_tuple(field, flat[field])
    for field in PATHS:
        refuse_address(flat[field])
    _check_ranges(flat)
    _check_durations(flat)
    _check_pattern(flat)
    _check_input(flat)
    _check_task(flat)
    _check_model(flat)
    _check_learning(flat)
    _check_optimizer(flat)
    check_effects(flat, chosen)


def has_effect(config: ConfigDict, field: str) -> bool:
    """Whether a field of a valid config changes anything, given the values of the other fields."""
    try:
        validate(config, [field])
    except ConfigError:
        return False
    return True


def _require(condition: bool, flat: Fields, field: str, what: str) -> None:
    if not condition:
        raise ConfigError(f"{field} is {flat[field]}, but must be {what}")


def check_tuple(field: str, value: Any) -> None:
    """Raises ConfigError unless the value of a tuple field has elements of the right type, and as many as it needs."""
    kind, length = TUPLES[field]
    allowed: tuple[type, ...] = (int, float) if kind is float else (kind,)
    value = value if isinstance(value, tuple | list) else (value,)
    right = all(isinstance(item, allowed) and not isinstance(item, bool) for item in value)
    if not right or (length is not None and len(value) != length):
        noun = {int: "whole numbers", float: "numbers", str: "texts"}[kind]
        example = {int: "256,128", float: "0.5,0.75", str: "\"('a','b')\""}[kind]
        what = f"{length} {noun}" if length else f"{noun}, such as {field}={example}, or () for none"
        shown = ",".join(map(str, value)) or "''"
        raise ConfigError(f"{field} is {shown}, but must be {what}")


def _check_ranges(flat: Fields) -> None:
    """Each number lies in its range."""
    for field, value in flat.items():
        numbers = value if isinstance(value, tuple) else (value,)
        finite = all(math.isfinite(number) for number in numbers if isinstance(number, float))
        _require(finite, flat, field, "finite numbers" if isinstance(value, tuple) else "a finite number")
    for field in POSITIVE:
        _require(flat[field] > 0, flat, field, "greater than 0")
    for field, value in flat.items():
        numbers = value if isinstance(value, tuple) else (value,)
        if field not in SIGNED and not isinstance(value, bool):
            negative = any(number < 0 for number in numbers if isinstance(number, int | float))
            _require(not negative, flat, field, "0 or more")
    _require(0 <= flat["seed"] < 2**31 - 1, flat, "seed", "0 or more, and below 2**31 - 1")
    for field in ("label_smoothing", "ema_decay", "optimizer.b1", "optimizer.b2", "optimizer.momentum"):
        _require(flat[field] < 1, flat, field, "below 1")
    for field in ("model.dropout", "model.drop_path"):
        _require(flat[field] == -1 or 0 <= flat[field] < 1, flat, field, "-1, or 0 or more and below 1")
    _require(flat["batch_norm_size"] != 1, flat, "batch_norm_size", "0 for the whole batch, or 2 or more")
    ratio = flat["data.split_ratio"]
    _require(
        ratio[0] > 0 and ratio[1] > 0,
        flat,
        "data.split_ratio",
        "three numbers, train:validation:test, of which only the last may be 0",
    )
    in_range = all(0 < share < 1 for share in flat["schedule.step_at"])
    _require(in_range, flat, "schedule.step_at", "shares between 0 and 1")
    _require(0 < flat["fine_tuning.layer_decay"] <= 1, flat, "fine_tuning.layer_decay", "above 0 and at most 1")


def _check_durations(flat: Fields) -> None:
    """One of epochs, steps and examples is set, and the time budget is a time."""
    for group, prefix, required in (
        ("", "total", True),
        ("", "checkpoint_every", True),
        ("schedule.", "warmup", False),
    ):
        fields = {name: flat[name] for unit in UNITS if flat[name := f"{group}{prefix}_{unit}"]}
        if len(fields) > 1:
            given = " and ".join(f"{name}={value}" for name, value in fields.items())
            raise ConfigError(f"{given} contradict each other: set all but one of them to 0")
        if required and not fields:
            raise ConfigError(f"{prefix}_epochs, {prefix}_steps and {prefix}_examples are all 0: set one of them")
    try:
        seconds_of(flat["time_budget"])
    except ValueError:
        raise ConfigError(
            f"time_budget is '{flat['time_budget']}', but must be a time such as 90s, 10m or 2h, or '' for no limit"
        ) from None


def _check_pattern(flat: Fields) -> None:
    try:
        re.compile(flat["data.group_pattern"])
    except re.error as error:
        raise ConfigError(
            f"data.group_pattern is '{flat['data.group_pattern']}', which is no regular expression: {error}"
        ) from None


def _check_input(flat: Fields) -> None:
    """Tables and texts use nothing that only images have, and their columns are chosen without contradiction."""
    kind, network, learning = flat["data.input"], flat["model.name"], flat["learning"]
    if kind == "images":
        if network == "text_average":
            raise ConfigError(
                "model.name is text_average, which reads texts, but data.input is images: set data.input to texts"
            )
        return
    if network not in NETWORKS[kind] and ":" not in network:
        raise ConfigError(
            f"model.name is '{network}', but data.input is {kind}: set model.name to {' or '.join(NETWORKS[kind])}"
        )
    if learning != "from_scratch":
        raise ConfigError(
            f"learning is {learning}, but data.input is {kind}, for which there are no pretrained weights: set it to "
            "from_scratch"
        )
    for field, value in flat.items():
        if (
            field.startswith("augment.")
            and field not in EFFECTS
            and (any(value) if isinstance(value, tuple) else value)
        ):
            raise ConfigError(f"{field} is {value}, but only pictures are augmented, and data.input is {kind}: drop it")
    if flat["data.mode"] == "streaming":
        raise ConfigError(
            f"data.mode is streaming, but data.input is {kind}, which are always resident: set it to auto"
        )
    if flat["data.columns"] and flat["data.dropped"]:
        raise ConfigError(
            "data.columns and data.dropped are both set: the first chooses all columns, so drop the second"
        )
    if both := sorted({*listed(flat["data.numbers"])} & {*listed(flat["data.categories"])}):
        raise ConfigError(f"data.numbers and data.categories both name {both[0]}: keep it in one of them")


def _check_task(flat: Fields) -> None:
    """A regression uses nothing that only classes have, and every task has a head that can give its outputs."""
    name = flat["task.name"]
    for field in FOR_CLASSES if name == "regression" else ():
        if flat[field]:
            raise ConfigError(
                f"{field} is {flat[field]}, but task.name is regression, and numbers are no classes: switch it off, or "
                "set task.name to softmax"
            )
    if name != "softmax" and flat["model.name"] == "squeezenet1_1" and not flat["model.head.pooling"]:
        raise ConfigError(
            f"task.name is {name}, but the head of squeezenet1_1 gives no output below 0: set "
            "model.head.pooling to average"
        )


def _check_model(flat: Fields) -> None:
    """The network and its head have layers that exist."""
    for field in ("model.hidden", "model.head.hidden"):
        _require(all(width > 0 for width in flat[field]), flat, field, "widths greater than 0")
    if flat["model.head.batch_norm"] and not flat["model.head.hidden"]:
        raise ConfigError("model.head.batch_norm is set, but it follows hidden layers: set model.head.hidden as well")


def _check_learning(flat: Fields) -> None:
    """Fields that belong to one type of learning are set for that type only."""
    learning = flat["learning"]
    if learning == "from_scratch" and flat["model.weights"]:
        raise ConfigError(
            "model.weights is set, but learning is from_scratch: set it to transfer_learning or fine_tuning"
        )
    if flat["model.head.fitted"] and learning == "from_scratch":
        raise ConfigError(
            "model.head.fitted is set, but learning is from_scratch, where the backbone's features mean nothing yet: "
            "drop it, or set learning to transfer_learning or fine_tuning"
        )
    tuned = (
        flat["fine_tuning.frozen"]
        or flat["fine_tuning.head_epochs"]
        or flat["fine_tuning.layer_decay"] != 1
        or flat["fine_tuning.update_statistics"]
    )
    if learning != "fine_tuning" and tuned:
        raise ConfigError(f"fine_tuning.* is set, but learning is {learning}: set it to fine_tuning")
    if learning == "transfer_learning" and flat["feature_cache.views"]:
        for field in ("augment.mixup", "augment.cutmix", "augment.progressive"):
            if flat[field]:
                raise ConfigError(
                    f"{field} is {flat[field]}, but transfer_learning stores what the backbone makes of each picture: "
                    "set feature_cache.views to 0, or drop it"
                )


def _check_optimizer(flat: Fields) -> None:
    """The update rule goes with its schedule and averages."""
    name = flat["optimizer.name"]
    if name == "adam" and flat["optimizer.weight_decay"]:
        raise ConfigError(
            "optimizer.weight_decay is set, but adam has no decoupled decay: "
            "use optimizer.name=adamw, or the classical penalty optimizer.l2"
        )
    if name == "schedule_free":
        _require(flat["optimizer.b1"] > 0, flat, "optimizer.b1", "above 0 with optimizer.name=schedule_free")
        if flat["schedule.name"] != "constant":
            raise ConfigError(
                f"optimizer.name is schedule_free, but schedule.name is {flat['schedule.name']}: set it to constant, "
                "for the average takes the place of a decaying rate (warm-up stays useful)"
            )
        for field in ("ema_decay", "fine_tuning.head_epochs"):
            if flat[field]:
                raise ConfigError(
                    f"{field} is {flat[field]}, but optimizer.name is schedule_free, which keeps one average of its "
                    "own from beginning to end: set it to 0, or choose another optimizer"
                )
    if flat["optimizer.nesterov"] and name != "sgd":
        raise ConfigError(f"optimizer.nesterov belongs to sgd, but optimizer.name is {name}")
    if flat["optimizer.nesterov"] and not flat["optimizer.momentum"]:
        raise ConfigError("optimizer.nesterov is set, but optimizer.momentum is 0: set it as well, or drop nesterov")
