"""Runs a study, from a config to its best settings. It does not open the test split."""

from functools import partial
from pathlib import Path

from ml_collections import ConfigDict

from study_classification.config import call_beside_config
from study_classification.data.dataset import open_dataset
from study_classification.errors import ConfigError
from study_classification.models import own
from study_classification.runs.history import VAL
from study_classification.studies import folder as study_folder
from study_classification.studies.grid import Sweep, checked_sweep
from study_classification.studies.results import Study, leave_search, leave_sweep
from study_classification.studies.space import Space, checked_space
from study_classification.studies.sweep import train_sweep
from study_classification.system import devices
from study_classification.system.console import say
from study_classification.tasks.create import has_numbers
from study_classification.tasks.task import higher_is_better
from study_classification.training.setup import make_paths_absolute, resolve_config

SEARCH, SWEEP = "search", "sweep"
TRIALS = 20  # of a search, if no number is given


def tune(config: ConfigDict, text: str, folder: Path, trials: int | None = None, sweep: bool = False) -> None:
    """Searches the space of `search_space()` beside `get_config()`, or compares the settings of `sweep()`.

    The same call resumes a study that was stopped, shares one with other processes, and writes the results of a
    finished one.

    Args:
        config: the config that `get_config()` gave.
        text: its file and arguments: FILE.py, or FILE.py:key=value,...
        folder: the directory of the study.
        trials: for a search, the number of trials in all; TRIALS without it.
        sweep: whether to take `sweep()` if the config has both functions.

    Raises:
        UserError: one of its kinds, for everything that the user can mend.
        Interrupted: after Ctrl-C or SIGTERM, with everything saved.
    """
    config = config.copy_and_resolve_references()
    make_paths_absolute(config)  # from another directory, the same name could mean other data
    if network := own.file_of(config.model.name):
        config.model.name = f"{network}:{own.class_name(config.model.name)}"
    asked = _asked(config, text, trials, sweep)
    kind, space = (SWEEP, {}) if isinstance(asked, Sweep) else (SEARCH, asked)
    if kind == SEARCH:
        from study_classification.studies.search import require_optuna

        require_optuna()
    known = study_folder.read(folder)
    if known is None:
        experiment = resolve_config(config)
        config.monitor = experiment.config.monitor  # the first measure of the task, if none is named
        higher = higher_is_better(experiment.task, config.monitor.removeprefix(VAL))
        study_folder.begin(folder, kind, config, space, higher)
        known = study_folder.read(folder)
    assert known is not None
    config.monitor = config.monitor or known["config"]["monitor"]
    study_folder.require_same(folder, known, kind, config, space)
    study = Study(folder, config.monitor, known["higher_is_better"], text)
    if isinstance(asked, Sweep):
        done, busy = train_sweep(folder, config, asked, partial(_examine, config))
        leave_sweep(study, done, asked.along)
    else:
        busy = _search(study, config, asked, trials or TRIALS)
    for sentence in busy:
        say(f"Not here yet: {sentence}")


def _asked(config: ConfigDict, text: str, trials: int | None, sweep: bool) -> Space | Sweep:
    """The space or the sweep that a config file defines.

    Raises:
        ConfigError: if the file does not define what is asked for, or defines it wrongly.
    """
    file = text.partition(":")[0]
    found = call_beside_config(text, ["sweep"] if sweep else ["search_space", "sweep"])
    if not found:
        names = "sweep()" if sweep else "search_space() or sweep()"
        raise ConfigError(f"{file} says nothing of what to try: define {names} beside get_config(), see docs/tuning.md")
    if "search_space" in found:
        return checked_space(found["search_space"], config)
    if trials is not None:
        raise ConfigError("--trials belongs to search_space(): sweep() trains all that it names, once a seed")
    return checked_sweep(found["sweep"], config)


def _search(study: Study, config: ConfigDict, space: Space, limit: int) -> list[str]:
    from study_classification.studies.search import finished_trials, importances, open_study, search

    journal = open_study(study.folder, study.higher_is_better)
    busy = search(journal, study.folder, config, space, limit, partial(_examine, config))
    leave_search(study, finished_trials(journal, space), importances(journal, config.seed))
    return busy


def _examine(config: ConfigDict) -> None:
    """Prints the devices and the report on the data. An error in the config itself is not the fault of a trial.

    Raises:
        UserError: one of its kinds.
    """
    resolve_config(config)
    say(devices.banner(devices.compute_dtype(config.precision)))
    devices.warn_of_idle_accelerator()
    say(open_dataset(config.data, numbers=has_numbers(config.task)).describe())
