"""A search by Optuna. Several processes share it: the journal has the trials, and each is locked while it is trained.

The journal does not know whether the process of a running trial is alive, but the lock of its run directory does. The
first process that finds a trial of an ended process resumes it where it was.
"""

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ml_collections import ConfigDict

from study_classification.errors import EnvironmentFault, RunError
from study_classification.paths import read_file, why
from study_classification.runs.history import History
from study_classification.runs.lock import locked
from study_classification.studies.folder import make, trial_directory
from study_classification.studies.settings import describe, with_settings
from study_classification.studies.space import Choice, Space, suggested
from study_classification.studies.trial import COMPLETE, FAILED, PRUNED, Outcome, Trial, run_trial
from study_classification.system.console import say
from study_classification.system.locks import taking_turns

if TYPE_CHECKING:
    import optuna

FIRST_PRUNED_EPOCH = 2  # no trial is pruned by its first epoch alone


def require_optuna() -> None:
    """Raises EnvironmentFault if the extra `tune` is not installed."""
    try:
        import optuna
    except ImportError:
        raise EnvironmentFault(
            "search_space() needs Optuna: pip install 'study-classification[tune]', or compare by sweep(), which does "
            "without"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def open_study(folder: Path, higher_is_better: bool) -> "optuna.Study":
    """The study in journal.log, which is made if need be.

    Raises:
        RunError: if the journal is damaged.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    file = folder / "journal.log"
    try:
        _require_lines(file)
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(file))),
            study_name="study",
            direction="maximize" if higher_is_better else "minimize",
            pruner=optuna.pruners.MedianPruner(n_warmup_steps=FIRST_PRUNED_EPOCH),
            load_if_exists=True,
        )
        for trial in study.get_trials(deepcopy=False):
            if trial.state.is_finished():
                Outcome(**trial.user_attrs["outcome"])
        return study
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{file} is damaged ({error}): restore it, or give another --study") from None


def _require_lines(file: Path) -> None:
    """Checks that each line of a journal is JSON, and cuts off the last one if a killed process has not finished it.

    Optuna would append the next line to it, and read neither of them any more.

    Raises:
        RunError: if the journal cannot be read.
        ValueError: if a line is no JSON.
    """
    from optuna.storages.journal import JournalFileSymlinkLock

    try:
        content = read_file(file)
        if not content.endswith(b"\n"):
            lock = JournalFileSymlinkLock(str(file))  # nobody else is about to finish the line
            lock.acquire()
            try:
                content = read_file(file)
                content = content[: content.rfind(b"\n") + 1]
                os.truncate(file, len(content))
            finally:
                lock.release()
        for line in content.splitlines():
            json.loads(line)
    except FileNotFoundError:  # a new study
        return
    except OSError as error:
        raise RunError(f"{file} cannot be read ({why(error)}): restore it, or give another --study") from None


def search(
    study: "optuna.Study", folder: Path, config: ConfigDict, space: Space, limit: int, before_the_first: Callable
) -> list[str]:
    """Trains until the study has `limit` trials, and takes over trials whose process has ended.

    Args:
        study: from `open_study`.
        folder: the directory of the study.
        config: the config of all trials.
        space: the search space.
        limit: the number of trials, with those that were pruned or failed.
        before_the_first: is called if there is a trial to train.

    Returns:
        A sentence for each trial that another process trains.
    """
    begun = False
    while True:
        with ExitStack() as stack:
            if not begun and _has_more(study, limit):
                before_the_first()
                begun = True
            trial, busy = _claim(study, folder, config.seed, limit, stack)
            if trial is None:
                return busy
            settings = suggested(space, trial)
            workdir = trial_directory(folder, str(trial.number))
            say(f"Trial {trial.number}: {describe(settings)}, in {workdir}")
            outcome = run_trial(with_settings(config, settings), workdir, _reporting(study, trial))
            _tell(study, trial, outcome)
        say(f"  {outcome.describe(config.monitor)}")


def finished_trials(study: "optuna.Study", space: Space) -> list[Trial]:
    """All finished trials, in their order."""
    trials = []
    for frozen in study.get_trials(deepcopy=False):
        if frozen.state.is_finished():
            settings = {
                field: what.by_label()[frozen.params[field]] if isinstance(what, Choice) else frozen.params[field]
                for field, what in space.items()
            }
            trials.append(Trial(str(frozen.number), settings, Outcome(**frozen.user_attrs["outcome"])))
    return trials


def importances(study: "optuna.Study", seed: int) -> dict[str, float]:
    """Field -> its share in the variance of the monitored value, by Optuna's forest; {} for fewer than 4 trials.

    Source: F. Hutter, H. Hoos, K. Leyton-Brown, An efficient approach for assessing hyperparameter importance, ICML
    2014.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < 4 or len({trial.value for trial in complete}) == 1:
        return {}
    return get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed))


def _has_more(study: "optuna.Study", limit: int) -> bool:
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    return len(states) < limit or not all(state.is_finished() for state in states)


def _claim(
    study: "optuna.Study", folder: Path, seed: int, limit: int, stack: ExitStack
) -> tuple["optuna.Trial | None", list[str]]:
    """Takes a trial that nobody trains, an abandoned or a new one, and locks it until the stack is closed.

    Returns:
        The trial, or None and a sentence for each running trial that cannot be taken.
    """
    import optuna
    from optuna.trial import TrialState

    busy = []
    with taking_turns(folder / ".turn", "Another process of the study chooses its next trial; waiting for it ..."):
        for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            try:
                _lock(folder, frozen.number, stack)
            except RunError as error:
                busy.append(str(error))
                continue
            if study.get_trials(deepcopy=False)[frozen.number].state == TrialState.RUNNING:
                say(f"Trial {frozen.number} was left by a process that has ended: it goes on")
                study.sampler = _sampler(seed, frozen.number)
                return optuna.Trial(study, frozen._trial_id), []
            stack.close()  # it has ended meanwhile
        number = len(study.get_trials(deepcopy=False))
        if number >= limit:
            return None, busy
        study.sampler = _sampler(seed, number)
        trial = study.ask()
        _lock(folder, trial.number, stack)
        return trial, []


def _lock(folder: Path, number: int, stack: ExitStack) -> None:
    workdir = trial_directory(folder, str(number))
    make(workdir)
    stack.enter_context(locked(workdir))


def _sampler(seed: int, number: int) -> "optuna.samplers.TPESampler":
    """The sampler of one trial. Processes of a study draw different numbers; a resumed study draws the same again."""
    import optuna

    return optuna.samplers.TPESampler(seed=int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))


def _reporting(study: "optuna.Study", trial: "optuna.Trial") -> Callable[[History], str]:
    """A function that reports each epoch once, also of a resumed trial, and returns why the trial is pruned, or ''."""
    reported = set(study.get_trials(deepcopy=False)[trial.number].intermediate_values)

    def watch(history: History) -> str:
        for row in history.epochs:
            if row.epoch not in reported:
                trial.report(row.row()[history.monitor], row.epoch)
                reported.add(row.epoch)
        last = len(history.epochs)
        return f"worse than the median of the trials in epoch {last}" if trial.should_prune() else ""

    return watch


def _tell(study: "optuna.Study", trial: "optuna.Trial", outcome: Outcome) -> None:
    from optuna.trial import TrialState

    trial.set_user_attr("outcome", asdict(outcome))
    states = {COMPLETE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}
    study.tell(trial, outcome.value if outcome.state == COMPLETE else None, state=states[outcome.state])
