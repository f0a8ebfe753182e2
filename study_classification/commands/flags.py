"""Turns the flags of a verb into values and a config. What a verb does not take is refused, never ignored."""

import math
import os
import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict, config_flags

from study_classification.commands import synonyms
from study_classification.commands.arguments import Arguments, as_config
from study_classification.commands.verb import CONFIG, Given, Verb
from study_classification.config import TYPES, find_config, flatten, installed_configs
from study_classification.config_effects import chosen_fields
from study_classification.config_rules import validate
from study_classification.configs import default
from study_classification.errors import ConfigError, UserError, nearest
from study_classification.paths import is_run

NEEDS = {
    "config": "--config=FILE.py, for instance --config=configs/quickstart.py",
    "workdir": "--workdir=DIR, the directory that a training run has written",
    "prune": "--prune, to clear the cache",
    "study": "--study=DIR, the directory of the study",
}


def parse_flags(arguments: Arguments, verbs: Mapping[str, Verb]) -> Given:
    """Checks what the user gave to a verb, as far as that needs no data.

    Raises:
        ConfigError: for an unknown flag, config or field, a flag of another verb, a value of the wrong type, or a
            config that makes no sense; the sentence says what to give instead.
    """
    verb = verbs[arguments.verb]
    for name, value in arguments.flags:
        _require_flag(verb, verbs, name, value)
    if arguments.inputs and not verb.takes_inputs:
        raise _unwanted_input(verb, verbs, arguments.inputs[0])
    if "" in arguments.inputs:
        raise ConfigError(f"{verb.name} was given an empty name: name a file or folder")
    given = dict(arguments.flags)
    overrides = [name for name in given if re.match(r"(no)?config\.", name)]
    switches = {flag.name for flag in verb.flags if flag.is_switch}
    has = [bool(given.get(name) or (name in given and name in switches)) for name in verb.needs]
    if not (all(has) if verb.needs_all else any(has)):
        missing = [NEEDS[name] for name, is_given in zip(verb.needs, has, strict=True) if not is_given]
        raise ConfigError(f"{verb.name} needs {(', and ' if verb.needs_all else ', or ').join(missing)}")
    if overrides and "config" not in given:
        reason = f"--{overrides[0]} changes a config, but there is no --config=FILE.py: give it as well"
        raise ConfigError(f"{reason}, or resume the run as it is" if verb.name == "train" else reason)
    values = _parse(verb, arguments.flags)
    if "config" not in given:
        return Given(_plain(verb, values), arguments.inputs)
    config, flag = values["config"].value, values["config"]
    typed = tuple(config_flags.get_override_values(flag))
    text = config_flags.get_config_filename(flag)
    file = text.partition(":")[0]
    _require_all_fields(config, file)
    validate(config, chosen_fields(config, default.get_config(), typed))
    return Given(_plain(verb, values), arguments.inputs, config, Path(file).stem, typed, text)


def _plain(verb: Verb, values: flags.FlagValues) -> dict[str, Any]:
    return {flag.name: values[flag.name].value for flag in verb.flags if flag is not CONFIG}


def _require_flag(verb: Verb, verbs: Mapping[str, Verb], name: str, value: str | None) -> None:
    """Raises ConfigError unless the verb takes this flag, and a value is given where it needs one."""
    known = {flag.name: flag for flag in verb.flags}
    flag = "config" if re.match(r"(no)?config\.", name) else name
    if flag in known:
        if flag == name and not known[flag].is_switch and not value:  # such as --workdir=$RUN without RUN
            raise ConfigError(f"--{name} needs a value: --{name}=...")
        return
    flag = flag.replace("-", "_")
    owners = [other.name for other in verbs.values() if flag in {flag.name for flag in other.flags}]
    if verb.name in owners:
        owners = []
    parts = [f"it belongs to {_listed(owners)}"] if owners else []
    if advice := synonyms.guide(verb.name, {*known}, flag, value):
        parts.append(advice)
    fields = list(flatten(default.get_config())) if CONFIG in verb.flags else []
    typed = f"-{name}" if len(name) == 1 else f"--{name}"
    raise ConfigError(
        f"{verb.name} has no {typed}: {'; '.join(parts) or _nearest_way(flag, value, set(known), fields)}"
    )


def _nearest_way(name: str, value: str | None, known: set[str], fields: list[str]) -> str:
    """Names the flag or field with the nearest name, or all flags if none is near."""
    exact = [field for field in fields if field.rpartition(".")[2] == name]
    if len(exact) == 1:
        return f"set --config.{exact[0]}={value or 'VALUE'}"
    near = nearest(name, [*known, *(f"config.{field}" for field in fields)])
    if near.startswith("valid"):
        near = nearest("", sorted(known))
    return re.sub(r"(did you mean |valid are: |, )", r"\1--", near)


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _unwanted_input(verb: Verb, verbs: Mapping[str, Verb], text: str) -> ConfigError:
    with_inputs = [other.name for other in verbs.values() if other.takes_inputs]
    known = {flag.name for flag in verb.flags}
    if verb.needs == ("workdir",) or ("workdir" in known and os.path.isdir(text) and is_run(text)):
        reason = f"a run directory follows its flag, --workdir={text}"
    elif "config" in known and text in installed_configs():
        reason = f"a config follows its flag, --config={text}"
    elif meant := as_config(text):
        reason = meant
    elif "config" in known and os.path.exists(text):
        reason = synonyms.guide(verb.name, ["config"], "data", text)
    else:
        reason = f"flags begin with --, and only {_listed(with_inputs)} take files and folders"
    return ConfigError(f"{verb.name} takes no '{text}': {reason}")


def _parse(verb: Verb, given: tuple[tuple[str, str | None], ...]) -> flags.FlagValues:
    """The flags by absl, those of the config by ml_collections."""
    # The fields of a config can be set only after it is known.
    ordered = sorted(given, key=lambda pair: pair[0] != "config")
    names = [name for name, _ in ordered]
    if names.count("config") > 1:
        raise ConfigError("--config is given twice: give one, and set what differs with --config.FIELD=VALUE")
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"--{name} is given twice: give it once")
    ordered = [(name, _find_config(value) if name == "config" and value else value) for name, value in ordered]
    arguments = [verb.name] + [f"--{name}" if value is None else f"--{name}={value}" for name, value in ordered]
    values = flags.FlagValues()
    for flag in verb.flags:
        more = {"sys_argv": arguments} if flag is CONFIG else {"help": flag.help}
        flag.define(flag.name, default=flag.default, flag_values=values, **more)
    try:
        values(arguments)
    except UserError:
        raise
    except Exception as error:  # a config file is a program, and may fail in any way
        raise _flag_error(verb, ordered, error) from None
    for flag in verb.flags:  # absl takes NaN for a number within any limits
        if isinstance(value := values[flag.name].value, float) and not math.isfinite(value):
            raise ConfigError(f"--{flag.name} is '{value}', but must be {flag.valid}")
    return values


def _find_config(text: str) -> str:
    """The config with the path of its file: an installed program finds configs/X.py, or X alone, from any folder."""
    path, colon, arguments = text.partition(":")
    return f"{find_config(path)}{colon}{arguments}"


def _flag_error(verb: Verb, given: list[tuple[str, str | None]], error: Exception) -> ConfigError:
    """The error of absl, ml_collections or a config file, as a sentence of this program."""
    for flag in verb.flags:
        value = dict(given).get(flag.name)
        if flag is not CONFIG and f"--{flag.name}={value}:" in str(error):
            return ConfigError(f"--{flag.name} is '{value}', but must be {flag.valid}")
    text = dict(given).get("config")
    config = _load_alone(text) if text else None
    fields = flatten(config) if config is not None else {}
    for name, value in given:
        field = re.sub(r"^(no)?config\.", "", name)
        if field == name:
            continue
        if field not in fields:
            return _unknown_field(field, value, fields)
        kind = type(fields[field])
        if f"--{name}={value}:" in str(error) or (value is None and kind is not bool):
            return ConfigError(f"{field} is '{value or ''}', but must be {TYPES[kind]}")
    return ConfigError(" ".join(str(error).removeprefix("flag ").split()))


def _load_alone(text: str) -> ConfigDict:
    """The config without the fields that were set on the command line.

    Raises:
        ConfigError: if the file fails; the sentence names the line.
    """
    path, _, _ = text.partition(":")
    alone = flags.FlagValues()
    config_flags.DEFINE_config_file("config", flag_values=alone, sys_argv=["", f"--config={text}"])
    try:
        alone(["", f"--config={text}"])
    except Exception as error:
        cause: BaseException = error
        while "Error whilst parsing config file" in str(cause) and cause.__context__:  # as ml_collections wraps it
            cause = cause.__context__
        lines = [frame.lineno for frame in traceback.extract_tb(cause.__traceback__) if frame.filename == path]
        where = f", line {lines[-1]}" if lines else ""
        raise ConfigError(f"the config file {path} fails{where}: {type(cause).__name__}: {cause}") from None
    return alone["config"].value


def _unknown_field(field: str, value: str | None, fields: Mapping[str, Any]) -> ConfigError:
    inside = [name for name in fields if name.startswith(f"{field}.")]
    meant = synonyms.field_of(field)
    if inside and not meant:
        reason = f"it is a group; set one of {', '.join(f'--config.{name}' for name in inside)}"
    elif meant:
        reason = f"set --config.{meant}={value or 'VALUE'}"
    else:
        reason = synonyms.why_no_field(field) or nearest(field, fields)
        if reason.startswith("valid"):  # there are too many to name them all
            reason = "configs/default.py lists the fields"
    return ConfigError(f"the config has no field '{field}': {reason}")


def _require_all_fields(config: ConfigDict, file: str) -> None:
    """Refuses a config that lacks a field of configs/default.py."""
    missing = flatten(default.get_config()).keys() - (flatten(config) if isinstance(config, ConfigDict) else {})
    if missing:
        raise ConfigError(
            f"the config file {file} has no field '{min(missing)}': let it begin with "
            "config = study_classification.configs.default.get_config(), and change that"
        )
