"""What is known of the epochs so far, and what follows from it: which was the best, and whether to stop."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields

from ml_collections import ConfigDict


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


@dataclass
class History:
    """The epochs of a run and the bookkeeping of its best one.

    Attributes:
        monitor: the column that decides, `val_accuracy` or `val_loss`.
        min_delta: by how much a value must beat the best one to count as better.
        epochs: all rows so far.
        best: place in `epochs` of the best one, or None.
    """

    monitor: str
    min_delta: float
    epochs: list[Epoch] = field(default_factory=list)
    best: int | None = None

    def add(self, epoch: Epoch) -> bool:
        """Appends a row and says whether it is better than all before."""
        self.epochs.append(epoch)
        better = self.best is None or self._score(epoch) > self._score(self.epochs[self.best]) + self.min_delta
        if better:
            self.best = len(self.epochs) - 1
        return better

    def _score(self, epoch: Epoch) -> float:
        value = getattr(epoch, self.monitor)
        return -value if self.monitor.endswith("loss") else value

    def reason_to_stop(self, config: ConfigDict) -> str:
        """Why training should stop now by `early_stopping` and `convergence`, or ''."""
        if self.best is None:
            return ""
        patience, window = config.early_stopping.patience, config.convergence.epochs
        waited = len(self.epochs) - 1 - self.best
        if patience and waited >= patience:
            return f"{self.monitor} has not become better for {waited} epochs"
        recent = [getattr(epoch, self.monitor) for epoch in self.epochs[-window:]]
        if window and len(recent) == window and max(recent) - min(recent) <= config.convergence.tolerance:
            return f"{self.monitor} has stayed within {config.convergence.tolerance:g} for {window} epochs"
        return ""

    def to_json(self) -> dict:
        return {"epochs": [asdict(epoch) for epoch in self.epochs], "best": self.best}

    def restore(self, content: dict) -> None:
        """Takes over what `to_json` gave."""
        self.epochs = [Epoch(**row) for row in content["epochs"]]
        self.best = content["best"]

    def to_csv(self) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, [column.name for column in fields(Epoch)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in self.epochs)
        return text.getvalue()


def epoch_line(epoch: Epoch, total_epochs: int, better: bool) -> str:
    """The one line that a person reads after each epoch."""
    return (
        f"epoch {epoch.epoch:>{len(str(total_epochs))}}/{total_epochs}  train: loss {epoch.train_loss:.4f} accuracy "
        f"{epoch.train_accuracy:.4f}  val: loss {epoch.val_loss:.4f} accuracy {epoch.val_accuracy:.4f}  "
        f"lr {epoch.learning_rate:.2e}  {epoch.images_per_second:,.0f} images/s  {epoch.seconds:.1f} s"
        + ("  best" if better else "")
    )


def best_line(epochs: Sequence[Epoch], best: int | None) -> str:
    """Which epoch was the best."""
    if best is None:
        return "no epoch was completed"
    row = epochs[best]
    return f"best: epoch {row.epoch}, validation accuracy {row.val_accuracy:.4f}, loss {row.val_loss:.4f}"
