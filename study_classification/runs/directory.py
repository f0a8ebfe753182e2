"""The run directory: everything that a run writes, and all that evaluate and predict need to read.

config.json         every field, as it was used
classes.json        class names, in the order of the network's outputs
preprocess.json     pixels on disk -> what the network sees
environment.json    versions, devices, command
data_report.json    what was found in the data
splits.csv          which picture is in which split
history.csv         one row an epoch
curves.png          loss and accuracy by epoch
log.txt             everything that was said
checkpoints/        Orbax; the last and the best
report.json         results of the evaluations
"""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ml_collections import ConfigDict

from study_classification.config import flatten
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.errors import EnvironmentFault, RunError
from study_classification.system.files import unwritable, write_json

# A run may be resumed with other values of these: they change how long or how it runs, not what it computes. The data
# may have moved, too; that they are the same is checked by their content.
FREE_ON_RESUME = (
    "total_",
    "time_budget",
    "early_stopping.",
    "convergence.",
    "checkpoint_every_",
    "log_every_steps",
    "data.cache_dir",
    "data.mode",
    "data.source",
    "data.workers",
)


@dataclass(frozen=True)
class Run:
    """A run as its directory describes it."""

    workdir: Path
    config: ConfigDict
    class_names: tuple[str, ...]
    preprocess: Preprocess


def new_workdir(config: ConfigDict, config_name: str) -> Path:
    """A readable directory under runs/ that did not exist before, such as runs/animals-original-20260131-093015."""
    base = Path("runs") / f"{config_name}-{config.model.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    for number in range(1, 1000):
        workdir = base if number == 1 else base.with_name(f"{base.name}-{number}")
        try:
            workdir.mkdir(parents=True)
            return workdir
        except FileExistsError:
            continue
        except OSError as error:
            raise unwritable(workdir, error) from None
    raise EnvironmentFault(f"no free name like {base} is left: give a directory with --workdir")


def read_json(file: Path):
    """The content of one of the run's JSON files.

    Raises:
        RunError: if it is absent or damaged.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"{file.parent} is not a run directory: it has no {file.name}; "
            "give the directory that a training run has written with --workdir"
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{file} cannot be read ({error}): restore it, or train again") from None


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


def begin(run: Run, typed: Collection[str] = ()) -> None:
    """Writes what describes the run, or, where the directory holds a run already, checks that it is the same one.

    Args:
        run: what is to be trained.
        typed: the fields that the user set on the command line: a refusal names them first.

    Raises:
        RunError: if the directory holds a run with other settings or classes; the sentence names all differences.
        EnvironmentFault: if it cannot be written.
    """
    workdir = run.workdir
    if (workdir / "config.json").exists():
        earlier = load(workdir)
        _require_same_settings(workdir, flatten(earlier.config), flatten(run.config), typed)
        if earlier.class_names != run.class_names:
            raise RunError(
                f"{workdir} holds a run with the classes {', '.join(earlier.class_names)}, not "
                f"{', '.join(run.class_names)}: give another --workdir to begin anew"
            )
    write_json(workdir / "config.json", config_to_json(run.config))
    write_json(workdir / "classes.json", list(run.class_names))
    write_json(workdir / "preprocess.json", run.preprocess.to_json())


def _require_same_settings(workdir: Path, old: dict, new: dict, typed: Collection[str]) -> None:
    """Raises RunError for what a resumed run may not change."""
    changed = [
        field
        for field in sorted(old.keys() | new.keys(), key=lambda field: (field not in typed, field))
        if old.get(field) != new.get(field) and not field.startswith(FREE_ON_RESUME)
    ]
    # What follows from another network or from other weights is not the user's doing.
    if {"model.name", "model.weights"} & set(changed) and "model.origin" not in typed:
        changed = [field for field in changed if field != "model.origin"]
    if changed:
        differences = "; ".join(f"{field}={old.get(field)}, not {new.get(field)}" for field in changed)
        raise RunError(
            f"{workdir} holds a run with {differences}: give the same settings to resume it "
            f"(train --workdir={workdir} alone does), or another --workdir to begin anew"
        )


def load(workdir: Path) -> Run:
    """Reads what `begin` wrote.

    Raises:
        RunError: if the directory is no run directory, or is damaged.
    """
    if not workdir.is_dir():
        raise RunError(
            f"the run directory {workdir} does not exist: give one that a training run has written with --workdir"
        )
    config = config_from_json(read_json(workdir / "config.json"))
    preprocess = Preprocess.from_json(read_json(workdir / "preprocess.json"))
    return Run(workdir, config, tuple(read_json(workdir / "classes.json")), preprocess)
