"""Writes report.html of a finished run, at any time."""

import numpy as np

from study_classification.data.dataset import Dataset, Split
from study_classification.data.order import some_of, training_order
from study_classification.data.prepare import cache_directory
from study_classification.data.rows import RowSplit
from study_classification.data.seen import ON_PAGE, Told, seen_first
from study_classification.data.sources import TEST, TRAIN, VALIDATION
from study_classification.errors import ConfigError, RunError
from study_classification.inference.explanation import GRAD_CAM, make_explain
from study_classification.inference.measure import answers_of, open_own, opened
from study_classification.inference.predictor import Predictor, load_predictor
from study_classification.inputs.images.augment import Augment
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.texts import TextPreprocess
from study_classification.pages.run_page import WORST, Finished, write_page
from study_classification.reports.answers import NAMED
from study_classification.reports.grids import marked
from study_classification.reports.weights import telling_words
from study_classification.runs.directory import Run, read_history
from study_classification.runs.history import VAL, History
from study_classification.runs.results import read_report
from study_classification.system import devices, hosts
from study_classification.system.console import say, saying_nothing
from study_classification.tasks.layers import LayersSeen, look_at_layers
from study_classification.tasks.task import higher_is_better


def report(run: Run, split: str = VALIDATION, explained: bool = False) -> None:
    """Writes the page of the best checkpoint, and for validation the temperature. Only the first host writes.

    Args:
        run: the run.
        split: `validation`, or `test` after it was evaluated.
        explained: whether the worst wrong images are marked by what speaks for the answer, by Grad-CAM.

    Raises:
        ConfigError: if the test split was not evaluated, or the split has too many examples, or if rows should be
            explained.
        RunError: if nothing was trained.
        EnvironmentFault: if the run directory cannot be written.
    """
    if split == TEST and TEST not in read_report(run.workdir):
        raise ConfigError(
            f"the test split of {run.workdir} was not evaluated, and report does not open it first: run evaluate "
            f"--workdir={run.workdir} when all is chosen"
        )
    if explained and not isinstance(run.preprocess, Preprocess):
        raise ConfigError(
            f"--explain marks pictures, but {run.workdir} has learnt from {run.preprocess.noun}: drop it, and take "
            f"explain --workdir={run.workdir}"
        )
    epochs = read_history(run.workdir)
    if not epochs:
        raise RunError(f"{run.workdir} has no epoch to report on: train it first")
    predictor = load_predictor(run, "best")
    data = open_own(run)
    examples = data.split(split)
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
        _layers(predictor, examples) if split == VALIDATION else None,
    )
    if hosts.is_first():
        finished.keep_predictions()
        finished.keep_temperature()
        seen = _seen(run, data) if split == VALIDATION else []
        marked = _marked(predictor, finished) if explained else {}
        say(f"Report: {write_page(finished, seen, marked)}")


def _layers(predictor: Predictor, examples: Split | RowSplit) -> LayersSeen | None:
    """What the layers make of some examples of validation."""
    with saying_nothing():  # how they are read was said
        images = opened(predictor, examples)
    order = some_of(len(examples), predictor.batch_sizes[-1], predictor.mesh.size)
    return look_at_layers(
        predictor.model,
        predictor.preprocess,
        predictor.task,
        predictor.variables,
        images.batches(order, range(len(order))),
        whole=predictor.run.config.learning != "transfer_learning",
        everywhere=devices.replicated(predictor.mesh),
    )


def _seen(run: Run, data: Dataset) -> list[Told]:
    """Images as training saw them; of a frozen backbone that saw each once, they were not augmented."""
    config, preprocess = run.config, run.preprocess
    if not isinstance(preprocess, Preprocess):
        return []
    split, parts = data.images(TRAIN), config.accumulate_steps
    balanced = data.labels(TRAIN, cache_directory(config.data)) if config.data.sampling else None
    order = training_order(len(split), min(config.batch_size, len(split)), config.seed, balanced)
    size = preprocess.image_size
    plain = config.learning == "transfer_learning" and config.feature_cache.views == 1
    augmentation = Augment(size, size) if plain else Augment.from_config(config.augment, size).stages()[0]
    limit = config.data.max_megapixels
    images = seen_first(split, preprocess, limit, config.seed, run.class_names, order, parts, ON_PAGE)
    return images.labelled(augmentation)


def _marked(predictor: Predictor, finished: Finished) -> dict[int, np.ndarray]:
    """Place of a wrong image -> the image, marked by what speaks for the answer."""
    preprocess = predictor.preprocess
    assert isinstance(preprocess, Preprocess)
    _, explain = make_explain(predictor.model, predictor.variables, predictor.task, preprocess, GRAD_CAM)
    answers, found = finished.answers, {}
    for place in answers.worst(WORST):
        pixels = finished.picture(place)
        assert pixels is not None
        found[place] = marked(pixels, explain(pixels, [int(answers.said[place]) if answers.of_classes else 0])[0])
    return found
