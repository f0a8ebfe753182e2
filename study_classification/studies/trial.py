"""One run of a study, and its outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ml_collections import ConfigDict

from study_classification.errors import (
    ConfigError,
    DataError,
    DivergedError,
    Interrupted,
    OutOfMemory,
    WeightsError,
    as_user_error,
)
from study_classification.runs.history import History
from study_classification.studies.settings import Settings
from study_classification.system.console import saying_to_the_log
from study_classification.training.loop import train_and_evaluate

COMPLETE, PRUNED, FAILED = "complete", "pruned", "failed"
# Errors that the settings of a trial may cause. Others, such as a full disk, end the study.
OF_A_TRIAL = (ConfigError, DataError, WeightsError, DivergedError, OutOfMemory)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial.

    Attributes:
        state: COMPLETE, PRUNED or FAILED.
        value: the best value of the monitored measure; None if no epoch was validated.
        epoch: the epoch of this value; 0 if there is none.
        epochs: the number of trained epochs.
        seconds: the time of training and validation.
        sentence: why it failed, or ''.
    """

    state: str
    value: float | None = None
    epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    sentence: str = ""

    def describe(self, monitor: str) -> str:
        """The outcome in one line."""
        if self.value is None:
            return f"{self.state}: {self.sentence}"
        text = f"{self.state}: {monitor} {self.value:.4f} in epoch {self.epoch} of {self.epochs}, {self.seconds:.1f} s"
        return f"{text}; {self.sentence}" if self.sentence else text


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Attributes:
        name: the name of its run directory.
        settings: the settings that replace those in the config of the study.
        outcome: its outcome.
        setting: for a sweep, the name of its settings without the seed.
    """

    name: str
    settings: Settings
    outcome: Outcome
    setting: str = ""


def run_trial(config: ConfigDict, workdir: Path, watch: Callable[[History], str]) -> Outcome:
    """Trains, or goes on where an interrupted trial in `workdir` stopped. Its messages go to its log.

    Args:
        config: the config of the run.
        workdir: the run directory.
        watch: is given the history when it has grown; returns why the trial is pruned, or ''.

    Raises:
        Interrupted: after Ctrl-C or SIGTERM, with everything saved.
        UserError: for an error that is not the trial's fault.
    """
    histories: list[History] = []
    pruned = ""

    def told(history: History) -> str:
        nonlocal pruned
        if history.epochs:
            histories[:] = [history]
            pruned = watch(history)
        return pruned

    try:
        with saying_to_the_log():
            train_and_evaluate(config, workdir, watch=told, page=False)
    except Interrupted as error:
        sentence = f"{workdir} is saved where it was: the same command goes on with it"
        raise Interrupted(sentence, error.exit_code - 128) from None
    except Exception as error:
        known = as_user_error(error)
        if not isinstance(known, OF_A_TRIAL):
            raise
        return _outcome(FAILED, histories, str(known))
    return _outcome(PRUNED if pruned else COMPLETE, histories, pruned)


def _outcome(state: str, histories: list[History], sentence: str) -> Outcome:
    if not histories:
        return Outcome(state, sentence=sentence)
    history = histories[0]
    best = history.epochs[history.best]
    value = best.row()[history.monitor]
    return Outcome(state, value, best.epoch, len(history.epochs), history.seconds(), sentence)
