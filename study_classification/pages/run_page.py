"""report.html of a run: what it has learnt, in words, tables and figures, and what to do next."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from flax.traverse_util import flatten_dict
from jaxtyping import Int, PyTree, UInt8
from markupsafe import Markup

from study_classification.config import changed_fields
from study_classification.data.dataset import Split
from study_classification.data.report import list_findings
from study_classification.data.rows import RowSplit
from study_classification.data.seen import Told
from study_classification.data.sources import VALIDATION
from study_classification.errors import EnvironmentFault
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.inputs.tables import TablePreprocess
from study_classification.language.translate import spoken, translated
from study_classification.pages.page import figure, image, render
from study_classification.reports.answers import Answers
from study_classification.reports.calibration import (
    Reliability,
    at_temperature,
    fit_temperature,
    plot_reliability,
    reliability,
)
from study_classification.reports.confusion import confusion_title, largest_confusions, plot_confusion
from study_classification.reports.curves import plot_curve, plot_rates
from study_classification.reports.diagnosis import findings
from study_classification.reports.facts import Finding, facts_of
from study_classification.reports.metrics import classification_metrics
from study_classification.reports.regression import regression_metrics
from study_classification.reports.residuals import plot_predicted, plot_residuals
from study_classification.reports.thresholds import (
    plot_precision_recall,
    plot_roc,
    precision_recall_curves,
    roc_curves,
    shown_curves,
)
from study_classification.reports.weights import linear_weights, plot_weights
from study_classification.runs import directory, results
from study_classification.runs.calibration import read_temperature, write_temperature
from study_classification.runs.environment import read_environment
from study_classification.runs.history import History
from study_classification.runs.own_data import read_data_report
from study_classification.system.console import complain
from study_classification.system.files import make_folder, unwritable, write_text
from study_classification.tasks.layers import LayersSeen
from study_classification.tasks.sigmoid import Sigmoid
from study_classification.tasks.task import Task

REPOSITORY = Path(__file__).resolve().parents[2]  # or where the package is installed
WORST = 24  # examples that are shown, at most
Plot = tuple[str, Callable, str]  # name of the file, what draws it, what it shows


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished run, and what its network says of a split.

    Attributes:
        run: its directory, config, classes and preprocessing.
        task: what was learnt.
        history: with at least one epoch.
        step: of the checkpoint.
        split: which one is looked at, `validation` or `test`.
        examples: of the split.
        answers: what the network says of them.
        params: the parameters of the network.
        words: of a network that averages words, see `reports.weights.telling_words`.
        layers: what they make of validation; None if they were not looked at, or there is nothing to see.
    """

    run: directory.Run
    task: Task
    history: History
    step: int
    split: str
    examples: Split | RowSplit
    answers: Answers
    params: PyTree
    words: Mapping[str, list[tuple[str, float]]] = field(default_factory=dict)
    layers: LayersSeen | None = None

    @cached_property
    def counts(self) -> Int[np.ndarray, "classes classes"]:
        """The confusion matrix; rows are the true classes."""
        return self.answers.counts(len(self.run.class_names))

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """The parameters by path."""
        return {path: np.asarray(leaf) for path, leaf in flatten_dict(self.params, sep="/").items()}

    @cached_property
    def findings(self) -> list[Finding]:
        """What the run shows by its history and validation; a test split is not judged by."""
        if self.split != VALIDATION:
            return []
        run, count = self.run, len(self.answers.labels)
        facts = facts_of(
            self.history,
            run.config.learning,
            run.preprocess.noun,
            count,
            run.class_names,
            self.task.kept,
            self.answers,
            self.layers,
        )
        return findings(facts)

    @cached_property
    def temperature(self) -> float | None:
        """That mends the probabilities: fitted on validation, else the one that was; None of a regression."""
        if not self.run.class_names:
            return None
        if self.split == VALIDATION:
            return fit_temperature(self.answers.predictions, self.answers.labels)
        return read_temperature(self.run.workdir, self.step)

    @cached_property
    def reliabilities(self) -> tuple[Reliability, Reliability]:
        """Of the probabilities as they are, and at the temperature."""
        assert self.temperature
        right, found = self.answers.said == self.answers.labels, self.answers.predictions
        before, after = (
            reliability(np.exp(logs).max(-1), right) for logs in (found, at_temperature(found, self.temperature))
        )
        return before, after

    def keep_temperature(self) -> None:
        """Stores the temperature with the run, if validation has told one.

        Raises:
            EnvironmentFault: if the run directory cannot be written.
        """
        if self.split == VALIDATION and self.temperature:
            before, after = self.reliabilities
            errors = before.error, after.error
            write_temperature(self.run.workdir, self.temperature, self.step, errors, len(self.answers.labels))

    def keep_predictions(self) -> None:
        """Writes the predictions of the split as CSV.

        Raises:
            EnvironmentFault: if the run directory cannot be written.
        """
        file = results.predictions_file(self.run.workdir, self.split)
        write_text(file, self.answers.to_csv(self.run.class_names))

    def picture(self, place: int) -> UInt8[np.ndarray, "h w c"] | None:
        """An image as the network sees it; None of a row."""
        if not isinstance(self.examples, Split) or not isinstance(self.run.preprocess, Preprocess):
            return None
        return ImageReader(self.run.preprocess, self.run.config.data.max_megapixels).read(self.examples[place].data)[0]

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The classes, but of two by one output the positive one last; of a regression the name of its numbers."""
        names = self.run.class_names or (self.target,)
        return names[::-1] if isinstance(self.task, Sigmoid) and self.task.positive == 0 else names

    @property
    def target(self) -> str:
        """What the numbers of a regression are called."""
        return self.run.config.data.target or "number"


def chapter_file(chapter: str) -> tuple[str, str]:
    """A chapter of the course in the language that the program speaks: its path in the repository, and a link to it.

    The link is '' where the program is installed without the repository.
    """
    name = f"docs/course/{spoken()}/{chapter}.md"
    file = REPOSITORY / name
    return name, file.as_uri() if file.is_file() else ""


def write_page(finished: Finished, seen: Sequence[Told] = (), marked: Mapping[int, np.ndarray] = {}) -> Path:
    """Writes report.html (of test report_test.html) and its figures beside it; returns the page.

    A figure that cannot be drawn is left out, with a sentence on stderr.

    Args:
        finished: the run.
        seen: images as training sees them, each with its label.
        marked: place of a wrong image in the split -> uint8 [h, w, 3], marked by what speaks for the predicted class.

    Raises:
        EnvironmentFault: if the run directory cannot be written.
        RunError: if a file of the run is damaged.
    """
    folder = results.figures_folder(finished.run.workdir, finished.split)
    try:
        make_folder(folder)
    except OSError as error:
        raise unwritable(folder, error) from None
    charts: dict[str, Markup] = {}
    for name, plot, alt in _plots(finished):
        try:
            charts[name] = figure(plot(), alt, file=folder / name)
        except EnvironmentFault:
            raise
        except Exception as error:  # of whatever kind: the other figures are still worth their page
            complain(f"The figure {name} is left out, for drawing it failed: {type(error).__name__}: {error}")
    file = results.page_file(finished.run.workdir, finished.split)
    shown = [(image(pixels, label), label) for label, pixels in seen]
    values = _values(finished) | {"seen": shown, "worst": _worst(finished, marked)}
    write_text(file, render("report.html", charts=charts, **values))
    return file


def _plots(f: Finished) -> Iterator[Plot]:
    answers, names = f.answers, f.run.class_names
    for name in f.history.epochs[0].val:
        yield (
            f"curve_{name}",
            lambda name=name: plot_curve(f.history, name),
            f"{name} of training and validation by epoch",
        )
    yield "learning_rate", lambda: plot_rates(f.history), "learning rate by epoch"
    if names:
        right = confusion_title(f.counts, f.split, f.run.preprocess.noun)
        yield "confusion", lambda: plot_confusion(f.counts, names, right), "confusion matrix"
        positive = f.outputs[-1]
        for name, curves, plot, alt in (
            ("roc", roc_curves, plot_roc, "ROC curves"),
            ("precision_recall", precision_recall_curves, plot_precision_recall, "precision by recall"),
        ):
            found = curves(answers.probabilities, answers.labels, names)
            if found:
                yield name, lambda plot=plot, found=found: plot(shown_curves(found, positive)), alt
        if temperature := f.temperature:
            alt = "share of right predictions by their probability"
            yield "reliability", lambda: plot_reliability(*f.reliabilities, temperature), alt
    else:
        given = (answers.labels, answers.predictions, f.target)
        yield "predicted", lambda: plot_predicted(*given), "predicted numbers against true ones"
        yield "residuals", lambda: plot_residuals(*given), "what is left between predicted and true numbers"
    preprocess = f.run.preprocess
    if isinstance(preprocess, TablePreprocess):
        weights = linear_weights(f.arrays, len(preprocess.outputs))
        if weights is not None:
            alt = "weights of the linear model by column"
            yield "weights", lambda: plot_weights(weights, preprocess.outputs, f.outputs), alt


def _values(f: Finished) -> dict[str, object]:
    """What the template is given beside its figures."""
    run, answers, workdir = f.run, f.answers, f.run.workdir
    if run.class_names:
        metrics = classification_metrics(answers.labels, answers.said, answers.losses, run.class_names)
    else:
        metrics = regression_metrics(answers.labels, answers.predictions, answers.losses, run.targets["mean"])
    found, environment = read_data_report(workdir), read_environment(workdir)
    return {
        "finished": f,
        "chapter": chapter_file,
        "run": run,
        "config": run.config,
        "noun": run.preprocess.noun,
        "metrics": metrics,
        "best": f.history.epochs[f.history.best],
        "evaluations": [_evaluation(name, each) for name, each in results.read_report(workdir).items()],
        "most_frequent": run.class_names[int(np.argmax(f.counts.sum(axis=1)))] if run.class_names else "",
        "confusions": largest_confusions(f.counts, run.class_names) if run.class_names else [],
        "words": f.words,
        "data": found,
        "data_findings": translated("\n".join(list_findings(found))) if "unreadable" in found else "",
        "changed": changed_fields(run.config),
        "environment": environment,
        "command": shlex.join(map(str, environment.get("command", ()))),
    }


def _evaluation(name: str, metrics: dict) -> list[str]:
    """A row of the table of evaluations."""
    if "mae" in metrics:
        middle = [f"{metrics['mae']:.4g}", "-" if metrics["r2"] is None else f"{metrics['r2']:.4f}"]
    else:
        low, high = metrics["accuracy_interval_95"]
        middle = [f"{metrics['accuracy']:.2%}", f"{low:.1%} - {high:.1%}"]
    return [name, *middle, f"{metrics['examples']:,}", f"{metrics['loss']:.4f}", str(metrics["checkpoint_step"])]


def _worst(f: Finished, marked: Mapping[int, np.ndarray]) -> list[dict[str, object]]:
    """The wrong examples of the greatest losses: name, true and predicted class, its probability; or the numbers."""
    answers, rows = f.answers, []
    for place in answers.worst(WORST):
        row: dict[str, object] = {"name": answers.names[place], "loss": float(answers.losses[place])}
        if answers.of_classes:
            said = int(answers.said[place])
            row |= {
                "true": f.run.class_names[int(answers.labels[place])],
                "said": f.run.class_names[said],
                "probability": float(answers.probabilities[place, said]),
            }
        else:
            row |= {"true": f"{answers.labels[place]:.6g}", "said": f"{answers.predictions[place]:.6g}"}
        if (pixels := f.picture(place)) is not None:
            row["picture"] = image(pixels, str(row["name"]))
        if place in marked:
            row["marked"] = image(marked[place], str(row["said"]))
        rows.append(row)
    return rows
