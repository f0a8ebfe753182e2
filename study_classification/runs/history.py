"""The epochs of a run so far: which is the best, and whether to stop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ml_collections import ConfigDict

from study_classification.config import seconds_of
from study_classification.system.files import csv_text

TRAIN, VAL = "train_", "val_"  # the beginnings of the columns of each split


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv.

    Attributes:
        epoch: the number of the epoch, from 1.
        step: the number of steps at its end.
        train: the loss and the measures of the task, as means over the examples of the epoch. Losses are plain,
            without smoothing or penalties.
        val: the loss and the measures of the validation split after the epoch.
        learning_rate: the learning rate of its last step.
        images_per_second: examples per second of training.
        seconds: the time of training and validation.
    """

    epoch: int
    step: int
    train: Mapping[str, float]
    val: Mapping[str, float]
    learning_rate: float
    images_per_second: float
    seconds: float

    def describe(self, total_epochs: int) -> str:
        """The line that is printed after each epoch."""
        train, val = (
            " ".join(f"{name} {value:.4f}" for name, value in values.items()) for values in (self.train, self.val)
        )
        return (
            f"epoch {self.epoch:>{len(str(total_epochs))}}/{total_epochs}  train: {train}  val: {val}"
            f"  lr {self.learning_rate:.2e}  {self.images_per_second:,.0f} examples/s  {self.seconds:.1f} s"
        )

    def row(self) -> dict[str, float]:
        """Name of the column -> value."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            **{TRAIN + name: value for name, value in self.train.items()},
            **{VAL + name: value for name, value in self.val.items()},
            "learning_rate": self.learning_rate,
            "images_per_second": self.images_per_second,
            "seconds": self.seconds,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, float]) -> "Epoch":
        """The inverse of `row`."""
        train, val = (
            {name.removeprefix(split): value for name, value in row.items() if name.startswith(split)}
            for split in (TRAIN, VAL)
        )
        plain = {name: value for name, value in row.items() if not name.startswith((TRAIN, VAL))}
        return cls(train=train, val=val, **plain)  # type: ignore[arg-type]


@dataclass
class History:
    """The epochs of a run, and which is the best.

    Attributes:
        monitor: the column that decides, such as `val_accuracy`.
        higher_is_better: the direction of this column.
        min_delta: by how much a value must beat the best one to count as better.
        epochs: all rows so far.
        best: the index of the best epoch; -1 before the first. If values of `monitor` are equal, the lower validation
            loss decides.
        improved: the index of the last epoch that beat all earlier ones in `monitor`; patience counts from it.
    """

    monitor: str
    higher_is_better: bool
    min_delta: float
    epochs: list[Epoch] = field(default_factory=list)
    best: int = -1
    improved: int = -1

    def add(self, epoch: Epoch) -> bool:
        """Appends a row; returns whether it is better than all earlier ones."""
        place = len(self.epochs)
        self.epochs.append(epoch)
        if self.best < 0 or self._score(epoch) > self._score(self.epochs[self.best]) + self.min_delta:
            self.best = self.improved = place
            return True
        best = self.epochs[self.best]
        if self._score(epoch) == self._score(best) and epoch.val["loss"] < best.val["loss"]:
            self.best = place
            return True
        return False

    @classmethod
    def of(cls, epochs: Sequence[Epoch], monitor: str, higher_is_better: bool, min_delta: float) -> "History":
        """Makes the history of a run from its epochs, such as the rows of `history.csv`."""
        history = cls(monitor, higher_is_better, min_delta)
        for epoch in epochs:
            history.add(epoch)
        return history

    def _score(self, epoch: Epoch) -> float:
        value = epoch.row()[self.monitor]
        return value if self.higher_is_better else -value

    def reached(self, total_steps: int) -> bool:
        """Whether the last step of the run has been evaluated."""
        return bool(self.epochs) and self.epochs[-1].step >= total_steps

    def seconds(self) -> float:
        """The time of all epochs in seconds."""
        return sum(epoch.seconds for epoch in self.epochs)

    def reason_to_stop(self, config: ConfigDict) -> str:
        """Why training should stop now by `time_budget`, `early_stopping` and `convergence`, or ''."""
        if not self.epochs:
            return ""
        if self.seconds() >= seconds_of(config.time_budget):
            return f"the time budget of {config.time_budget} is used up"
        patience, window = config.early_stopping.patience, config.convergence.epochs
        waited = len(self.epochs) - 1 - self.improved
        if patience and waited >= patience:
            return f"{self.monitor} has not become better for {waited} epochs"
        recent = [epoch.row()[self.monitor] for epoch in self.epochs[-window:]]
        if window and len(recent) == window and max(recent) - min(recent) <= config.convergence.tolerance:
            return f"{self.monitor} has stayed within {config.convergence.tolerance:g} for {window} epochs"
        return ""

    def to_json(self) -> dict:
        return {"epochs": [epoch.row() for epoch in self.epochs], "best": self.best, "improved": self.improved}

    def restore(self, content: dict) -> None:
        """Restores the history from the content that `to_json` gave."""
        self.epochs = [Epoch.from_row(row) for row in content["epochs"]]
        self.best = content["best"]
        self.improved = content.get("improved", self.best)  # runs of earlier versions lack it

    def to_csv(self) -> str:
        rows = [epoch.row() for epoch in self.epochs]
        return csv_text(rows[0] if rows else (), (row.values() for row in rows))
