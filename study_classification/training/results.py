"""Draws and prints what a network has learnt, if its data allow it: formula, curve, map, confusion matrix."""

import functools
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from flax.traverse_util import flatten_dict
from jaxtyping import Array, Float, PyTree, Shaped

from study_classification.data.batches import Images
from study_classification.data.dataset import names_in
from study_classification.data.order import EvaluationOrder, some_of
from study_classification.data.prepare import cache_directory
from study_classification.data.rows import RowSplit, read_rows
from study_classification.data.seen import ON_PAGE, Told
from study_classification.data.sources import TRAIN, VALIDATION
from study_classification.inputs.images.augment import Augment
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.tables import NumberColumn, TablePreprocess
from study_classification.inputs.texts import TextPreprocess
from study_classification.pages.run_page import Finished, write_page
from study_classification.reports.answers import NAMED, Answers
from study_classification.reports.confusion import confusion_title, draw_confusion
from study_classification.reports.diagnosis import findings
from study_classification.reports.facts import Finding, facts_of
from study_classification.reports.learned import Examples, draw_boundary, draw_fit, format_formula
from study_classification.reports.lettering import drawable, wording
from study_classification.reports.metrics import LARGEST_MATRIX, positive_scores
from study_classification.reports.weights import telling_words
from study_classification.runs import directory
from study_classification.runs.history import History
from study_classification.system import devices, hosts
from study_classification.system.console import complain, say
from study_classification.tasks.layers import LayersSeen, look_at_layers
from study_classification.tasks.regression import Regression
from study_classification.tasks.sigmoid import Sigmoid
from study_classification.tasks.softmax import Softmax
from study_classification.training.feed import Feed
from study_classification.training.preview import first_images
from study_classification.training.state import TrainState

SAID = 2  # how many findings are printed at the end, the most important ones; report.html has all
IN_A_FORMULA = 3  # columns, at most
PLACES = 200  # of a curve; along each side of a map
Words = dict[str, list[tuple[str, float]]]
Predict = Callable[[PyTree, dict], Array]  # variables, batch -> predictions


def number_columns(feed: Feed) -> tuple[NumberColumn, ...]:
    """The columns that the network sees, if they are few, and numbers without missing ones; else none."""
    preprocess = feed.experiment.preprocess
    columns = preprocess.columns if isinstance(preprocess, TablePreprocess) else ()
    found = tuple(column for column in columns if isinstance(column, NumberColumn) and not column.indicator)
    return found if found and len(found) == len(columns) <= IN_A_FORMULA else ()


def formula_of(feed: Feed, params: PyTree) -> str:
    """The formula of a linear model of a few columns of numbers, in their units; '' for any other network.

    Args:
        feed: the data of the run.
        params: the parameters of the network.
    """
    columns, arrays = number_columns(feed), flatten_dict(params, sep="/")
    linear = {"head/classifier/kernel", "head/classifier/bias"}
    if not columns or not isinstance(feed.task, Regression) or set(arrays) != linear:
        return ""
    shift, scale = feed.task.shift_and_scale
    kernel, bias = (np.asarray(arrays[f"head/classifier/{name}"], np.float64) for name in ("kernel", "bias"))
    factors = [scale * kernel[place, 0] / column.deviation for place, column in enumerate(columns)]
    constant = (
        shift + scale * bias[0] - sum(factor * column.mean for factor, column in zip(factors, columns, strict=True))
    )
    target = feed.experiment.config.data.target
    return format_formula(target, [column.name for column in columns], factors, constant)


def leave_results(
    feed: Feed, predict: Predict, best: TrainState, val_images: Images, history: History, workdir: Path, page: bool
) -> None:
    """Prints and draws what a finished run shows, on the first host.

    It predicts a small validation split once more. It shows nothing for a task that predicts neither classes nor
    numbers.

    Args:
        feed: the data of the run.
        predict: the program of the run that predicts.
        best: the state with the best weights.
        val_images: the validation split.
        history: the history, with at least one epoch.
        workdir: the run directory.
        page: whether to write report.html and its figures.

    Raises:
        EnvironmentFault: if the run directory cannot be written.
    """
    if not isinstance(feed.task, Softmax | Regression):
        return
    variables = best.variables()
    if len(feed.data.split(VALIDATION)) <= NAMED:
        answers = _answers(feed, functools.partial(predict, variables), val_images)
        words = _words(feed, functools.partial(predict, variables)) if page else {}  # by all hosts together
        layers = _layers(feed, variables, val_images) if page else None
        if hosts.is_first():
            _leave_answers(feed, answers, words, layers, best, history, workdir, page)
    else:
        config, noun, count = feed.experiment.config, feed.experiment.preprocess.noun, len(feed.data.split(VALIDATION))
        facts = facts_of(history, config.learning, noun, count, feed.data.class_names, feed.task.kept, None)
        _say_first(findings(facts))
    columns = number_columns(feed)
    if len(columns) == 1 and isinstance(feed.task, Regression):
        _leave_fit(feed, functools.partial(predict, variables), formula_of(feed, variables["params"]), workdir)
    elif len(columns) == 2 and isinstance(feed.task, Softmax):
        _leave_boundary(feed, functools.partial(predict, variables), workdir)


def _answers(feed: Feed, predict: Callable[[dict], Array], val_images: Images) -> Answers:
    examples = feed.data.split(VALIDATION)
    labels = feed.data.labels(VALIDATION, cache_directory(feed.experiment.config.data))
    order = EvaluationOrder(len(labels), feed.batch_size)
    found = [np.asarray(predict(batch)) for batch in val_images.batches(order, range(len(order)))]
    return Answers(names_in(examples) if hosts.is_first() else (), labels, np.concatenate(found)[: len(labels)])


def _words(feed: Feed, predict: Callable[[dict], Array]) -> Words:
    """Prints the most telling words of a network that averages words."""
    config, texts, names = feed.experiment.config, feed.experiment.preprocess, feed.data.class_names
    if config.model.name != "text_average" or not isinstance(texts, TextPreprocess) or not names:
        return {}
    everywhere = devices.replicated(feed.experiment.mesh)

    def answer(tokens: np.ndarray) -> np.ndarray:
        return np.asarray(predict({texts.key: jax.device_put(tokens, everywhere)}))

    return telling_words(answer, feed.batch_size, texts, names)


def _layers(feed: Feed, variables: PyTree, val_images: Images) -> LayersSeen | None:
    experiment = feed.experiment
    order = some_of(len(feed.data.split(VALIDATION)), feed.batch_size, experiment.mesh.size)
    return look_at_layers(
        experiment.model,
        experiment.preprocess,
        feed.task,
        variables,
        val_images.batches(order, range(len(order))),
        whole=experiment.config.learning != "transfer_learning",
        everywhere=devices.replicated(experiment.mesh),
    )


def _leave_answers(
    feed: Feed,
    answers: Answers,
    words: Words,
    layers: LayersSeen | None,
    best: TrainState,
    history: History,
    workdir: Path,
    page: bool,
) -> None:
    run, step, examples = directory.load(workdir), int(best.step), feed.data.split(VALIDATION)
    finished = Finished(run, feed.task, history, step, VALIDATION, examples, answers, best.params, words, layers)
    _say_first(finished.findings)
    finished.keep_predictions()
    finished.keep_temperature()
    few = len(feed.data.class_names) <= LARGEST_MATRIX
    if isinstance(feed.task, Softmax) and few:
        _leave_confusion(feed, finished, workdir)
    if page:
        _leave_page(feed, finished)


def _say_first(found: list[Finding]) -> None:
    for each in found[:SAID]:
        say(str(each))


def _leave_confusion(feed: Feed, finished: Finished, workdir: Path) -> None:
    counts, class_names = finished.counts, feed.data.class_names
    title = confusion_title(counts, VALIDATION, feed.experiment.preprocess.noun)
    if isinstance(feed.task, Sigmoid):
        scores = positive_scores(counts, feed.task.positive)
        say(f"Positive class {class_names[feed.task.positive]} in validation: {scores}")
        title += f"\n{drawable(class_names[feed.task.positive])}: {wording(scores)}"
    _draw(draw_confusion, counts, class_names, title, workdir=workdir, name="confusion")


def _leave_page(feed: Feed, finished: Finished) -> None:
    """Writes the page. The run is finished and kept, so no error here may make it fail."""
    try:
        say(f"Report: {write_page(finished, _seen(feed))}")
    except Exception as error:  # of any type
        complain(f"The run is finished, but its report cannot be written: {error or type(error).__name__}")


def _seen(feed: Feed) -> list[Told]:
    """Images as training sees them; of a frozen backbone that sees each once, they are not augmented."""
    preprocess = feed.experiment.preprocess
    if not isinstance(preprocess, Preprocess):
        return []
    plain = Augment(preprocess.image_size, preprocess.image_size)
    augmentation = plain if feed.views == 1 else feed.experiment.augmentation.stages()[0]
    return first_images(feed, ON_PAGE).labelled(augmentation)


def _leave_fit(feed: Feed, predict: Callable[[dict], Array], formula: str, workdir: Path) -> None:
    examples = _examples(feed)
    x = np.linspace(*examples.range_of(0), PLACES)
    y = predict(_batch(feed, x[:, None]))
    target = feed.experiment.config.data.target
    _draw(draw_fit, examples, target, x, np.asarray(y), formula, workdir=workdir, name="fit")


def _leave_boundary(feed: Feed, predict: Callable[[dict], Array], workdir: Path) -> None:
    examples = _examples(feed)
    x, y = (np.linspace(*examples.range_of(column), PLACES) for column in (0, 1))
    places = np.stack(np.meshgrid(x, y), axis=-1)
    probabilities = np.exp(np.asarray(predict(_batch(feed, places.reshape(-1, 2)))))
    probabilities = probabilities.reshape(*places.shape[:2], -1)
    names = feed.data.class_names
    _draw(draw_boundary, examples, names, x, y, probabilities, workdir=workdir, name="boundary")


def _draw(draw: Callable, *arguments, workdir: Path, name: str) -> None:
    file = directory.figure_file(workdir, name)
    if hosts.is_first():
        draw(*arguments, file)
    say(f"Drawn: {file}")


def _examples(feed: Feed) -> Examples:
    columns = number_columns(feed)
    means, deviations = (np.array([getattr(column, name) for column in columns]) for name in ("mean", "deviation"))
    found: list[np.ndarray] = []
    for name in (TRAIN, VALIDATION):
        split, preprocess = feed.data.split(name), feed.experiment.preprocess
        assert isinstance(split, RowSplit) and isinstance(preprocess, TablePreprocess)
        found += [read_rows(split, preprocess) * deviations + means, split.labels]
    return Examples(tuple(column.name for column in columns), *found)


def _batch(feed: Feed, values: Float[np.ndarray, "n d"]) -> dict[str, Shaped[jax.Array, "n d"]]:
    """Values in the units of their columns as a batch for the network, on every device."""
    columns, experiment = number_columns(feed), feed.experiment
    seen = (values - [column.mean for column in columns]) / [column.deviation for column in columns]
    return {experiment.preprocess.key: jax.device_put(seen.astype(np.float32), devices.replicated(experiment.mesh))}
