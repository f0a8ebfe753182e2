"""Settings: values of fields by their dotted names, such as {"optimizer.learning_rate": 0.01}."""

from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict

from study_classification.config import TYPES, flatten
from study_classification.config_rules import TUPLES, check_tuple
from study_classification.errors import ConfigError, nearest

Settings = Mapping[str, Any]


def require_field(field: Any, config: ConfigDict, where: str) -> Any:
    """The value of a field in a config.

    Raises:
        ConfigError: if there is no such field. The sentence begins with `where`, the function of the config.
    """
    fields = flatten(config)
    if field not in fields:
        inside = [name for name in fields if name.startswith(f"{field}.")]
        reason = f"it is a group of {', '.join(inside)}" if inside else nearest(str(field), fields)
        raise ConfigError(f"{where} names the field '{field}', which the config does not have: {reason}")
    return fields[field]


def fitting(field: str, value: Any, config: ConfigDict, where: str) -> Any:
    """The value in the type of the field: a whole number may stand for a number, and a list for a tuple.

    Raises:
        ConfigError: if there is no such field, or its values are of another type.
    """
    kind = type(require_field(field, config, where))
    if kind is float and type(value) is int:
        return float(value)
    if kind is tuple and isinstance(value, list):
        value = tuple(value)
    if type(value) is not kind:
        raise ConfigError(f"{where} gives {field} the value {value!r}, but it must be {TYPES[kind]}")
    if field in TUPLES:
        try:
            check_tuple(field, value)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None
    return value


def with_settings(config: ConfigDict, settings: Settings) -> ConfigDict:
    """A copy of the config with these values."""
    changed = config.copy_and_resolve_references()
    changed.update_from_flattened_dict(settings)
    return changed


def shown(value: Any) -> str:
    """A value as tables show it and --config.FIELD= takes it; numbers have four digits."""
    if isinstance(value, tuple):
        return ",".join(map(shown, value)) or "()"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def describe(settings: Settings) -> str:
    """All settings in one line."""
    return " ".join(f"{field}={shown(value)}" for field, value in settings.items())
