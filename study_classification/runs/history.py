"""What is known of the epochs so far, and what follows from it: which was the best, and whether to stop."""

import csv
import io
from dataclasses import asdict, dataclass, field, fields

from ml_collections import ConfigDict

from study_classification.config import seconds_of


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv. Losses are mean cross-entropies without smoothing or penalties; time in seconds."""

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    images_per_second: float
    seconds: float

    def describe(self, total_epochs: int) -> str:
        """The one line that a person reads after each epoch."""
        return (
            f"epoch {self.epoch:>{len(str(total_epochs))}}/{total_epochs}"
            f"  train: loss {self.train_loss:.4f} accuracy {self.train_accuracy:.4f}"
            f"  val: loss {self.val_loss:.4f} accuracy {self.val_accuracy:.4f}"
            f"  lr {self.learning_rate:.2e}  {self.images_per_second:,.0f} images/s  {self.seconds:.1f} s"
        )


@dataclass
class History:
    """The epochs of a run and the bookkeeping of its best one.

    Attributes:
        monitor: the column that decides, `val_accuracy` or `val_loss`.
        min_delta: by how much a value must beat the best one to count as better.
        epochs: all rows so far.
        best: place in `epochs` of the best one; -1 before the first. Of epochs with equal values of `monitor` it is the
            one with the lower validation loss.
        improved: place in `epochs` of the last one that beat all before in `monitor`; patience is counted from there.
    """

    monitor: str
    min_delta: float
    epochs: list[Epoch] = field(default_factory=list)
    best: int = -1
    improved: int = -1

    def add(self, epoch: Epoch) -> bool:
        """Appends a row and says whether it is better than all before."""
        place = len(self.epochs)
        self.epochs.append(epoch)
        if self.best < 0 or self._score(epoch) > self._score(self.epochs[self.best]) + self.min_delta:
            self.best = self.improved = place
            return True
        best = self.epochs[self.best]
        if self._score(epoch) == self._score(best) and epoch.val_loss < best.val_loss:
            self.best = place
            return True
        return False

    def _score(self, epoch: Epoch) -> float:
        value = getattr(epoch, self.monitor)
        return -value if self.monitor.endswith("loss") else value

    def reached(self, total_steps: int) -> bool:
        """Whether the last step of the run has been evaluated."""
        return bool(self.epochs) and self.epochs[-1].step >= total_steps

    def seconds(self) -> float:
        """The time that all epochs took."""
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
        recent = [getattr(epoch, self.monitor) for epoch in self.epochs[-window:]]
        if window and len(recent) == window and max(recent) - min(recent) <= config.convergence.tolerance:
            return f"{self.monitor} has stayed within {config.convergence.tolerance:g} for {window} epochs"
        return ""

    def to_json(self) -> dict:
        return {"epochs": [asdict(epoch) for epoch in self.epochs], "best": self.best, "improved": self.improved}

    def restore(self, content: dict) -> None:
        """Takes over what `to_json` gave."""
        self.epochs = [Epoch(**row) for row in content["epochs"]]
        self.best = content["best"]
        self.improved = content.get("improved", self.best)  # which runs of earlier versions do not have

    def to_csv(self) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, [column.name for column in fields(Epoch)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in self.epochs)
        return text.getvalue()
