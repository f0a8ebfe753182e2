"""What a network says of the examples of a split, one by one: of these come tables, figures and a temperature."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from sklearn.metrics import confusion_matrix

from study_classification.data.tables import plain_cell
from study_classification.system.files import csv_text

NAMED = 20_000  # examples of a split, at most, that are told one by one


@dataclass(frozen=True, eq=False)
class Answers:
    """The examples of a split in their order, and the predictions of the task.

    Attributes:
        names: by which a person finds them.
        labels: classes int [n], or numbers float [n].
        predictions: log-probabilities float [n, classes], or numbers float [n].
    """

    names: Sequence[str]
    labels: np.ndarray
    predictions: np.ndarray

    @property
    def of_classes(self) -> bool:
        return self.predictions.ndim == 2

    @cached_property
    def said(self) -> Int[np.ndarray, " n"]:
        """The likeliest classes."""
        return self.predictions.argmax(-1)

    @cached_property
    def probabilities(self) -> Float[np.ndarray, "n classes"]:
        return np.exp(self.predictions.astype(np.float64))

    @cached_property
    def losses(self) -> Float[np.ndarray, " n"]:
        """Cross-entropy of each, or its absolute error."""
        if self.of_classes:
            return -self.predictions[np.arange(len(self.labels)), self.labels].astype(np.float64)
        return np.abs(self.predictions.astype(np.float64) - self.labels)

    def counts(self, num_classes: int) -> Int[np.ndarray, "classes classes"]:
        """The confusion matrix; rows are the true classes."""
        return confusion_matrix(self.labels, self.said, labels=range(num_classes))

    def worst(self, count: int) -> list[int]:
        """The places of at most so many examples, those of the greatest loss first; of classes only wrong ones."""
        ranked = np.argsort(-self.losses, kind="stable")
        if self.of_classes:
            ranked = ranked[(self.said != self.labels)[ranked]]
        return ranked[:count].tolist()

    def to_csv(self, class_names: Sequence[str]) -> str:
        """See `answers_csv`."""
        if self.of_classes:
            return answers_csv(self.names, self.labels, self.said, self.losses, class_names, self.probabilities.max(-1))
        return answers_csv(self.names, self.labels, self.predictions, self.losses)


def answers_csv(
    names: Sequence[str],
    labels: np.ndarray,
    said: np.ndarray,
    losses: Float[np.ndarray, " n"],
    class_names: Sequence[str] = (),
    probabilities: Float[np.ndarray, " n"] | None = None,
) -> str:
    """One row an example: name, label, prediction, of classes the probability of the prediction, and the loss.

    Args:
        names: of the examples.
        labels: classes, or numbers.
        said: the predicted ones.
        losses: of each.
        class_names: in the order of the labels; none where these are numbers.
        probabilities: of the predicted classes.
    """
    if probabilities is None:
        rows = [
            (plain_cell(name), f"{label:.9g}", f"{answer:.9g}", f"{loss:.6g}")
            for name, label, answer, loss in zip(names, labels, said, losses, strict=True)
        ]
        return csv_text(("name", "label", "prediction", "loss"), rows)
    shown = [plain_cell(name) for name in class_names]
    return csv_text(
        ("name", "label", "prediction", "probability", "loss"),
        (
            (plain_cell(name), shown[label], shown[answer], f"{probability:.6f}", f"{loss:.6g}")
            for name, label, answer, probability, loss in zip(names, labels, said, probabilities, losses, strict=True)
        ),
    )
