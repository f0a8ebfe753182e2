"""Numbers of an evaluation of a regression, and the text that shows them."""

import numpy as np
from jaxtyping import Float
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score


def regression_metrics(
    labels: Float[np.ndarray, " n"], predictions: Float[np.ndarray, " n"], losses: Float[np.ndarray, " n"], mean: float
) -> dict:
    """Loss, errors in the unit of the labels, coefficient of determination, and a baseline: for JSON.

    Args:
        labels: the true numbers.
        predictions: what the network says.
        losses: of each, of standardised numbers.
        mean: of the numbers that were trained on; the baseline always says it.
    """
    labels, predictions = labels.astype(np.float64), predictions.astype(np.float64)
    always = np.full_like(labels, mean)
    mse = mean_squared_error(labels, predictions)
    return {
        "examples": len(labels),
        "loss": float(losses.mean(dtype=np.float64)),
        "mae": float(mean_absolute_error(labels, predictions)),
        "mse": float(mse),
        "rmse": float(np.sqrt(mse)),
        "r2": float(r2_score(labels, predictions)) if np.ptp(labels) > 0 else None,
        "baseline": {
            "always": mean,
            "mae": float(mean_absolute_error(labels, always)),
            "mse": float(mean_squared_error(labels, always)),
        },
    }


def format_regression(metrics: dict, noun: str = "pictures") -> str:
    """The metrics as a text of two lines."""
    r2 = "not defined, for all labels are equal" if metrics["r2"] is None else f"{metrics['r2']:.4f}"
    always = metrics["baseline"]
    return (
        f"{metrics['split']}: mae {metrics['mae']:.6g}, rmse {metrics['rmse']:.6g}, mse {metrics['mse']:.6g}, "
        f"R2 {r2}, loss {metrics['loss']:.4f} ({metrics['examples']:,} {noun})\n"
        f"  always saying {always['always']:.6g}, the mean of the training {noun}, would give mae "
        f"{always['mae']:.6g}, mse {always['mse']:.6g}"
    )
