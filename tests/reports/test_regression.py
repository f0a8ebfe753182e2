import numpy as np
import pytest

from study_classification.reports.metrics import format_metrics
from study_classification.reports.regression import regression_metrics

LABELS, PREDICTIONS = np.array([1.0, 2.0, 3.0, 6.0]), np.array([1.0, 3.0, 3.0, 3.0])  # wrong by 0, 1, 0, 3


def test_numbers_counted_by_hand():
    metrics = regression_metrics(LABELS, PREDICTIONS, np.full(4, 0.25, np.float32), 2.0)
    assert (metrics["examples"], metrics["loss"]) == (4, 0.25)
    assert (metrics["mae"], metrics["mse"], metrics["rmse"]) == (4 / 4, 10 / 4, 2.5**0.5)
    assert metrics["r2"] == pytest.approx(1 - 10 / 14)  # about their mean, 3: 4 + 1 + 0 + 9
    assert metrics["baseline"] == {"always": 2.0, "mae": (1 + 0 + 1 + 4) / 4, "mse": (1 + 0 + 1 + 16) / 4}
    text = format_metrics({"split": "test"} | metrics)
    assert "test: mae 1, rmse 1.58114, mse 2.5, R2 0.2857, loss 0.2500 (4 pictures)" in text
    assert "always saying 2, the mean of the training pictures, would give mae 1.5, mse 4.5" in text


def test_equal_labels_have_no_r2():
    metrics = regression_metrics(np.full(2, 3.0), np.array([3.0, 4.0]), np.zeros(2), 2.0)
    assert metrics["r2"] is None
    assert "R2 not defined, for all labels are equal" in format_metrics({"split": "test"} | metrics)
