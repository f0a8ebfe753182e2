import numpy as np
import pytest

from study_classification.reports.metrics import (
    classification_metrics,
    format_metrics,
    positive_scores,
    roc_auc,
    wilson_interval,
)
from study_classification.system.console import display_width

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 1, 2, 2])  # one cat is called a dog, and no dog a cat


def test_numbers_counted_by_hand():
    metrics = classification_metrics(LABELS, PREDICTIONS, np.full(8, 0.25, np.float32), ("cat", "dog", "horse", "ant"))
    assert (metrics["correct"], metrics["examples"], metrics["accuracy"]) == (7, 8, 0.875)
    assert metrics["loss"] == 0.25
    assert metrics["majority_baseline"] == 4 / 8  # cats, though only 3 of 8 are called so
    assert metrics["classes"]["cat"] == {"precision": 1.0, "recall": 0.75, "f1": pytest.approx(6 / 7), "support": 4}
    assert metrics["classes"]["dog"] == {
        "precision": pytest.approx(2 / 3),
        "recall": 1.0,
        "f1": pytest.approx(0.8),
        "support": 2,
    }
    assert metrics["classes"]["ant"]["support"] == 0
    assert metrics["macro_f1"] == pytest.approx((6 / 7 + 0.8 + 1.0) / 3)  # over the classes that occur
    assert metrics["confusion_matrix"]["counts"] == [[3, 1, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 0]]


def test_wilson_interval_of_a_textbook_case():
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 0 of 20.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


@pytest.mark.parametrize(
    ("correct", "count"), [(0, 1), (0, 20), (0, 7), (20, 20), (7, 7), (1, 1), (0, 1000), (999, 999)]
)
def test_an_interval_of_a_share_lies_within_0_and_1(correct, count):
    low, high = wilson_interval(correct, count)
    assert 0 <= low < high <= 1


@pytest.mark.parametrize(("classes", "shown"), [(20, True), (21, False)])
def test_a_large_confusion_matrix_is_left_out(classes, shown):
    names, labels = [f"class{n:02}" for n in range(classes)], np.arange(classes)
    metrics = classification_metrics(labels, labels, np.zeros(classes), names)
    assert ("confusion matrix" in format_metrics({"split": "test"} | metrics)) is shown


def test_rows_of_the_confusion_matrix_are_the_true_classes():
    metrics = classification_metrics(np.array([0, 0, 1]), np.array([1, 1, 1]), np.zeros(3), ("cat", "dog"))
    assert metrics["confusion_matrix"]["counts"] == [[0, 2], [0, 1]]
    lines = format_metrics({"split": "test"} | metrics).splitlines()
    assert [line.split() for line in lines[-2:]] == [["cat", "0", "2"], ["dog", "0", "1"]]


def test_the_table_names_the_axes():
    metrics = {"split": "test"} | classification_metrics(LABELS, PREDICTIONS, np.zeros(8), ("猫", "dog", "horse"))
    text = format_metrics(metrics)
    assert "rows are the true class, columns the predicted class" in text
    assert "7 of 8" in text
    assert [line.split() for line in text.splitlines()[-3:-1]] == [["猫", "3", "1", "0"], ["dog", "0", "2", "0"]]


def test_japanese_names_stand_in_columns():
    names = ("猫", "ゴールデンレトリバー", "horse")
    lines = format_metrics(
        {"split": "test"} | classification_metrics(LABELS, PREDICTIONS, np.zeros(8), names)
    ).splitlines()
    classes, matrix = lines[2:6], [line for line in lines[7:] if line.strip()]
    assert {display_width(line) for line in classes} == {display_width(classes[0])}
    assert {display_width(line) for line in matrix} == {display_width(matrix[0])}
    assert "ゴールデン" in matrix[0]
    assert "ゴールデンレ" not in matrix[0]


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    scores, is_positive = np.array([0.9, 0.3, 0.5, 0.1, 0.3]), np.array([True, True, False, False, False])
    assert roc_auc(is_positive, scores) == pytest.approx((3 + 1 + 0.5) / 6)  # of 2 x 3 pairs, one of them level
    assert roc_auc(np.ones(3, bool), scores[:3]) is roc_auc(np.zeros(3, bool), scores[:3]) is None


@pytest.mark.parametrize(("area", "shown"), [(0.75, "ROC-AUC 0.7500"), (None, "ROC-AUC not defined")])
def test_the_positive_class_has_a_line(area, shown):
    metrics = classification_metrics(np.array([0, 0, 1]), np.array([1, 1, 1]), np.zeros(3), ("cat", "dog"))
    positive = {"class": "dog", "roc_auc": area} | metrics["classes"]["dog"]
    text = format_metrics({"split": "test", "positive": positive} | metrics)
    assert f"positive class dog: precision 0.3333, recall 1.0000, F1 0.5000, {shown}" in text


def test_scores_of_a_positive_class_by_the_confusion_table():
    counts = np.array([[6, 2], [4, 88]])  # of 8 true ones 6 are found; of 10 that are called so, 6 are
    assert positive_scores(counts, 0) == "precision 0.6000, recall 0.7500, F1 0.6667"
    assert positive_scores(counts, 1) == "precision 0.9778, recall 0.9565, F1 0.9670"
    assert positive_scores(np.array([[0, 8], [0, 92]]), 0) == "precision 0.0000, recall 0.0000, F1 0.0000"
