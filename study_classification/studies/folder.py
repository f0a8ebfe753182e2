"""The directory of a study.

study.json    the definition of the study: config, search space, direction of the measure
trials/NAME/  one run directory for each trial
journal.log   search: Optuna's journal
outcomes/     sweep: the outcome of each run, NAME.json
trials.csv    all trials, the best first
settings.csv  sweep: mean and spread over the seeds, at the best epochs
ends.csv      sweep: mean and spread of all measures, at the last epochs
compared.png  sweep: the curves of all settings, training beside validation
along.png     sweep along a field: a curve for each of the settings
history.png   search: the trials in their order, and the best so far
importance.png  search: how much each field decides
best.py       a config with the best settings
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from study_classification.config import flatten
from study_classification.errors import ConfigError, RunError
from study_classification.paths import is_run, on_bucket, read_file, why
from study_classification.runs.json_files import config_from_json, config_to_json
from study_classification.studies.settings import shown
from study_classification.system.files import make_folder, make_output, unwritable, write_json

DIFFERS_BY_MACHINE = ("data.cache_dir", "data.mode", "data.workers")  # processes of one study may


def trial_directory(folder: Path, name: str) -> Path:
    return folder / "trials" / name


def outcome_file(folder: Path, name: str) -> Path:
    return folder / "outcomes" / f"{name}.json"


def make(folder: Path) -> None:
    """Makes the directory of a study, or a folder in it.

    Raises:
        EnvironmentFault: if the directory cannot be made.
    """
    try:
        make_folder(folder)
    except OSError as error:
        raise unwritable(folder, error) from None


def read(folder: Path) -> dict | None:
    """The content of study.json; None if no study has begun.

    Raises:
        ConfigError: if the directory lies on a bucket, where nothing can be locked.
        RunError: if it is a run directory, or study.json is damaged.
    """
    if on_bucket(folder):
        raise ConfigError(f"a study cannot lie on a bucket, where nothing can be locked: give a folder, not {folder}")
    if is_run(folder):
        raise RunError(f"{folder} is the directory of a run: give another --study")
    file = folder / "study.json"
    try:
        content = json.loads(read_file(file))
        if not _is_description(content):
            raise ValueError("it is no description of a study")
        return content
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise RunError(f"{folder} is not a folder: give another --study") from None
    except (OSError, ValueError) as error:
        reason = why(error) if isinstance(error, OSError) else error
        raise RunError(f"{file} cannot be read ({reason}): restore it, or give another --study") from None


def _is_description(content: Any) -> bool:
    kinds = {"kind": str, "config": dict, "space": dict, "higher_is_better": bool}
    right = isinstance(content, dict) and all(isinstance(content.get(name), kind) for name, kind in kinds.items())
    return right and "monitor" in content["config"]


def begin(folder: Path, kind: str, config: ConfigDict, space: Mapping[str, Any], higher_is_better: bool) -> None:
    """Writes study.json."""
    make_output(folder)
    content = {"kind": kind, "config": config_to_json(config), "space": _plain(space)}
    write_json(folder / "study.json", content | {"higher_is_better": higher_is_better})


def require_same(folder: Path, known: dict, kind: str, config: ConfigDict, space: Mapping[str, Any]) -> None:
    """Checks that the directory holds the same study, for only then its trials can be compared.

    Raises:
        RunError: naming the differences.
    """
    if known["kind"] != kind:
        raise RunError(f"{folder} holds a {known['kind']}, not a {kind}: give another --study")
    old, new = flatten(config_from_json(known["config"])), flatten(config)
    changed = [
        f"{field}={shown(old.get(field))}, not {shown(new.get(field))}"
        for field in sorted(old.keys() | new.keys())
        if old.get(field) != new.get(field) and field not in DIFFERS_BY_MACHINE
    ]
    spaces = known["space"], _plain(space)
    changed += [
        f"{field} in {spaces[0].get(field)}, not {spaces[1].get(field)}"
        for field in sorted(spaces[0].keys() | spaces[1].keys())
        if spaces[0].get(field) != spaces[1].get(field)
    ]
    if changed:
        raise RunError(
            f"{folder} holds a study with {'; '.join(changed)}: give the same to go on with it, or another --study"
        )


def _plain(space: Mapping[str, Any]) -> dict[str, str]:
    return {field: repr(what) for field, what in space.items()}
