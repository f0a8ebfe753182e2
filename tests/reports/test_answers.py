import csv
import io

import numpy as np
import pytest

from study_classification.reports.answers import Answers

LOGS = np.log([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
CLASSES = Answers(["a", "b", "=c", "d"], np.array([0, 0, 1, 0]), LOGS)


def test_the_worst_are_wrong_and_those_of_the_greatest_loss_come_first():
    assert CLASSES.worst(10) == [1, 2, 3]  # probabilities 0.2, 0.3, 0.4 of what is true
    assert CLASSES.worst(1) == [1]
    numbers = Answers(["a", "b", "c"], np.array([1.0, 2.0, 3.0]), np.array([1.5, 0.0, 3.0]))
    assert numbers.worst(2) == [1, 0]
    np.testing.assert_allclose(numbers.losses, [0.5, 2.0, 0.0])


def test_a_table_tells_every_example():
    rows = list(csv.DictReader(io.StringIO(CLASSES.to_csv(["ant", "bee"]))))
    assert [row["name"] for row in rows] == ["a", "b", "'=c", "d"]  # no spreadsheet computes a name
    assert rows[1] | {"loss": ""} == {
        "name": "b", "label": "ant", "prediction": "bee", "probability": "0.800000", "loss": ""
    }  # fmt: skip
    assert rows[0]["probability"] == "0.900000"  # of what is said, whichever class that is
    assert float(rows[1]["loss"]) == pytest.approx(-np.log(0.2), rel=1e-5)
    (row,) = csv.DictReader(io.StringIO(Answers(["a"], np.array([2.0]), np.array([1.5])).to_csv(())))
    assert row == {"name": "a", "label": "2", "prediction": "1.5", "loss": "0.5"}


def test_counts_have_a_row_for_each_true_class():
    assert CLASSES.counts(3).tolist() == [[1, 2, 0], [1, 0, 0], [0, 0, 0]]
