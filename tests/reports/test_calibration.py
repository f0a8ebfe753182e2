import numpy as np
import pytest

from study_classification.reports.calibration import at_temperature, fit_temperature, plot_reliability, reliability


def log_softmax(logits):
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_of_made_logits_is_found(temperature):
    """100 examples for each of two logits, whose classes come as often as the softmax of logits / temperature says."""
    logits, labels = [], []
    for share in (0.6, 0.9):
        logits += [[temperature * np.log(share / (1 - share)), 0.0]] * 100
        labels += [0] * round(100 * share) + [1] * round(100 * (1 - share))
    found = fit_temperature(log_softmax(np.array(logits)), np.array(labels))
    assert found == pytest.approx(temperature, rel=1e-3)
    mended = np.exp(at_temperature(log_softmax(np.array(logits)), found))
    np.testing.assert_allclose(mended[[0, -1], 0], [0.6, 0.9], atol=1e-3)
    assert reliability(mended.max(-1), mended.argmax(-1) == labels).error < 1e-3


def test_log_probabilities_stand_for_logits():
    logits = np.array([[3.0, 1.0, -2.0]])
    np.testing.assert_allclose(at_temperature(log_softmax(logits), 2.0), log_softmax(logits / 2))


def test_the_error_is_counted_by_hand():
    probabilities = np.array([0.95, 0.95, 0.85, 0.55])
    found = reliability(probabilities, np.array([True, False, True, True]), bins=10)
    assert found.counts.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 1, 2]
    # two at 0.95 with 0.5 right, one at 0.85 and one at 0.55, both right
    assert found.error == pytest.approx((2 * 0.45 + 0.15 + 0.45) / 4)
    edges = reliability(np.array([0.5, 1.0]), np.array([True, True]), bins=2)
    assert edges.counts.tolist() == [1, 1]  # a bin holds its upper end


def test_the_diagram_shows_both(monkeypatch):
    before = reliability(np.array([0.95, 0.95, 0.3]), np.array([True, False, True]), bins=5)
    after = reliability(np.array([0.7, 0.7, 0.3]), np.array([True, False, True]), bins=5)
    axes, below = plot_reliability(before, after, 2.0).axes
    first, second = (dots.get_offsets() for dots in axes.collections)
    np.testing.assert_allclose(first, [[0.3, 1.0], [0.95, 0.5]])
    np.testing.assert_allclose(second, [[0.3, 1.0], [0.7, 0.5]])
    assert below.patches[0].get_data().values.tolist() == [0, 1, 0, 0, 2]
    assert axes.get_ylabel() == "share of right predictions" and below.get_xlabel().startswith("probability")
    labels = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert f"as it is: error {before.error:.1%}" in labels and labels[-1].startswith("at temperature 2.00: error ")
