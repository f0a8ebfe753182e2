"""Evaluates a run over every example of a split; prints a table and writes report.json."""

from pathlib import Path

from study_classification.data.tables import plain_cell
from study_classification.errors import AccuracyError, ConfigError
from study_classification.inference.measure import measure
from study_classification.inference.predictor import load_predictor
from study_classification.reports.metrics import format_metrics
from study_classification.reports.trials import format_table
from study_classification.runs.directory import Run
from study_classification.runs.results import add_to_report, predictions_file, worst_file
from study_classification.system import hosts
from study_classification.system.console import say
from study_classification.system.files import csv_text, write_text

LINES = 10  # how many of the worst examples are printed; the file has all


def evaluate(
    run: Run,
    *,
    split: str = "",
    source: str = "",
    checkpoint: str = "best",
    tta: str = "none",
    assert_accuracy: float = 0.0,
    worst: int = 0,
) -> dict:
    """Measures a checkpoint of a run on one split of its data, or on another source.

    Args:
        run: the run.
        split: `train`, `validation` or `test`; '' is test, or validation if there is no test split.
        source: another data source, whose examples are all taken if no split is named; '' is the run's own.
        checkpoint: `best`, `last`, or a step.
        tta: test-time augmentation, `none` or `flip`: probabilities are averaged over the image and its mirror image.
        assert_accuracy: the least accuracy that is accepted.
        worst: how many examples with the largest losses to list in worst.csv.

    Returns:
        The metrics that were added to report.json, see `measure`.

    Raises:
        ConfigError: if `assert_accuracy` is given for a regression.
        DataError: if the data cannot be used, or have classes that the network does not know.
        RunError: if the checkpoint cannot be used.
        AccuracyError: if the accuracy is below `assert_accuracy`.
        EnvironmentFault: if report.json cannot be written, after the result has been shown.
    """
    if assert_accuracy and not run.class_names:
        raise ConfigError(f"--assert_accuracy is set, but the run in {run.workdir} predicts a number: drop it")
    metrics = measure(load_predictor(run, checkpoint, tta), split=split, source=source, worst=worst, each=not source)
    named, each = metrics.pop("worst", []), metrics.pop("each", "")
    say(format_metrics(metrics, run.preprocess.noun))
    try:
        if hosts.is_first() and named:
            _leave_worst(named, worst_file(run.workdir), run.preprocess.noun)
        if hosts.is_first():
            say(f"written to {add_to_report(run.workdir, metrics['split'], metrics)}")
        if hosts.is_first() and each:
            write_text(predictions_file(run.workdir, metrics["split"].partition(",")[0]), each)
    finally:  # whether or not the result can be kept
        if assert_accuracy and metrics["accuracy"] < assert_accuracy:
            raise AccuracyError(
                f"the accuracy on {metrics['split']} is {metrics['accuracy']:.4f}, below {assert_accuracy}"
            )
    return metrics


def _leave_worst(named: list[dict], file: Path, noun: str) -> None:
    """Writes and prints the examples with the largest losses."""
    header = list(named[0])
    write_text(file, csv_text(header, ([plain_cell(str(value)) for value in each.values()] for each in named)))
    say(f"The {len(named)} {noun} of the largest losses, all of them in {file}:")
    say(format_table(header, [list(map(str, each.values())) for each in named[:LINES]]))
