import numpy as np
import pytest

from study_classification.reports.thresholds import (
    MEAN,
    plot_precision_recall,
    plot_roc,
    precision_recall_curves,
    roc_curves,
    shown_curves,
)

SCORES = np.array([0.9, 0.8, 0.7, 0.4])
LABELS = np.array([1, 0, 1, 0])
BOTH = np.stack([1 - SCORES, SCORES], axis=1)


def test_areas_are_counted_by_hand():
    curves = roc_curves(BOTH, LABELS, ("no", "yes"))
    assert curves["yes"].area == 0.75 == curves["no"].area  # 3 of 4 pairs are in order
    yes = curves["yes"]  # right, wrong, right, wrong: by turns a step up and one to the right
    assert (yes.x.tolist(), yes.y.tolist()) == ([0, 0, 0.5, 0.5, 1], [0, 0.5, 0.5, 1, 1])
    curve = precision_recall_curves(BOTH, LABELS, ("no", "yes"))["yes"]
    assert curve.area == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)  # the first is right; of three, two
    assert (curve.x[0], curve.y[0]) == (0, 1) and np.all(np.diff(curve.x) >= 0)


def test_two_classes_have_the_curve_of_the_positive_one():
    curves = roc_curves(BOTH, LABELS, ("no", "yes"))
    assert list(shown_curves(curves, "no")) == ["no"] and list(shown_curves(curves)) == ["yes"]
    assert not roc_curves(BOTH, np.ones(4, int), ("no", "yes"))  # all are of one class


def test_of_many_classes_the_mean_and_the_hardest_are_shown():
    rng, names = np.random.default_rng(0), [f"class {i}" for i in range(60)]
    labels = np.repeat(np.arange(60), 5)
    scores = rng.uniform(size=(300, 60)) + (labels[:, None] == np.arange(60)) * np.linspace(0, 1, 60)
    curves = roc_curves(scores, labels, names)
    shown = shown_curves(curves)
    assert next(iter(shown)) == MEAN and len(shown) == 5 and len(curves) == 60
    assert shown[MEAN].area == pytest.approx(np.mean([each.area for each in curves.values()]))
    areas = sorted(each.area for each in curves.values())
    assert [each.area for name, each in shown.items() if name != MEAN] == areas[:4]
    axes = plot_roc(shown).axes[0]
    assert len(axes.lines) == 6 and (axes.get_xlabel(), axes.get_title()) == ("false positive rate", "ROC curve")
    labels = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert labels[0] == f"{MEAN}: AUC {shown[MEAN].area:.3f}" and len(labels) == 5


def test_a_few_classes_have_a_curve_each():
    probabilities, labels = np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 1])
    axes = plot_precision_recall(shown_curves(precision_recall_curves(probabilities, labels, "abc"))).axes[0]
    assert len(axes.lines) == 3 and (axes.get_xlabel(), axes.get_ylabel()) == ("recall", "precision")
    six = dict.fromkeys("abcdef", roc_curves(BOTH, LABELS, ("no", "yes"))["yes"])
    assert list(shown_curves(six)) == list("abcdef")
