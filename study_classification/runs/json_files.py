"""Reads the JSON files of a run with care, for they may have been damaged."""

import json
from collections.abc import Mapping
from pathlib import Path

from ml_collections import ConfigDict

from study_classification.errors import RunError
from study_classification.paths import read_file, why

RESTORE = "restore it, or train again"


def read_json(file: Path, kind: type = dict, remedy: str = RESTORE):
    """The content of a JSON file of a run, which has to be of the type `kind`; `remedy` helps if it is damaged.

    Raises:
        RunError: if the file is absent or damaged.
    """
    try:
        content = json.loads(read_file(file))
        if not isinstance(content, kind):
            raise ValueError(f"it holds a {type(content).__name__}, not a {kind.__name__}")
        return content
    except FileNotFoundError:
        raise RunError(
            f"{file.parent} is not a run directory: it has no {file.name}; "
            "give the directory that a training run has written with --workdir"
        ) from None
    except RecursionError:
        raise damaged(file, "it is nested too deeply", remedy) from None
    except (OSError, ValueError) as error:
        reason = why(error) if isinstance(error, OSError) else error
        raise RunError(f"{file} cannot be read ({reason}): {remedy}") from None


def damaged(file: Path, reason: str, remedy: str = RESTORE) -> RunError:
    """The error to raise for a damaged file of a run."""
    return RunError(f"{file} is damaged, {reason}: {remedy}")


def config_to_json(config: ConfigDict) -> dict:
    """The config as nested plain values; tuples become lists."""
    return json.loads(config.to_json())


def config_from_json(content: Mapping) -> ConfigDict:
    """The inverse of `config_to_json`. No field of this project is a list, so lists become tuples again."""

    def convert(value):
        if isinstance(value, Mapping):
            return ConfigDict({name: convert(item) for name, item in value.items()})
        return tuple(value) if isinstance(value, list) else value

    return convert(content)
