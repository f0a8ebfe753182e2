"""The JSON files of a run, read with care: they may have been damaged since."""

import json
from collections.abc import Mapping
from pathlib import Path

from ml_collections import ConfigDict

from study_classification.errors import RunError
from study_classification.paths import read_file, why

RESTORE = "restore it, or train again"


def read_json(file: Path, kind: type = dict, remedy: str = RESTORE):
    """The content of one of the run's JSON files, which is of this kind; `remedy` helps where it is damaged.

    Raises:
        RunError: if it is absent or damaged.
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
    """The error for a file of a run that is not what was written."""
    return RunError(f"{file} is damaged, {reason}: {remedy}")


def config_to_json(config: ConfigDict) -> dict:
    """Nested plain values; tuples become lists."""
    return json.loads(config.to_json())


def config_from_json(content: Mapping) -> ConfigDict:
    """The inverse of `config_to_json`: no field of this project is a list, so lists become tuples again."""

    def convert(value):
        if isinstance(value, Mapping):
            return ConfigDict({name: convert(item) for name, item in value.items()})
        return tuple(value) if isinstance(value, list) else value

    return convert(content)
