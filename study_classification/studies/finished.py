"""A finished run, as a comparison needs it."""

import glob
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from study_classification.config import flatten
from study_classification.data.tables import read_csv
from study_classification.errors import ConfigError, DataError, RunError
from study_classification.models.own import identity_of, is_own
from study_classification.paths import is_run, user_path
from study_classification.runs import directory
from study_classification.runs.directory import Run, read_history
from study_classification.runs.environment import read_environment
from study_classification.runs.history import VAL, Epoch, History
from study_classification.runs.own_data import read_data_report
from study_classification.runs.results import predictions_file, read_report
from study_classification.studies.folder import DIFFERS_BY_MACHINE
from study_classification.tasks.create import create_task
from study_classification.tasks.task import higher_is_better

# The place of the data and the loggers make no difference between runs.
NO_DIFFERENCE = (*DIFFERS_BY_MACHINE, "data.source", "data.splits", "log.", "log_every_steps")
TEST = "test"  # the entry of report.json and the part of the predictions that are compared
NAME, LABEL, PREDICTION = "name", "label", "prediction"  # columns of the file of predictions


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run with at least one epoch.

    Attributes:
        name: the name in the tables.
        run: its config, classes and preprocessing.
        history: the history of its training.
        report: the report on its data, with their key and the digest of their splits.
        test: the results of `evaluate` on the test split; None if there are none.
        environment: versions, devices, command.
    """

    name: str
    run: Run
    history: History
    report: Mapping[str, Any]
    test: Mapping[str, Any] | None
    environment: Mapping[str, Any]

    @property
    def best(self) -> Epoch:
        """The best epoch, whose checkpoint `evaluate` takes."""
        return self.history.epochs[self.history.best]

    @property
    def test_is_of_best(self) -> bool:
        """Whether the test split was looked at with the weights of the best epoch."""
        return self.test is None or self.test.get("checkpoint_step") == self.best.step

    @cached_property
    def num_validation(self) -> int:
        """The number of validation examples; 0 if it is not known, as for a TFDS data set."""
        counts = (of_class.get("validation", 0) for of_class in self.report.get("classes", {}).values())
        return sum(counts)

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The fields of the config that decide what was computed. A user's own network counts by its content."""
        fields = {name: value for name, value in flatten(self.run.config).items() if not name.startswith(NO_DIFFERENCE)}
        if is_own(self.run.config.model.name):
            name, _, digest = identity_of(self.run.config.model.name).partition("@")
            fields["model.name"] = f"{name}@{digest[:8]}"
        return fields

    @cached_property
    def setting(self) -> str:
        """A text that is the same for runs that differ only in the seed."""
        return json.dumps({name: value for name, value in self.fields.items() if name != "seed"}, sort_keys=True)

    @cached_property
    def test_predictions(self) -> dict[tuple[str, str], str]:
        """(name, label) of each test example -> the class that is said; nothing where there are none, or numbers.

        Raises:
            RunError: if the file is damaged.
        """
        file = predictions_file(self.run.workdir, TEST)
        if not self.run.class_names or not file.exists():
            return {}
        try:
            rows = read_csv(file, (NAME, LABEL, PREDICTION))
            return {(row[NAME], row[LABEL]): row[PREDICTION] for _, row in rows}
        except (DataError, KeyError) as error:
            raise RunError(f"{file} is damaged ({error}): evaluate the run again") from None


def find_runs(patterns: Sequence[str]) -> list[Path]:
    """The run directories that the patterns mean, each once: directories, patterns, and run directories below them.

    Raises:
        RunError: if a pattern means no run.
    """
    found: dict[Path, None] = {}
    for text in patterns:
        places = [user_path(text)]
        if not places[0].is_dir():
            places = [Path(place) for place in sorted(glob.glob(os.path.expanduser(text)))]
        runs = [run for place in places for run in _runs_in(place)]
        if not runs:
            raise RunError(
                f"'{text}' is no run directory, and none lies in it: give directories that a training run has written, "
                "or a pattern such as 'runs/*'"
            )
        found |= dict.fromkeys(runs)
    return list({os.path.realpath(run): run for run in reversed(found)}.values())[::-1]


def _runs_in(place: Path) -> list[Path]:
    """The directory itself, or the run directories in it at any depth."""
    if is_run(place):
        return [place]
    found = []
    for folder, names, _ in os.walk(place):
        runs = sorted(name for name in names if is_run(Path(folder, name)))
        found += [Path(folder, name) for name in runs]
        names[:] = sorted(set(names) - set(runs))
    return found


def read_finished(workdir: Path, name: str) -> FinishedRun:
    """Reads a finished run.

    Raises:
        RunError: if the run has no epoch yet, or is damaged.
    """
    run = directory.load(workdir)
    epochs = read_history(workdir)
    if not epochs:
        raise RunError(f"{workdir} has no epoch yet: train it to the end of its first one")
    try:
        task = create_task(run.config.task, run.class_names, kept=run.targets)
        higher = higher_is_better(task, run.config.monitor.removeprefix(VAL))
        history = History.of(epochs, run.config.monitor, higher, run.config.early_stopping.min_delta)
    except (ConfigError, KeyError) as error:
        raise RunError(f"{workdir} is damaged ({error}): restore it, or train again") from None
    return FinishedRun(
        name, run, history, read_data_report(workdir), read_report(workdir).get(TEST), read_environment(workdir)
    )
