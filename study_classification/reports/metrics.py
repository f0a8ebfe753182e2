"""Numbers of an evaluation, and the table that shows them."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from study_classification.reports.regression import format_regression
from study_classification.system.console import cut, display_width, pad

LARGEST_MATRIX = 20  # classes up to which the confusion matrix is shown; report.json has it always


def classification_metrics(
    labels: Int[np.ndarray, " n"],
    predictions: Int[np.ndarray, " n"],
    losses: Float[np.ndarray, " n"],
    class_names: Sequence[str],
) -> dict:
    """Loss, accuracy with its interval, majority-class baseline, per-class scores, confusion matrix: for JSON."""
    indices = np.arange(len(class_names))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predictions, labels=indices, zero_division=0
    )
    correct = int((labels == predictions).sum())
    present = support > 0
    return {
        "examples": len(labels),
        "correct": correct,
        "loss": float(losses.mean(dtype=np.float64)),
        "accuracy": correct / len(labels),
        "accuracy_interval_95": list(wilson_interval(correct, len(labels))),
        "majority_baseline": float(support.max() / len(labels)),
        "macro_f1": float(f1[present].mean()),
        "classes": {
            name: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "support": int(support[index]),
            }
            for index, name in enumerate(class_names)
        },
        "confusion_matrix": {
            "rows": "true class",
            "columns": "predicted class",
            "counts": confusion_matrix(labels, predictions, labels=indices).tolist(),
        },
    }


def positive_scores(counts: Int[np.ndarray, "2 2"], positive: int) -> str:
    """Precision, recall and F1 of a class by the confusion table, whose rows are the true classes; 0 if undefined."""
    right, said, true = counts[positive, positive], counts[:, positive].sum(), counts[positive].sum()
    precision, recall, f1 = right / max(said, 1), right / max(true, 1), 2 * right / max(said + true, 1)
    return f"precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}"


def roc_auc(is_positive: Bool[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> float | None:
    """How often a positive example has a greater score than another one; None unless there are some of both."""
    return float(roc_auc_score(is_positive, scores)) if 0 < is_positive.sum() < len(is_positive) else None


def wilson_interval(correct: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % interval of a proportion.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    share = correct / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(centre - half, 0.0), min(centre + half, 1.0)


def format_metrics(metrics: dict, noun: str = "pictures") -> str:
    """The metrics as a text: a head line, one line a class, and the confusion matrix if it is small.

    Of a regression, see `format_regression`.
    """
    if "mae" in metrics:
        return format_regression(metrics, noun)
    low, high = metrics["accuracy_interval_95"]
    names = list(metrics["classes"])
    width = max(map(display_width, [*names, "class"]))
    lines = [
        f"{metrics['split']}: accuracy {metrics['accuracy']:.4f} ({metrics['correct']:,} of {metrics['examples']:,}; "
        f"95 % interval {low:.4f} .. {high:.4f}), loss {metrics['loss']:.4f}, macro F1 {metrics['macro_f1']:.4f}",
        f"  always saying the most frequent class would give {metrics['majority_baseline']:.4f}",
        f"  class{' ' * (width - len('class'))}  precision  recall      F1  {noun:>8}",
    ]
    lines += [
        f"  {pad(name, width)}  {row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}  {row['support']:8,}"
        for name, row in metrics["classes"].items()
    ]
    if positive := metrics.get("positive"):
        area = "not defined, for all are of one class" if positive["roc_auc"] is None else f"{positive['roc_auc']:.4f}"
        lines.append(
            f"  positive class {positive['class']}: precision {positive['precision']:.4f}, recall "
            f"{positive['recall']:.4f}, F1 {positive['f1']:.4f}, ROC-AUC {area}"
        )
    if len(names) <= LARGEST_MATRIX:
        counts = metrics["confusion_matrix"]["counts"]
        headers = [cut(name, 10) for name in names]
        cell = max(len(f"{max(map(max, counts)):,}"), *map(display_width, headers)) + 2
        lines.append("  confusion matrix: rows are the true class, columns the predicted class")
        lines.append("  " + " " * width + "".join(pad(header, cell, ">") for header in headers))
        lines += [
            f"  {pad(name, width)}" + "".join(f"{count:>{cell},}" for count in row)
            for name, row in zip(names, counts, strict=True)
        ]
    return "\n".join(lines)
