"""Writes and prints what a training leaves: files, rows, curves. Of several hosts only the first does so."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jaxtyping import PyTree

from study_classification.data.dataset import Dataset
from study_classification.reports.curves import draw_curves
from study_classification.reports.next_steps import next_steps
from study_classification.runs import directory
from study_classification.runs.history import Epoch, History
from study_classification.system import devices, hosts
from study_classification.system.console import say
from study_classification.tasks.task import Task
from study_classification.training.loggers import Loggers, require_loggers
from study_classification.training.phases import Phases
from study_classification.training.setup import Experiment, make_paths_absolute
from study_classification.trees import count_parameters

DRAW_EVERY = 60  # seconds between two drawings of the curves during training


class Recorder:
    """The recorder of one run directory."""

    def __init__(self, experiment: Experiment, workdir: Path):
        self._experiment, self._workdir = experiment, workdir
        self._writes = hosts.is_first()
        self._drawn = time.monotonic()
        self._loggers = Loggers(workdir, experiment.config)

    def announce(self) -> None:
        """Prints the devices."""
        say(devices.banner(devices.compute_dtype(self._experiment.config.precision)))
        devices.warn_of_idle_accelerator()

    def begin(self, data: Dataset, task: Task, typed: Sequence[str]) -> None:
        """Writes the files that describe the run. A run that the directory holds already has to be the same one.

        Raises:
            RunError: if the directory holds another run.
            DataError: if it holds this run, but the data have changed.
            EnvironmentFault: if the package of a logger is absent.
        """
        config = self._experiment.config
        require_loggers(config.log)
        make_paths_absolute(config)
        if self._writes:
            run = directory.Run(self._workdir, config, data.class_names, self._experiment.preprocess, task.kept)
            directory.begin(run, data.key, data.report, data.splits_csv, typed)

    def describe(self, phases: Phases, params: PyTree) -> None:
        """Prints what is trained, and from which weights."""
        experiment, config = self._experiment, self._experiment.config
        total, trained = count_parameters(params), count_parameters(params, experiment.mask)
        say(
            f"Network: {config.model.name}, {total:,} parameters, {trained:,} of them trained ({config.learning}); "
            f"{phases.total_steps:,} steps of {phases.batch_size} {experiment.preprocess.noun}"
        )
        if experiment.pretrained:
            skipped, preprocess = experiment.pretrained.skipped, experiment.pretrained.preprocess
            size = f"{preprocess.image_size} x {preprocess.image_size} {'RGB' if preprocess.channels == 3 else 'grey'}"
            text = f"Weights: {experiment.pretrained.source}, conventions of {config.model.origin}, pictures of {size}"
            say(f"{text}; {skipped} starts {'fitted' if config.model.head.fitted else 'anew'}" if skipped else text)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """A context in which epochs are logged for other programs. After it their logs are complete."""
        try:
            yield
        finally:
            self._loggers.close()

    def add(self, row: Epoch, history: History, total_epochs: int, better: bool) -> None:
        """Prints and writes the row of an epoch."""
        text = row.describe(total_epochs)
        say(f"{text}  best" if better else text)
        if self._writes:
            directory.write_history(self._workdir, history)
            self._loggers.add(row, history.epochs[-2].step if len(history.epochs) > 1 else 0)
            if time.monotonic() - self._drawn > DRAW_EVERY:
                draw_curves(history, directory.figure_file(self._workdir, "curves"))
                self._drawn = time.monotonic()

    def say_formula(self, formula: str) -> None:
        """Prints what a linear model has learnt so far, if it has a formula."""
        if formula:
            say(f"  {formula}")

    def finish(self, history: History, phases: Phases, reason: str) -> None:
        """Prints how training ended, and which epoch was the best."""
        best = history.epochs[history.best]
        early = reason and not history.reached(phases.total_steps)
        values = ", ".join(f"{name} {value:.4f}" for name, value in reversed(list(best.val.items())))
        say(f"Stopped early: {reason}" if early else f"Trained for {len(history.epochs)} epochs")
        say(f"Best: epoch {best.epoch}, validation {values}")
        if self._writes:
            directory.write_history(self._workdir, history)
            draw_curves(history, directory.figure_file(self._workdir, "curves"))

    def guide(self) -> None:
        """Prints what to do next."""
        noun = self._experiment.preprocess.noun
        say(next_steps(self._workdir, directory.figure_file(self._workdir, "curves"), noun))
