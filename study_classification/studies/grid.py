"""The result of `sweep()` in a config: settings with names, each of which is trained once for each seed.

def sweep():
    return grid({"model.hidden": [(16,), (64,)], "optimizer.name": ["sgd", "adam"]}, seeds=(0, 1, 2))

def sweep():
    return Sweep({"as it is": {}, "dropout": {"model.dropout": 0.5}}, seeds=(0, 1, 2))

def sweep():
    return along("data.per_class", [10, 50], {"as it is": {}, "dropout": {"model.dropout": 0.5}})
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_collections import ConfigDict

from study_classification.config_rules import validate
from study_classification.errors import ConfigError
from study_classification.studies.settings import Settings, describe, fitting, shown, with_settings

WHERE = "sweep()"
LONGEST_NAME = 100  # the most characters of a setting's name in the name of a directory


@dataclass(frozen=True)
class Sweep:
    """The settings to compare.

    Attributes:
        settings: name in the table -> values of fields; {} is the config as it is.
        seeds: the seeds for each of the settings; they replace the seed of the config.
        along: a field with numbers along which results are drawn, see `along`; '' draws no such curves.
    """

    settings: Mapping[str, Settings]
    seeds: Sequence[int] = (0, 1, 2)
    along: str = ""


def along(
    field: str, values: Sequence[int | float], settings: Mapping[str, Settings], seeds: Sequence[int] = (0, 1, 2)
) -> Sweep:
    """A sweep over all settings with each value of a field; each of the settings is drawn as a curve.

    Raises:
        ConfigError: if the settings set the field themselves.
    """
    for name, each in settings.items():
        if field in each:
            raise ConfigError(f"{WHERE} sets {field} in '{name}', but it is the field along which all are compared")
    named = {curve_point(name, value): {**each, field: value} for value in values for name, each in settings.items()}
    return Sweep(named, seeds, field)


def curve_point(name: str, value: int | float) -> str:
    """The name of a setting at one value of the field along which it is compared."""
    return f"{name}, {shown(value)}"


def curve_of(setting: str) -> str:
    """The name of a setting without the value of the field along which it is compared."""
    return setting.rpartition(", ")[0]


def grid(values: Mapping[str, Sequence[Any]], seeds: Sequence[int] = (0, 1, 2)) -> Sweep:
    """A sweep over all combinations of values, named by them. The last field changes first.

    Raises:
        ConfigError: if a field has no sequence of values.
    """
    for field, each in values.items():
        if isinstance(each, str) or not isinstance(each, Sequence) or not each:
            raise ConfigError(f"{WHERE} gives {field} {each!r}: grid takes a list of values for each field")
    combinations = [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]
    return Sweep({describe(settings): settings for settings in combinations}, seeds)


def checked_sweep(sweep: Any, config: ConfigDict) -> Sweep:
    """The result of `sweep()`, checked, with values of the types of their fields.

    Raises:
        ConfigError: if it is no `Sweep`, or it names a field that the config does not have, a value of another type,
            or settings that the command line would refuse.
    """
    if not isinstance(sweep, Sweep) or not isinstance(sweep.settings, Mapping) or not sweep.settings:
        raise ConfigError(f"{WHERE} gives {sweep!r}, but must give grid(...), or Sweep(...) with settings")
    if (
        not isinstance(sweep.seeds, Sequence)
        or not sweep.seeds
        or len(set(sweep.seeds)) < len(sweep.seeds)
        or any(type(seed) is not int for seed in sweep.seeds)
    ):
        raise ConfigError(f"{WHERE} gives the seeds {sweep.seeds!r}, but must give different whole numbers")
    checked: dict[str, Settings] = {}
    for seed in sweep.seeds:
        try:
            validate(with_settings(config, {"seed": seed}))
        except ConfigError as error:
            raise ConfigError(f"{WHERE}: {error}") from None
    for name, settings in sweep.settings.items():
        _require_settings(name, settings, sweep.along)
        if "seed" in settings:
            raise ConfigError(f"{WHERE} sets the field seed of '{name}': give all seeds as seeds=(...)")
        checked[name] = {field: fitting(field, value, config, WHERE) for field, value in settings.items()}
        try:
            validate(with_settings(config, checked[name]), list(checked[name]))
        except ConfigError as error:
            raise ConfigError(f"{WHERE}, '{name}': {error}") from None
    _require_directories(checked)
    return Sweep(checked, tuple(sweep.seeds), sweep.along)


def _require_settings(name: Any, settings: Any, along: str) -> None:
    """Raises ConfigError for settings of a wrong type, or without the field along which all are compared."""
    if not isinstance(name, str) or not isinstance(settings, Mapping):
        raise ConfigError(
            f"{WHERE} gives {name!r} the settings {settings!r}: give Sweep({{NAME: {{FIELD: VALUE}}}}), with a text as "
            "each name"
        )
    if along and along not in settings:
        raise ConfigError(
            f"{WHERE} compares along {along}, which '{name}' does not set: give along(FIELD, VALUES, SETTINGS)"
        )


def run_name(setting: str, seed: int) -> str:
    """The name of a run directory: the name of the setting, in characters that any file system takes, and the seed."""
    plain = re.sub(r"[^\w.=,+-]+", "_", setting).strip("_.")
    return f"{plain[:LONGEST_NAME]}-seed{seed}"


def _require_directories(settings: Mapping[str, Settings]) -> None:
    """Raises ConfigError if two settings would share one directory."""
    taken: dict[str, str] = {}
    for name in settings:
        other = taken.setdefault(run_name(name, 0), name)
        if other != name:
            raise ConfigError(
                f"{WHERE} names settings '{other}' and '{name}', which is the same as the name of a directory: "
                "name them by Sweep({NAME: {FIELD: VALUE}})"
            )
