"""All runs of a sweep. Several processes share it: each run is locked while it is trained, and leaves its outcome."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from ml_collections import ConfigDict

from study_classification.errors import RunError, Unreachable
from study_classification.paths import read_file
from study_classification.runs.lock import locked
from study_classification.studies.folder import make, outcome_file, trial_directory
from study_classification.studies.grid import Sweep, run_name
from study_classification.studies.settings import Settings, with_settings
from study_classification.studies.trial import Outcome, Trial, run_trial
from study_classification.system.console import say
from study_classification.system.files import write_json
from study_classification.training.loop import go_on


def sweep_trials(folder: Path, sweep: Sweep) -> Iterator[tuple[str, str, Settings, Outcome | None]]:
    """(name of the run, name of its settings, settings with the seed, outcome or None) of each run.

    All settings come with the first seed, then with the next, so a sweep that was stopped early has compared them all.

    Raises:
        RunError: if an outcome is damaged, or belongs to other settings of the same name.
    """
    for seed in sweep.seeds:
        for setting, values in sweep.settings.items():
            name, settings = run_name(setting, seed), {**values, "seed": seed}
            yield name, setting, settings, _read_outcome(folder, name, settings)


def train_sweep(
    folder: Path, config: ConfigDict, sweep: Sweep, before_the_first: Callable[[], None]
) -> tuple[list[Trial], list[str]]:
    """Trains the runs that have no outcome and that no other process trains.

    Args:
        folder: the directory of the study.
        config: the config of all runs.
        sweep: the settings to compare.
        before_the_first: is called if there is a run to train.

    Returns:
        The finished trials, and a sentence for each other run: another process trains it, or its weights cannot be
        fetched.
    """
    todo = [run for run in sweep_trials(folder, sweep) if run[-1] is None]
    if todo:
        before_the_first()
        make(folder / "outcomes")
    busy = []
    for number, (name, setting, settings, _) in enumerate(todo, 1):
        workdir = trial_directory(folder, name)
        make(workdir)
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(workdir))
            except RunError as error:
                busy.append(str(error))
                continue
            if _read_outcome(folder, name, settings) is not None:
                continue  # another process has finished it meanwhile
            say(f"Run {number} of {len(todo)}: {setting}, seed {settings['seed']}, in {workdir}")
            try:
                outcome = run_trial(with_settings(config, settings), workdir, go_on)
            except Unreachable as error:  # the settings are not at fault, and the next start may fetch them
                busy.append(f"{setting}, seed {settings['seed']}: {error}")
                continue
            write_json(outcome_file(folder, name), {"settings": settings} | asdict(outcome))
        say(f"  {outcome.describe(config.monitor)}")
    done = [
        Trial(name, settings, outcome, setting)
        for name, setting, settings, outcome in sweep_trials(folder, sweep)
        if outcome is not None
    ]
    return done, busy


def _read_outcome(folder: Path, name: str, settings: Settings) -> Outcome | None:
    file = outcome_file(folder, name)
    try:
        content = json.loads(read_file(file))
        earlier = content.pop("settings")
        outcome = Outcome(**content)
    except FileNotFoundError:
        return None
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise RunError(f"{file} is damaged ({error}): remove it, and the run is looked at again") from None
    if earlier != json.loads(json.dumps(settings)):
        raise RunError(
            f"{file} is of a run with the settings {earlier}, not {dict(settings)}: name the new ones otherwise in "
            "sweep(), or give another --study"
        )
    return outcome
