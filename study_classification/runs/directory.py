"""The run directory: everything that a run writes, and everything that evaluate and predict read.

config.json         every field, as it was used
preprocess.json     the preprocessing, with what was learnt from training rows
classes.json        class names, in the order of the labels; empty for a regression
targets.json        what predictions need from the training labels, such as their mean and deviation
network.py          the source of the network, if it is a user's own file
environment.json    versions, devices, command
data_report.json    what was found in the data
splits.csv          which image is in which split
history.csv         one row for each epoch
report.html         the page of the run; its figures are in figures/, as PNG and SVG
predictions_*.csv   the prediction for each example of validation, and of test after its evaluation
calibration.json    the temperature that mends probabilities
curves.png          loss and measures by epoch
confusion.png       and fit.png, boundary.png: see `training/results.py`; features.png, explain/:
                    see `inference/`, explain_layers.py and explain_images.py
log.txt             all messages
checkpoints/        Orbax; the last two and the best
tensorboard/  wandb/  files of other programs; loggers.json has their ids of the run
.lock               the process that trains here; .made_by_study_classification says that here are no data
report.json         results of the evaluations
"""

import csv
import io
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ml_collections import ConfigDict

from study_classification.config import flatten, missing_field
from study_classification.config_rules import validate
from study_classification.errors import ConfigError, DataError, EnvironmentFault, RunError
from study_classification.inputs.kinds import AnyPreprocess, preprocess_from_json
from study_classification.models import own
from study_classification.paths import absolute as absolute_path
from study_classification.paths import read_file, require_storable, user_path
from study_classification.runs.environment import write_environment
from study_classification.runs.history import Epoch, History
from study_classification.runs.json_files import config_from_json, config_to_json, damaged, read_json
from study_classification.runs.own_data import knows_data, same_data, splits_file, write_data
from study_classification.system import hosts
from study_classification.system.files import make_output, unwritable, write_json, write_text

NETWORK, PREPROCESS, TARGETS, LOGGERS = "network.py", "preprocess.json", "targets.json", "loggers.json"

# A run may be resumed with other values of these. They change how long or how it runs, not what it computes. The data
# may have moved, for their content is compared.
FREE_ON_RESUME = (
    "total_",
    "time_budget",
    "early_stopping.",
    "convergence.",
    "checkpoint_every_",
    "log_every_steps",
    "log.",
    "data.cache_dir",
    "data.mode",
    "data.source",
    "data.splits",
    "data.workers",
)


@dataclass(frozen=True)
class Run:
    """A run as its directory describes it.

    Attributes:
        workdir: the directory.
        config: the resolved config.
        class_names: in the order of the labels; empty if labels are numbers.
        preprocess: what happens to an example before the network sees it.
        targets: values that the task took from the training labels, see `Task.kept`.
    """

    workdir: Path
    config: ConfigDict
    class_names: tuple[str, ...]
    preprocess: AnyPreprocess
    targets: Mapping[str, float] = field(default_factory=dict)


def new_workdir(config: ConfigDict, config_name: str) -> Path:
    """Makes a new directory under runs/ with a readable name, such as runs/animals-original-20260131-093015."""
    if not hosts.is_first():
        return Path(hosts.text_from_first(""))
    base = Path("runs") / f"{config_name}-{own.class_name(config.model.name)}-{time.strftime('%Y%m%d-%H%M%S')}"
    for number in range(1, 1000):
        workdir = base if number == 1 else base.with_name(f"{base.name}-{number}")
        try:
            workdir.mkdir(parents=True)
            return Path(hosts.text_from_first(str(workdir)))
        except FileExistsError:
            continue
        except OSError as error:
            raise unwritable(workdir, error) from None
    raise EnvironmentFault(f"no free name like {base} is left: give a directory with --workdir")


def make(workdir: Path) -> None:
    """Makes the directory, if need be. A new one is marked: before config.json is written, or after `lr_find`, only
    that tells it from a folder of data.

    Raises:
        ConfigError: if several hosts cannot write there together, or `require_storable` refuses its path.
        EnvironmentFault: if the directory cannot be made.
    """
    if str(workdir).startswith("s3://") and not hosts.alone():
        raise ConfigError(f"several hosts cannot write checkpoints to {workdir} together: give a --workdir on gs://")
    make_output(require_storable(workdir))


def log_file(workdir: Path) -> Path:
    return workdir / "log.txt"


def checkpoints_folder(workdir: Path) -> Path:
    return workdir / "checkpoints"


def figure_file(workdir: Path, name: str) -> Path:
    return workdir / f"{name}.png"


def is_run(folder: Path) -> bool:
    """Whether a folder is the directory of a run."""
    return (folder / "classes.json").is_file()


def write_history(workdir: Path, history: History) -> None:
    """Writes history.csv, with one row for each epoch."""
    write_text(workdir / "history.csv", history.to_csv())


def read_history(workdir: Path) -> list[Epoch]:
    """The rows of history.csv; empty if there is no such file.

    Raises:
        RunError: if the file is damaged.
    """
    file = workdir / "history.csv"
    try:
        reader = csv.DictReader(io.StringIO(read_file(file).decode("utf-8"), newline=""), strict=True)
        rows, whole = list(reader), ("epoch", "step")
        if reader.fieldnames and not set(whole) <= set(reader.fieldnames):
            raise ValueError("its first line does not name the columns")
        return [
            Epoch.from_row({name: int(row[name]) if name in whole else float(row[name]) for name in row})
            for row in rows
        ]
    except FileNotFoundError:
        return []
    except (csv.Error, OSError, TypeError, ValueError) as error:
        raise damaged(file, str(error)) from None


def read_logger_ids(workdir: Path) -> dict[str, str]:
    """Name of another program -> its id of the run.

    Raises:
        RunError: if the file is damaged.
    """
    file = workdir / LOGGERS
    return read_json(file) if file.exists() else {}


def keep_logger_id(workdir: Path, name: str, identity: str) -> None:
    """Keeps the id of the run in another program."""
    write_json(workdir / LOGGERS, read_logger_ids(workdir) | {name: identity})


def with_kept_files(config: ConfigDict, workdir: Path) -> ConfigDict:
    """The config for training in `workdir`, in which files that are gone are replaced by those that its run has kept.

    They are the source of the network, splits.csv for given splits, and a checkpoint for weights. The checkpoint also
    replaces published weights, which then need not be fetched.

    Raises:
        RunError: if the network's original file is there, and has changed.
    """
    if not (workdir / "config.json").exists():
        return config
    kept = config.copy_and_resolve_references()
    file = own.file_of(config.model.name)
    if file is not None and (workdir / NETWORK).exists():
        if file.exists() and own.read_source(file) != own.read_source(workdir / NETWORK):
            raise RunError(
                f"{file} has changed since {workdir} began: restore it from {workdir / NETWORK} to resume the run, or "
                "give another --workdir to begin anew"
            )
        kept.model.name = _kept(config.model.name, workdir)
    if config.data.splits and not _path(config.data.splits).exists() and splits_file(workdir).exists():
        kept.data.splits = str(absolute_path(splits_file(workdir)))
    recorded = load(workdir).config.model.weights
    given = config.model.weights or (recorded if config.learning != "from_scratch" else "")
    if given and not _path(given).exists() and _path(given) == _path(recorded) and has_checkpoint(workdir):
        kept.model.weights = str(absolute_path(workdir))
    return kept


def has_checkpoint(workdir: Path) -> bool:
    """Whether a run has a checkpoint to read."""
    from study_classification.runs.checkpoints import steps_in  # it imports Orbax, which not every verb needs

    return bool(steps_in(checkpoints_folder(workdir)))


def kept_preprocess(workdir: Path) -> AnyPreprocess | None:
    """The preprocessing of the run in this directory; None if there is no run yet."""
    return load(workdir).preprocess if (workdir / PREPROCESS).exists() else None


def absolute(text: str) -> str:
    """The absolute path of a file or folder. Any other text, such as the name of published weights, stays as it is."""
    return str(_path(text)) if text and _path(text).exists() else text


def _path(text: str) -> Path:
    return absolute_path(user_path(text))


def _kept(name: str, workdir: Path) -> str:
    """The `model.name` that means the copy in the run directory."""
    return f"{absolute_path(workdir / NETWORK)}:{own.class_name(name)}"


def _write_config(run: Run) -> None:
    """Writes config.json, with the first place of every file, and a copy of a user's own network beside it."""
    workdir, file, content = run.workdir, run.workdir / "config.json", config_to_json(run.config)
    network = own.file_of(run.config.model.name)
    if file.exists():
        earlier = read_json(file)
        if network:
            content["model"]["name"] = earlier["model"]["name"]
        if content["model"]["weights"] == str(absolute_path(workdir)):
            content["model"]["weights"] = earlier["model"]["weights"]
        if content["data"]["splits"] == str(absolute_path(splits_file(workdir))):
            content["data"]["splits"] = earlier["data"]["splits"]
    elif network:
        content["model"]["name"] = f"{network}:{own.class_name(run.config.model.name)}"
        write_text(workdir / NETWORK, own.source_of(run.config.model.name))
    write_json(file, content)


def begin(run: Run, key: str, report: dict, splits_csv: str, typed: Sequence[str] = ()) -> None:
    """Writes the files that describe the run. A run that the directory holds already has to be the same one.

    Args:
        run: the run.
        key: identifies the data.
        report: what was found in the data.
        splits_csv: which example is in which split.
        typed: fields that the user set on the command line: a refusal names them first.

    Raises:
        RunError: if the directory holds a run with other settings or classes; the sentence names all differences.
        DataError: if the directory holds this run, but the data have changed.
        EnvironmentFault: if the directory cannot be written.
    """
    workdir = run.workdir
    earlier = load(workdir) if (workdir / "config.json").exists() else None
    if earlier is not None:
        _require_same_config(earlier, run, typed)
    if knows_data(workdir) and not same_data(workdir, key, splits_csv):
        raise DataError(
            f"the {run.preprocess.noun} of {run.config.data.source}, or their splits, have changed since {workdir} "
            "began: restore them to resume it, or train anew in another --workdir, where "
            f"--config.data.splits={splits_file(workdir)} keeps the old split"
        )
    if earlier is not None and earlier.class_names != run.class_names:
        raise RunError(
            f"{workdir} holds a run with the classes {', '.join(earlier.class_names)}, not "
            f"{', '.join(run.class_names)}: give another --workdir to begin anew"
        )
    _write_config(run)
    write_json(workdir / "classes.json", list(run.class_names))
    write_json(workdir / PREPROCESS, run.preprocess.to_json())
    if run.targets:
        write_json(workdir / TARGETS, dict(run.targets))
    write_data(workdir, key, report, splits_csv)
    write_environment(workdir)


def _require_same_config(earlier: Run, run: Run, typed: Sequence[str]) -> None:
    """Raises RunError if the config differs from that of the run in the same directory."""
    config = with_kept_files(run.config, run.workdir)
    if config.model.weights == str(run.workdir.absolute()):
        config.model.weights = earlier.config.model.weights
    _require_same_settings(run.workdir, flatten(earlier.config), flatten(config), typed)


def _require_same_settings(workdir: Path, old: dict, new: dict, typed: Sequence[str]) -> None:
    """Raises RunError for settings that a resumed run may not change."""
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
    """Reads what `begin` wrote. A user's own network is the copy in the directory, wherever the directory lies now.

    If the cache of the training is gone, the cache of the user takes its place.

    Raises:
        ConfigError: if `require_storable` refuses its path.
        RunError: if the directory is no run directory, is damaged, or comes from an earlier version.
    """
    if not require_storable(workdir).is_dir():
        raise RunError(
            f"the run directory {workdir} does not exist: give one that a training run has written with --workdir"
        )
    config = _read_config(workdir / "config.json")
    if own.file_of(config.model.name):
        if not (workdir / NETWORK).is_file():
            raise RunError(f"{workdir} has no {NETWORK}, the source of its network: restore it, or train again")
        config.model.name = _kept(config.model.name, workdir)
    if config.data.cache_dir and not _path(config.data.cache_dir).is_dir():
        config.data.cache_dir = ""
    file = workdir / PREPROCESS
    try:
        preprocess = preprocess_from_json(config.data.input, read_json(file))
    except RunError as error:
        raise RunError(f"{file}: {error}") if str(file) not in str(error) else error from None
    file = workdir / "classes.json"
    classes, numbers = read_json(file, list), config.task.name == "regression"  # which has no classes, but a scale
    if bool(classes) == numbers or not all(isinstance(name, str) for name in classes):
        raise damaged(file, "it is no list of class names")
    return Run(workdir, config, tuple(classes), preprocess, _read_targets(workdir / TARGETS) if numbers else {})


def _read_targets(file: Path) -> dict[str, float]:
    content = read_json(file)
    mean, std = content.get("mean"), content.get("std")
    if not all(isinstance(value, float) and math.isfinite(value) for value in (mean, std)) or std <= 0:
        raise damaged(file, "it has no mean and standard deviation of the training numbers")
    return {"mean": mean, "std": std}


def _read_config(file: Path) -> ConfigDict:
    content = read_json(file)
    try:
        config = config_from_json(content)
        if field := missing_field(config):
            raise RunError(
                f"{file} has no {field}, so an earlier version of this program has written it: use the run with that "
                "version, or train again"
            )
        validate(config)
    except (AttributeError, ConfigError, KeyError, TypeError, ValueError) as error:
        raise damaged(file, str(error)) from None
    return config
