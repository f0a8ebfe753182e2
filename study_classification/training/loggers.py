"""Sends the epochs of a run to other programs: TensorBoard, Weights & Biases, MLflow.

Each logger gets the values of history.csv by the number of steps, under names such as `val/loss`. If a logger fails,
one sentence names it, and the training goes on without it.
"""

import importlib.util
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from ml_collections import ConfigDict

from study_classification.config import flatten
from study_classification.errors import EnvironmentFault
from study_classification.runs import directory
from study_classification.runs.history import TRAIN, VAL, Epoch
from study_classification.system.console import say

PROJECT = "study_classification"  # the project in which W&B and MLflow show runs
FLUSH_SECONDS = 5  # until an epoch is in the file: another thread of tensorboardX writes it
PACKAGES = {"tensorboard": "tensorboardX", "wandb": "wandb", "mlflow": "mlflow"}  # `config.log` -> what it needs


class Logger(Protocol):
    """The interface of a logger. An error ends only the logger, not the training."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Logs values after a number of steps."""
        ...

    def close(self) -> None:
        """Writes what is still in memory to disk."""
        ...


class TensorBoard:
    """Event files in `tensorboard/` of the run directory.

    Epochs that a killed process wrote after the last checkpoint are marked as void, for they come again.
    """

    def __init__(self, workdir: Path, config: ConfigDict, steps_before: int):
        from tensorboardX import SummaryWriter

        folder, purge = str(workdir / "tensorboard"), steps_before + 1 if steps_before else None
        suffix = f".{steps_before}"  # two starts within a second would share a name
        self._writer = SummaryWriter(folder, purge_step=purge, filename_suffix=suffix, flush_secs=FLUSH_SECONDS)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class WandB:
    """A run of Weights & Biases in `wandb/` of the run directory, offline unless WANDB_MODE says otherwise.

    Online, it asks for an account if there is none, and the training would wait for the answer.
    """

    def __init__(self, workdir: Path, config: ConfigDict, steps_before: int):
        import wandb

        known = directory.read_logger_ids(workdir).get("wandb")
        self._run = wandb.init(
            project=PROJECT,
            name=workdir.name,
            id=known,
            resume="allow" if known else None,
            dir=str(workdir),
            mode=os.environ.get("WANDB_MODE") or "offline",  # type: ignore[arg-type]  # it checks the text itself
            config=flatten(config),
            settings=wandb.Settings(silent=True, console="off"),
        )
        directory.keep_logger_id(workdir, "wandb", self._run.id)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        self._run.finish()


class MLflow:
    """A run of MLflow in MLFLOW_TRACKING_URI, or, without that, in mlflow.db beside the run directory."""

    def __init__(self, workdir: Path, config: ConfigDict, steps_before: int):
        from mlflow import MlflowClient

        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # with its 7 a dead server takes four minutes
        place = os.environ.get("MLFLOW_TRACKING_URI")
        if not place:
            file = workdir.absolute().parent / "mlflow.db"
            file.touch()  # fails at once where MLflow would try for two minutes
            place = f"sqlite:///{quote(str(file))}"  # else a folder `a?b` would end at its `?`
        self._client, self._last = MlflowClient(place), steps_before
        self._id = directory.read_logger_ids(workdir).get("mlflow", "")
        if self._id:
            points = self._client.get_metric_history(self._id, "val/loss")
            self._last = max((point.step for point in points), default=steps_before)
        else:
            found = self._client.get_experiment_by_name(PROJECT)
            experiment = found.experiment_id if found else self._client.create_experiment(PROJECT)
            self._id = self._client.create_run(experiment, run_name=workdir.name).info.run_id
            for name, value in flatten(config).items():
                self._client.log_param(self._id, name, value)
            directory.keep_logger_id(workdir, "mlflow", self._id)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        if step > self._last:  # else a killed process has left it there
            for name, value in values.items():
                self._client.log_metric(self._id, name, value, step=step)

    def close(self) -> None:
        self._client.set_terminated(self._id)


OPEN: dict[str, Callable[[Path, ConfigDict, int], Logger]] = {
    "tensorboard": TensorBoard,
    "wandb": WandB,
    "mlflow": MLflow,
}


def require_loggers(log_config: ConfigDict) -> None:
    """Raises EnvironmentFault if the package of a logger in the config is absent."""
    for name, package in PACKAGES.items():
        if log_config[name] and importlib.util.find_spec(package) is None:
            raise EnvironmentFault(
                f"log.{name} needs the package {package}: pip install 'study-classification[{name}]', or drop it"
            )


class Loggers:
    """The loggers of a config. The first epoch opens them, so that a finished run leaves no empty log."""

    def __init__(self, workdir: Path, config: ConfigDict):
        self._workdir, self._config = workdir, config
        self._wanted = [name for name in OPEN if config.log[name]]
        self._open: dict[str, Logger] = {}

    def add(self, row: Epoch, steps_before: int) -> None:
        """Logs an epoch.

        Args:
            row: the row of the history.
            steps_before: the number of steps before the epoch.
        """
        for name in list(self._wanted):
            with self._going_on(name):
                if name not in self._open:
                    self._open[name] = OPEN[name](self._workdir, self._config, steps_before)
                self._open[name].log(row.step, values_of(row))

    def close(self) -> None:
        """Closes the open loggers."""
        for name in list(self._open):
            with self._going_on(name):
                self._open.pop(name).close()

    @contextmanager
    def _going_on(self, name: str) -> Iterator[None]:
        """A context in which an error of a logger ends only this logger."""
        try:
            yield
        except Exception as error:  # of other programs, of any type
            self._wanted.remove(name)
            self._open.pop(name, None)
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            say(f"log.{name} has failed ({reason}): the training goes on without it")


def values_of(row: Epoch) -> dict[str, float]:
    """The values of a row of history.csv under the names that loggers group: `train_loss` becomes `train/loss`."""
    grouped = re.compile(f"^({TRAIN[:-1]}|{VAL[:-1]})_")
    return {grouped.sub(r"\1/", name): value for name, value in row.row().items() if name != "step"}
