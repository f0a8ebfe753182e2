"""The result of `search_space()` in a config: a `Range` or a `Choice` for each field that is searched.

def search_space():
    return {
        "optimizer.learning_rate": Range(1e-4, 1e-1, log=True),
        "model.hidden": Choice((32,), (128,), (128, 64)),
    }
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_collections import ConfigDict

from study_classification.config_effects import deciders_of
from study_classification.config_rules import validate
from study_classification.errors import ConfigError
from study_classification.studies.settings import fitting, require_field, with_settings

WHERE = "search_space()"


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, both included; only whole ones for a field with whole numbers.

    Attributes:
        low: the smallest number.
        high: the largest number.
        log: whether 0.001 to 0.01 is tried as often as 0.01 to 0.1, as for learning rates.
    """

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True, init=False)
class Choice:
    """One of several values without an order."""

    values: tuple[Any, ...]

    def __init__(self, *values: Any):
        object.__setattr__(self, "values", values)

    def by_label(self) -> dict[Any, Any]:
        """Label -> value. Optuna keeps the labels, for it cannot keep tuples."""
        return {str(value) if isinstance(value, tuple) else value: value for value in self.values}


Space = Mapping[str, Range | Choice]


def checked_space(space: Any, config: ConfigDict) -> Space:
    """The result of `search_space()`, checked, with values of the types of their fields.

    Raises:
        ConfigError: if it is no such dict, or it names a field that the config does not have, a value of another type,
            an empty range, or a field that has no effect.
    """
    if not isinstance(space, dict) or not space:
        raise ConfigError(f"{WHERE} gives {space!r}, but must give a dict of fields, each with a Range or a Choice")
    checked: dict[str, Range | Choice] = {}
    for field, what in space.items():
        require_field(field, config, WHERE)
        if isinstance(what, Range):
            checked[field] = _checked_range(field, what, config)
        elif isinstance(what, Choice):
            checked[field] = _checked_choice(field, what, config)
        else:
            raise ConfigError(f"{WHERE} gives {field} {what!r}: give Range(low, high), or Choice(value, ...)")
    for field, what in checked.items():
        _require_effect(field, what, checked, config)
    return checked


def _checked_range(field: str, what: Range, config: ConfigDict) -> Range:
    kind = type(require_field(field, config, WHERE))
    if kind not in (int, float):
        raise ConfigError(f"{WHERE} gives {field} a Range, but it is no number: give Choice(value, ...)")
    low, high = (fitting(field, end, config, WHERE) for end in (what.low, what.high))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ConfigError(f"{WHERE} gives {field} the Range from {low} to {high}: the second must be the larger")
    if what.log and low <= 0:
        raise ConfigError(f"{WHERE} gives {field} a Range with log from {low}: it must begin above 0")
    return Range(low, high, what.log)


def _checked_choice(field: str, what: Choice, config: ConfigDict) -> Choice:
    values = tuple(fitting(field, value, config, WHERE) for value in what.values)
    if not values or len(set(values)) < len(values):
        raise ConfigError(f"{WHERE} gives {field} {what!r}: give Choice(value, ...), each value once")
    return Choice(*values)


def _require_effect(field: str, what: Range | Choice, space: Space, config: ConfigDict) -> None:
    """Refuses a field that changes nothing, unless the field that decides about this is searched as well."""
    if deciders_of(field) & set(space):
        return
    for value in what.values if isinstance(what, Choice) else (what.high,):
        changed = with_settings(config, {field: value})
        try:
            validate(changed)
        except ConfigError:
            continue  # alone it may contradict what other fields of the space change with it
        try:
            validate(changed, [field])
        except ConfigError as error:
            raise ConfigError(f"{WHERE}: {error}") from None


def suggested(space: Space, trial: Any) -> dict[str, Any]:
    """The settings of a trial of Optuna: those that it has already, and suggested ones for the other fields."""
    settings = {}
    for field, what in space.items():
        if isinstance(what, Choice):
            values = what.by_label()
            settings[field] = values[trial.suggest_categorical(field, list(values))]
        else:
            suggest = trial.suggest_int if isinstance(what.low, int) else trial.suggest_float
            settings[field] = suggest(field, what.low, what.high, log=what.log)
    return settings
