"""Configs: their file and command-line arguments, durations, and the checks made before anything heavy starts."""

import ast
import math
import re
import runpy
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from study_classification.errors import ConfigError, nearest

CHOICES = {
    "learning": ("from_scratch", "transfer_learning", "fine_tuning"),
    "model.head.pooling": ("", "average", "max", "flatten"),
    "data.on_unreadable": ("skip", "error"),
    "data.mode": ("auto", "resident", "streaming"),
    "data.sampling": ("", "balanced"),
    "class_weights": ("", "balanced"),
    "precision": ("auto", "float32", "bfloat16"),
    "optimizer.name": ("adam", "adamw", "sgd", "rmsprop", "muon", "schedule_free"),
    "schedule.name": ("cosine", "cosine_restarts", "step", "constant"),
    "monitor": ("val_accuracy", "val_loss"),
}
UNITS = ("epochs", "steps", "examples")


def find_config(name: str) -> Path:
    """The config file of this name: the file itself, or, for `X` and `configs/X.py`, the one that is installed.

    Raises:
        ConfigError: if there is none.
    """
    if Path(name).is_file():
        return Path(name)
    from study_classification import configs

    file = Path(configs.__path__[0]) / f"{Path(name).stem}.py"
    if name not in (file.stem, f"configs/{file.name}") or not file.exists():
        names = sorted(path.stem for path in file.parent.glob("*.py") if path.stem not in ("default", "__init__"))
        raise ConfigError(f"the config file '{name}' does not exist: {nearest(Path(name).stem, names)}")
    return file


def load_config(text: str) -> ConfigDict:
    """The config that `FILE.py` or `FILE.py:key=value,...` describes. A field that it has not cannot be set.

    Raises:
        ConfigError: if there is no such file or argument, or the file defines no config.
    """
    name, has_arguments, arguments = text.partition(":")
    file = find_config(name)
    try:
        get_config = runpy.run_path(str(file))["get_config"]
    except (KeyError, SyntaxError) as error:
        raise ConfigError(f"{file} is no config file ({error}): it has to define get_config()") from None
    return get_config(*[arguments] * bool(has_arguments)).lock()


def parse_arguments(text: str, **defaults):
    """The `key=value,...` behind the colon of `--config=FILE.py:key=value,...`, as a ConfigDict.

    The type of each default is the type of its value; a boolean needs no value (`runlocal`).

    Raises:
        ConfigError: for an unknown key or a value of another type.
    """
    arguments = ConfigDict(defaults)
    for item in filter(None, text.split(",")):
        key, has_value, value = item.partition("=")
        if key not in defaults:
            raise ConfigError(f"the config has no argument '{key}': {nearest(key, defaults)}")
        default = defaults[key]
        try:
            if isinstance(default, str):
                arguments[key] = value
            elif isinstance(default, bool):
                arguments[key] = bool(ast.literal_eval(value.capitalize())) if has_value else True
            else:
                arguments[key] = type(default)(value)
        except (ValueError, SyntaxError):
            raise ConfigError(f"the config's argument {key} is {value!r}, not a {type(default).__name__}") from None
    return arguments


def flatten(config: ConfigDict, prefix: str = "") -> dict[str, Any]:
    """Nested fields as one dict with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, ConfigDict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def duration_in_steps(group: ConfigDict, prefix: str, examples_per_epoch: int, batch_size: int) -> int:
    """Steps that `{prefix}_epochs`, `{prefix}_steps` or `{prefix}_examples` stand for, whichever is set; rounded up."""
    epochs, steps, examples = (group[f"{prefix}_{unit}"] for unit in UNITS)
    # The rounding keeps float noise (0.1 * 30 = 3.0000000000000004) from adding a step.
    return steps or math.ceil(round((epochs * examples_per_epoch or examples) / batch_size, 6))


def seconds_of(duration: str) -> float:
    """The seconds of `90s`, `10m` or `2h`; of '', which is no limit, infinitely many.

    Raises:
        ValueError: for any other text, and for 0.
    """
    if not duration:
        return math.inf
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", duration)
    if not match or not float(match[1]):
        raise ValueError(duration)
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def validate(config: ConfigDict) -> None:
    """Refuses values out of range and fields that contradict each other.

    Raises:
        ConfigError: naming the field, its value and what is valid.
    """
    flat = flatten(config)
    for field, valid in CHOICES.items():
        if flat[field] not in valid:
            raise ConfigError(f"{field} is '{flat[field]}': {nearest(str(flat[field]), valid)}")

    def require(condition: bool, field: str, what: str) -> None:
        if not condition:
            raise ConfigError(f"{field} is {flat[field]}, but must be {what}")

    for field in (
        "batch_size",
        "accumulate_steps",
        "steps_per_dispatch",
        "log_every_steps",
        "fsdp",
        "schedule.restarts",
        "data.max_megapixels",
    ):
        require(flat[field] > 0, field, "greater than 0")
    signed = ("preprocess.mean", "seed", "data.split_seed", "model.dropout", "model.drop_path")
    for field, value in flat.items():
        if isinstance(value, float):
            require(math.isfinite(value), field, "a finite number")
        numbers = value if isinstance(value, tuple) else (value,)
        if field not in signed and not isinstance(value, bool):
            require(all(number >= 0 for number in numbers if isinstance(number, int | float)), field, "0 or more")
    require(0 <= config.seed < 2**31 - 1, "seed", "0 or more, and below 2**31 - 1")
    require(config.label_smoothing < 1, "label_smoothing", "below 1")
    require(config.ema_decay < 1, "ema_decay", "below 1")
    for field in ("model.dropout", "model.drop_path"):
        require(flat[field] == -1 or 0 <= flat[field] < 1, field, "-1, or 0 or more and below 1")
    require(all(width > 0 for width in config.model.head.hidden), "model.head.hidden", "widths greater than 0")
    if config.model.head.batch_norm and not config.model.head.hidden:
        raise ConfigError("model.head.batch_norm is set, but it follows hidden layers: set model.head.hidden as well")
    require(config.optimizer.learning_rate > 0, "optimizer.learning_rate", "greater than 0")
    for field in ("optimizer.b1", "optimizer.b2", "optimizer.momentum"):
        require(flat[field] < 1, field, "below 1")
    require(
        len(config.data.split_ratio) == 3 and config.data.split_ratio[0] > 0 and config.data.split_ratio[1] > 0,
        "data.split_ratio",
        "three numbers, train:validation:test, of which only the last may be 0",
    )
    require(len(config.data.tfds_splits) == 3, "data.tfds_splits", "three TFDS split expressions")
    require(all(0 < share < 1 for share in config.schedule.step_at), "schedule.step_at", "shares between 0 and 1")

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
        seconds_of(config.time_budget)
    except ValueError:
        raise ConfigError(
            f"time_budget is '{config.time_budget}', but must be a time such as 90s, 10m or 2h, or '' for no limit"
        ) from None
    if config.learning == "from_scratch" and config.model.weights:
        raise ConfigError(
            "model.weights is set, but learning is from_scratch: set it to transfer_learning or fine_tuning"
        )
    if config.model.head.fitted and config.learning == "from_scratch":
        raise ConfigError(
            "model.head.fitted is set, but learning is from_scratch, where the backbone's features mean nothing yet: "
            "drop it, or set learning to transfer_learning or fine_tuning"
        )
    tuning = config.fine_tuning
    if config.learning != "fine_tuning" and (
        tuning.frozen or tuning.head_epochs or tuning.layer_decay != 1 or tuning.update_statistics
    ):
        raise ConfigError(f"fine_tuning.* is set, but learning is {config.learning}: set it to fine_tuning")
    require(0 < config.fine_tuning.layer_decay <= 1, "fine_tuning.layer_decay", "above 0 and at most 1")
    if config.learning == "transfer_learning" and config.feature_cache.views:
        for field in ("augment.mixup", "augment.cutmix", "augment.progressive"):
            if flat[field]:
                raise ConfigError(
                    f"{field} is {flat[field]}, but transfer_learning stores what the backbone makes of each picture: "
                    "set feature_cache.views to 0, or drop it"
                )
    if config.optimizer.name == "adam" and config.optimizer.weight_decay:
        raise ConfigError(
            "optimizer.weight_decay is set, but adam has no decoupled decay: "
            "use optimizer.name=adamw, or the classical penalty optimizer.l2"
        )
    if config.optimizer.name == "schedule_free":
        require(config.optimizer.b1 > 0, "optimizer.b1", "above 0 with optimizer.name=schedule_free")
        if config.schedule.name != "constant":
            raise ConfigError(
                f"optimizer.name is schedule_free, but schedule.name is {config.schedule.name}: set it to constant, "
                "for the average takes the place of a decaying rate (warm-up stays useful)"
            )
        for field in ("ema_decay", "fine_tuning.head_epochs"):
            if flat[field]:
                raise ConfigError(
                    f"{field} is {flat[field]}, but optimizer.name is schedule_free, which keeps one average of its "
                    "own from beginning to end: set it to 0, or choose another optimizer"
                )
    if config.optimizer.nesterov and config.optimizer.name != "sgd":
        raise ConfigError(f"optimizer.nesterov belongs to sgd, but optimizer.name is {config.optimizer.name}")
