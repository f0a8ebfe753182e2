"""Writes report.html of a finished run, at any time."""

from study_classification.data.sources import TEST, VALIDATION
from study_classification.errors import ConfigError, RunError
from study_classification.inference.measure import answers_of, open_own
from study_classification.inference.predictor import load_predictor
from study_classification.inputs.texts import TextPreprocess
from study_classification.pages.run_page import Finished, write_page
from study_classification.reports.answers import NAMED
from study_classification.reports.weights import telling_words
from study_classification.runs.directory import Run, read_history
from study_classification.runs.history import VAL, History
from study_classification.runs.results import read_report
from study_classification.system import hosts
from study_classification.system.console import say
from study_classification.tasks.task import higher_is_better


def report(run: Run, split: str = VALIDATION) -> None:
    """Writes the page of the best checkpoint, and for validation the temperature. Only the first host writes.

    Args:
        run: the run.
        split: `validation`, or `test` after it was evaluated.

    Raises:
        ConfigError: if the test split was not evaluated, or the split has too many examples.
        RunError: if nothing was trained.
        EnvironmentFault: if the run directory cannot be written.
    """
    if split == TEST and TEST not in read_report(run.workdir):
        raise ConfigError(
            f"the test split of {run.workdir} was not evaluated, and report does not open it first: run evaluate "
            f"--workdir={run.workdir} when all is chosen"
        )
    epochs = read_history(run.workdir)
    if not epochs:
        raise RunError(f"{run.workdir} has no epoch to report on: train it first")
    predictor = load_predictor(run, "best")
    examples = open_own(run).split(split)
    if len(examples) > NAMED:
        raise ConfigError(
            f"{split} has {len(examples):,} {run.preprocess.noun}, but report lists those of a split of at most "
            f"{NAMED:,} one by one: take evaluate"
        )
    words = {}
    if run.config.model.name == "text_average" and isinstance(run.preprocess, TextPreprocess) and run.class_names:
        size = predictor.batch_sizes[-1]
        words = telling_words(predictor.predictions_of, size, run.preprocess, run.class_names)
    direction = higher_is_better(predictor.task, run.config.monitor.removeprefix(VAL))
    finished = Finished(
        run,
        predictor.task,
        History.of(epochs, run.config.monitor, direction, run.config.early_stopping.min_delta),
        predictor.step,
        split,
        examples,
        answers_of(predictor, examples),
        predictor.variables["params"],
        words,
    )
    if hosts.is_first():
        finished.keep_predictions()
        finished.keep_temperature()
        say(f"Report: {write_page(finished)}")
