"""Learns a number: squared, absolute or Huber loss, measured by the mean absolute and the mean squared error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from study_classification.errors import DataError
from study_classification.tasks.task import LOSS, Measure

MAE, MSE = "mae", "mse"
# name -> function of (errors in standard deviations, delta of Huber's loss)
LOSSES: dict[str, Callable[[Array, float], Array]] = {
    "squared": lambda errors, delta: jnp.square(errors),
    "absolute": lambda errors, delta: jnp.abs(errors),
    "huber": lambda errors, delta: optax.huber_loss(errors, delta=delta),
}


@dataclass(frozen=True)
class Regression:
    """Outputs and targets are standardised numbers float32 [b, 1]; predictions are numbers in their unit, float32 [b].

    Only the loss is in standardised numbers, so that learning rates do not depend on a unit. Without `standardized`,
    outputs, targets and loss are in the unit of the numbers.

    Attributes:
        loss: one of `LOSSES`.
        huber_delta: the error from which Huber's loss (doi:10.1214/aoms/1177703732) is linear, in standard
            deviations if standardized.
        mean: the mean of the training numbers.
        std: the standard deviation of the training numbers.
        standardized: whether (number - mean) / std is learnt instead of the number.
    """

    loss: str = "squared"
    huber_delta: float = 1.0
    mean: float = 0.0
    std: float = 1.0
    standardized: bool = True

    @property
    def num_outputs(self) -> int:
        return 1

    @property
    def shift_and_scale(self) -> tuple[float, float]:
        """(shift, scale): a target is (number - shift) / scale."""
        return (self.mean, self.std) if self.standardized else (0.0, 1.0)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures. The best epoch has the least mean squared error, or absolute error for another loss."""
        names = (MSE, MAE) if self.loss == "squared" else (MAE, MSE)
        return tuple(Measure(name, higher_is_better=False) for name in names)

    @property
    def kept(self) -> dict[str, Any]:
        return {"mean": self.mean, "std": self.std}

    def targets(self, labels: Float[Array, " b"]) -> Float[Array, "b 1"]:
        shift, scale = self.shift_and_scale
        return ((labels - shift) / scale)[:, None]

    def fitted(self, labels: Float[np.ndarray, " n"]) -> "Regression":
        """The task with the mean and the standard deviation of these numbers.

        Raises:
            DataError: if all numbers are the same.
        """
        numbers = labels.astype(np.float64)
        if np.ptp(numbers) == 0:
            raise DataError(
                f"all training pictures have the same number, {numbers[0]:g}, so there is nothing to learn: give "
                "pictures with different ones"
            )
        return replace(self, mean=float(numbers.mean()), std=float(numbers.std()))

    def losses(self, outputs: Float[Array, "b 1"], targets: Float[Array, "b 1"]) -> Float[Array, " b"]:
        return LOSSES[self.loss]((outputs - targets)[:, 0], self.huber_delta)

    def predictions(self, outputs: Float[Array, "b 1"]) -> Float[Array, " b"]:
        shift, scale = self.shift_and_scale
        return outputs[:, 0] * scale + shift

    def average(self, one: Float[Array, " b"], other: Float[Array, " b"]) -> Float[Array, " b"]:
        return (one + other) / 2

    def measured(
        self, predictions: Float[Array, " b"], targets: Float[Array, "b 1"]
    ) -> Mapping[str, Float[Array, " b"]]:
        """The loss of the standardised numbers, and the errors in their own unit."""
        errors = predictions - self.predictions(targets)
        losses = LOSSES[self.loss](errors / self.shift_and_scale[1], self.huber_delta)
        return {LOSS: losses, MAE: jnp.abs(errors), MSE: jnp.square(errors)}
