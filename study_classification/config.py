"""How a config is written and read: its arguments on the command line, its fields as one dict, durations."""

import csv
import inspect
import math
import os
import re
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from study_classification.errors import ConfigError, nearest
from study_classification.paths import printable, user_path

UNITS = ("epochs", "steps", "examples")
TYPES = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "values separated by commas",
}
_SWITCHES = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
# One `key=value` up to the next comma. A value that begins with a quotation mark ends with the same mark.
_ARGUMENT = re.compile(r"""([^=,]*)(=(?:(["'])(.*?)\3(?=,|$)|([^,]*)))?(?:,|$)""", re.DOTALL)


def find_config(name: str) -> Path:
    """The config file of this name: the file itself, or the installed one for `X` and `configs/X.py`.

    X may be a lesson, such as `lessons/mnist`.

    Raises:
        ConfigError: if there is no such file.
    """
    if os.path.isfile(user_path(name)):
        return user_path(name)
    known = installed_configs()
    wanted = name.removeprefix("configs/").removesuffix(".py")
    if wanted not in known or name not in (wanted, f"configs/{wanted}.py"):
        names = sorted(known.keys() - {"default"})
        raise ConfigError(f"the config file '{name}' does not exist: {nearest(Path(name).stem, names)}")
    return known[wanted]


def installed_configs() -> dict[str, Path]:
    """Name of each config that is installed, such as `photos` or `lessons/mnist` -> its file."""
    from study_classification import configs

    folder = Path(configs.__path__[0])
    files = [*folder.glob("*.py"), *folder.glob("lessons/*.py")]
    return {file.relative_to(folder).with_suffix("").as_posix(): file for file in files if file.stem != "__init__"}


def load_config(text: str) -> ConfigDict:
    """The config that `FILE.py` or `FILE.py:key=value,...` describes, locked: unknown fields cannot be set.

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


def call_beside_config(text: str, names: Sequence[str]) -> dict[str, Any]:
    """Calls functions that a config file may define beside `get_config`.

    A function that takes a parameter is given the arguments behind the colon, as `get_config` is.

    Args:
        text: FILE.py, or FILE.py:key=value,...
        names: names of the functions; those that the file does not define are passed over.

    Returns:
        Name of each function that was called -> what it returned.

    Raises:
        ConfigError: if one of them fails.
    """
    file, _, arguments = text.partition(":")
    defined, given = runpy.run_path(file), {}
    for name in names:
        if name in defined:
            try:
                takes_arguments = bool(inspect.signature(defined[name]).parameters)
                given[name] = defined[name](*[arguments] * takes_arguments)
            except ConfigError:
                raise
            except Exception as error:  # it is the user's program, and may fail in any way
                raise ConfigError(f"{name}() in {file} fails: {type(error).__name__}: {error}") from None
    return given


def parse_arguments(text: str, /, **defaults):
    """The `key=value,...` behind the colon of `--config=FILE.py:key=value,...`, as a ConfigDict.

    The type of each default is the type of its value; a boolean needs no value (`runlocal`). A value in quotation marks
    may hold commas (`data="my photos, 2026"`). A default of 0 means that the config chooses the value.

    Raises:
        ConfigError: for an unknown key, a key that is given twice, a value of another type, a value of 0 where the
            default is 0, or a quotation mark that is never closed.
    """
    arguments, typed = ConfigDict(defaults), set[str]()
    for key, value in _split_arguments(text):
        if key not in defaults:
            near = nearest(key, defaults)
            advice = near if near.startswith("did") else f"{near}; {_other_ways(key, value)}"
            raise ConfigError(f"the config has no argument '{key}': {advice}")
        if key in typed:
            raise ConfigError(f"the config's argument {key} is given twice: give it once")
        typed.add(key)
        arguments[key] = _argument(key, value, defaults[key])
    return arguments


def _argument(key: str, value: str | None, default: Any) -> Any:
    """The value of an argument, of the type of its default."""
    kind, text = type(default), value or ""
    if kind is bool:
        typed = _SWITCHES.get("true" if value is None else value.lower())
    else:
        try:
            typed = kind(text)
        except ValueError:
            typed = None
    if typed is None:
        raise ConfigError(f"the config's argument {key} is '{text}', but must be {TYPES[kind]}")
    if kind in (int, float) and typed == default == 0:
        raise ConfigError(f"the config's argument {key} is 0: give more, or leave it out for what the config chooses")
    if kind is str and default and not text:
        raise ConfigError(f"the config's argument {key} is empty: write {key}=VALUE, or leave it out for {default}")
    return typed


def _split_arguments(text: str) -> list[tuple[str, str | None]]:
    """The keys and values; the value of a key without `=` is None."""
    pairs = []
    for key, has_value, quote, quoted, plain in _ARGUMENT.findall(text):
        if plain[:1] in ('"', "'") and plain:
            raise ConfigError(
                f"the config's argument {key} begins with the quotation mark {plain[0]}, but no such mark ends it: "
                f"write {key}={plain[0]}VALUE{plain[0]}, and the whole of --config in quotation marks of the other kind"
            )
        if key or has_value:
            pairs.append((key, (quoted if quote else plain) if has_value else None))
    return pairs


def _other_ways(key: str, value: str | None) -> str:
    """What the user may have meant by an unknown key."""
    if re.fullmatch(r"\w+", key) and value is not None:
        return f"a field of the config stands outside the colon, as --config.{key}=VALUE"
    return "a value with commas stands in quotation marks that the shell leaves alone, as 'FILE.py:data=\"a,b\"'"


def flatten(config: ConfigDict, prefix: str = "") -> dict[str, Any]:
    """Nested fields as one dict with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, ConfigDict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def missing_field(config: ConfigDict) -> str:
    """The first field of `configs/default.py` that this config lacks; '' if it has all.

    Raises:
        ConfigError: if a field is of another type.
    """
    from study_classification.configs import default

    found = flatten(config)
    for field, usual in flatten(default.get_config()).items():
        if field not in found:
            return field
        kinds = (int, float) if isinstance(usual, float) else (type(usual),)
        if type(found[field]) not in kinds:
            raise ConfigError(f"{field} is {found[field]!r}, but must be {TYPES[type(usual)]}")
    return ""


def listed(names: str) -> tuple[str, ...]:
    """The names in a field, which commas separate; a name that holds a comma stands in quotation marks.

    >>> listed('age, fare,"last, first"')
    ('age', 'fare', 'last, first')

    Raises:
        ConfigError: if a name holds a line break, but stands in no quotation marks.
    """
    try:
        return tuple(name.strip() for row in csv.reader([names], skipinitialspace=True) for name in row)
    except csv.Error:
        raise ConfigError(
            f"the names '{printable(names)}' hold a line break: put commas between names, and a name with a line break "
            "in quotation marks"
        ) from None


def changed_fields(config: ConfigDict) -> dict[str, Any]:
    """The fields whose values differ from `configs/default.py`: dotted name -> value."""
    from study_classification.configs import default

    usual = flatten(default.get_config())
    return {field: value for field, value in flatten(config).items() if value != usual.get(field)}


def duration_in_steps(group: ConfigDict, prefix: str, examples_per_epoch: int, batch_size: int) -> int:
    """The number of steps, rounded up, that `{prefix}_epochs`, `_steps` or `_examples` means, whichever is set."""
    epochs, steps, examples = (group[f"{prefix}_{unit}"] for unit in UNITS)
    # The rounding keeps float noise (0.07 * 100 = 7.000000000000001) from adding a step.
    return steps or math.ceil(round((epochs * examples_per_epoch or examples) / batch_size, 6))


def seconds_of(duration: str) -> float:
    """The seconds in a time such as `90s`, `10m` or `2h`; infinity for '', which means no limit.

    Raises:
        ValueError: for any other text, and for 0.
    """
    if not duration:
        return math.inf
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", duration)
    if not match or not float(match[1]):
        raise ValueError(duration)
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]
