"""What a run is judged by, and what is found of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

from study_classification.reports.answers import Answers
from study_classification.runs.history import Epoch, History
from study_classification.tasks.layers import LayersSeen


@dataclass(frozen=True)
class Finding:
    """Something that a run shows.

    Attributes:
        evidence: what is found, and the numbers that show it.
        advice: what to do next.
        chapter: of the course, that explains it.
        is_good: whether nothing is wrong.
    """

    evidence: str
    advice: str
    chapter: str
    is_good: bool = False

    def __str__(self) -> str:
        return f"{self.evidence}\n  next: {self.advice} (docs/course/en/{self.chapter}.md)"


@dataclass(frozen=True)
class Facts:
    """What a run is judged by.

    Attributes:
        history: with at least one epoch.
        learning: `from_scratch`, `transfer_learning` or `fine_tuning`.
        noun: what examples are called.
        num_validation: how many were validated.
        guessing: the training loss of guessing: ln(classes), or the variance of the numbers.
        class_names: none of a regression.
        counts: the confusion matrix of validation at the best epoch, rows are true classes; None if not known.
        baseline_mse: of a regression: of always saying the mean of the training numbers.
        layers: of the best epoch on validation; None if they were not looked at.
    """

    history: History
    learning: str
    noun: str
    num_validation: int
    guessing: float
    class_names: Sequence[str] = ()
    counts: Int[np.ndarray, "classes classes"] | None = None
    baseline_mse: float = math.inf
    layers: LayersSeen | None = None

    @property
    def epochs(self) -> list[Epoch]:
        return self.history.epochs

    @property
    def last(self) -> Epoch:
        return self.epochs[-1]

    @property
    def best(self) -> Epoch:
        return self.epochs[self.history.best]

    @property
    def of_numbers(self) -> bool:
        return "mae" in self.last.val

    @cached_property
    def train_losses(self) -> list[float]:
        """By epoch, the loss, or the mean squared error, which a loss of other numbers is comparable with."""
        return [row.train["mse" if self.of_numbers else "loss"] for row in self.epochs]

    @property
    def third(self) -> int:
        """How many epochs the last third of the run is, at least one."""
        return max(1, len(self.epochs) // 3)

    def gain(self, losses: Sequence[float]) -> float:
        """The share by which the least loss of the last third of the run is below the least one before; 0 of one epoch.

        A shorter end would stand still in any case, for the rate often falls to 0.
        """
        if len(losses) < 2:
            return 0.0
        before = min(losses[: -self.third])
        return (before - min(losses[-self.third :])) / before if before else 0.0

    @property
    def val_losses(self) -> list[float]:
        return [row.val["loss"] for row in self.epochs]


def facts_of(
    history: History,
    learning: str,
    noun: str,
    num_validation: int,
    class_names: Sequence[str],
    scale: Mapping[str, float],
    answers: Answers | None,
    layers: LayersSeen | None = None,
) -> Facts:
    """The facts of a run.

    Args:
        history: with at least one epoch.
        learning: `config.learning`.
        noun: what examples are called.
        num_validation: how many were validated.
        class_names: in the order of the labels; none of a regression.
        scale: of a regression, `mean` and `std` of the training numbers.
        answers: of the best epoch on validation; None if not known.
        layers: likewise.
    """
    if class_names:
        counts = answers.counts(len(class_names)) if answers else None
        guessing = math.log(len(class_names))
        return Facts(history, learning, noun, num_validation, guessing, class_names, counts, layers=layers)
    baseline = float(np.square(answers.labels - scale["mean"]).mean()) if answers else math.inf
    return Facts(history, learning, noun, num_validation, scale["std"] ** 2, baseline_mse=baseline, layers=layers)
