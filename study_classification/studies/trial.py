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
# What the values of a trial may be the reason of. A damaged run directory or a full disk ends the study.
OF_A_TRIAL = (ConfigError, DataError, WeightsError, DivergedError, OutOfMemory)


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        state: COMPLETE, PRUNED or FAILED.
        value: the best one of the monitored measure; None where no epoch was validated.
        epoch: that of this value; 0 where there is none.
        epochs: how many were trained.
        seconds: of training and validation.
        sentence: why it failed, or ''.
    """

    state: str
    value: float | None = None
    epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    sentence: str = ""

    def describe(self, monitor: str) -> str:
        """In a line."""
        if self.value is None:
            return f"{self.state}: {self.sentence}"
        text = f"{self.state}: {monitor} {self.value:.4f} in epoch {self.epoch} of {self.epochs}, {self.seconds:.1f} s"
        return f"{text}; {self.sentence}" if self.sentence else text


@dataclass(frozen=True)
class Trial:
    """A trial that has come to its end.

    Attributes:
        name: of its run directory.
        settings: what it was trained with, beside the config of the study.
        outcome: what came of it.
        setting: of a sweep, the name of its settings less the seed.
    """

    name: str
    settings: Settings
    outcome: Outcome
    setting: str = ""


def run_trial(config: ConfigDict, workdir: Path, watch: Callable[[History], str]) -> Outcome:
    """Trains, or goes on where an interrupted trial in `workdir` stopped; its words go to its log.

    Args:
        config: of the run.
        workdir: of the run.
        watch: told the history when it has grown; gives the reason for which the trial is pruned, or ''.

    Raises:
        Interrupted: after Ctrl-C or SIGTERM, with everything saved.
        UserError: for what is no fault of the trial.
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
