"""Findings about layers, counted by hand."""

import math

import numpy as np
import pytest

from study_classification.reports.diagnosis import findings
from study_classification.reports.facts import Facts
from study_classification.runs.history import Epoch, History
from study_classification.tasks.layers import LayersSeen, NormSeen


def found(stored=None, own=None, relus=None, norms=None, count=100, training=0.8, **more):
    """Of a run whose history shows nothing, unless training is better."""
    of_numbers = bool(more)
    history = History("val_loss", False, 0.0)
    values = {"loss": 0.3, "mse": 1.0, "mae": 1.0} if of_numbers else {"loss": 0.3, "accuracy": 0.8}
    history.add(Epoch(1, 1, values | {"accuracy": training}, values, 1e-3, 100.0, 1.0))
    stored = stored or {"accuracy": 0.9, "mae": 1.0}
    layers = LayersSeen(count, relus or {}, norms or {}, stored, own or stored)
    names = () if of_numbers else ("ant", "bee")
    return findings(Facts(history, "from_scratch", "pictures", 100, math.log(2), names, layers=layers, **more))


def norm(stored, own, epsilon=1e-5):
    return NormSeen(epsilon, np.array(stored), np.array(own))


def test_most_units_of_a_layer_are_dead():
    relus = {"backbone/a": np.array([True, False]), "backbone/b": np.array([False, False, True])}
    (only,) = found(relus=relus)
    assert only.evidence == (
        "Dead units: 2 of 3 ReLU units of backbone/b are 0 for each of 100 validation pictures; in all layers 3 of 5"
    )
    assert only.chapter == "05_inside" and not only.is_good
    assert not found(relus={"backbone/a": np.array([True, False])})  # half of them is not most


def test_most_channels_have_collapsed():
    norms = {"backbone/a": norm([1, 1e-6], [1, 1]), "backbone/b": norm([1e-6, 9e-6, 1e-4], [1, 1, 1])}
    (only,) = found(norms=norms)
    assert only.evidence == (
        "BatchNorm has collapsed: in backbone/b, 2 of 3 channels have a variance below 1e-05, so they tell almost "
        "nothing of the pictures"
    )
    assert not found(norms={"backbone/a": norms["backbone/a"]})


def test_a_loss_that_stands_for_dead_units_shows_no_low_rate():
    history = History("val_loss", False, 0.0)
    for number in (1, 2):
        values = {"loss": 0.69, "accuracy": 0.8}
        history.add(Epoch(number, number, values, values, 1e-3, 100.0, 1.0))
    for above, expected in ((False, "Dead units"), (True, "Learning rate too low")):
        layers = LayersSeen(100, {"backbone/a": np.array([above])}, {}, values, values)
        facts = Facts(history, "from_scratch", "pictures", 100, math.log(2), ("ant", "bee"), layers=layers)
        (only,) = findings(facts)
        assert only.evidence.startswith(expected)


def test_stored_statistics_that_do_not_fit():
    norms = {"backbone/a": norm([1, 1, 1], [0.5, 2, 4]), "backbone/b": norm([8, 8, 8], [1, 1, 100])}
    (only,) = found({"accuracy": 0.25}, {"accuracy": 0.75}, norms=norms)
    assert only.evidence == (
        "BatchNorm has stored statistics that do not fit: 25.0% of 100 validation pictures are right, and 75.0% with "
        "the statistics of these pictures themselves, as in training; farthest off is backbone/b, with a median "
        "variance of 8 where they have 1"
    )
    assert only.chapter == "08_overfitting"
    (same,) = found({"accuracy": 0.25}, {"accuracy": 0.75}, norms=norms, training=1.0)
    assert same == only  # it is the statistics by which training is better, and not over-fitting
    assert found(training=1.0)[0].evidence.startswith("Over-fitting")


@pytest.mark.parametrize(
    ("stored", "own", "count"),
    [
        (0.75, 0.25, 100),  # as with a batch of one class
        (0.8, 0.89, 10_000),  # within the gap
        (0.5, 0.75, 10),  # two standard errors of 0.625 of 10 are 0.31
    ],
)
def test_statistics_that_fit_well_enough(stored, own, count):
    norms = {"backbone/a": norm([1], [9])}
    assert not found({"accuracy": stored}, {"accuracy": own}, norms=norms, count=count)


def test_statistics_of_numbers():
    norms = {"backbone/a": norm([1], [9])}
    (only,) = found({"mae": 2.5}, {"mae": 1.0}, norms=norms, baseline_mse=math.inf)
    assert "wrong by 2.5 on average, and by 1 with the statistics of these pictures themselves" in only.evidence
    assert not found({"mae": 2.0}, {"mae": 1.0}, norms=norms, baseline_mse=math.inf)
