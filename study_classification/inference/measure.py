"""Measures a network on data: exactly, every example once."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from study_classification.data.batches import Images, open_examples
from study_classification.data.dataset import Dataset, Split, names_in, open_dataset
from study_classification.data.order import EvaluationOrder
from study_classification.data.prepare import cache_directory
from study_classification.data.rows import RowSplit
from study_classification.data.sources import TEST, TRAIN, VALIDATION
from study_classification.errors import DataError, DivergedError, nearest
from study_classification.inputs.kinds import reader_of
from study_classification.paths import user_path
from study_classification.reports.answers import NAMED, Answers, answers_csv
from study_classification.reports.metrics import classification_metrics, roc_auc
from study_classification.reports.regression import regression_metrics
from study_classification.runs.directory import Run
from study_classification.runs.own_data import read_splits, same_data, splits_file, splits_of_pixels
from study_classification.system import devices
from study_classification.system.console import say
from study_classification.system.threads import num_workers
from study_classification.tasks.create import has_numbers
from study_classification.tasks.sigmoid import Sigmoid
from study_classification.tasks.task import LOSS, Task


class Network(Protocol):
    """What measuring needs of a network; see `Predictor`."""

    @property
    def run(self) -> Run: ...
    @property
    def step(self) -> int: ...
    @property
    def task(self) -> Task: ...
    @property
    def tta(self) -> str: ...
    @property
    def mesh(self) -> Mesh: ...
    @property
    def batch_sizes(self) -> tuple[int, ...]: ...
    def predictions(self, batch: dict[str, jax.Array], /) -> jax.Array: ...


def measure(network: Network, *, split: str = "", source: str = "", worst: int = 0, each: bool = False) -> dict:
    """The metrics of a network on one split of its run's data, or on another source.

    Args:
        network: a network with the weights of a checkpoint.
        split: `train`, `validation` or `test`; '' is test, or validation if there is no test split.
        source: another data source, whose examples are all taken if no split is named; '' is the run's own.
        worst: how many examples with the largest losses to name.
        each: whether to list every example, for a split of at most `reports.answers.NAMED`.

    Returns:
        The metrics of `reports.metrics.classification_metrics` or `reports.regression.regression_metrics`, with `data`,
        `split`, `checkpoint_step`, and `trained_on`: how many of the examples the network was trained on, if that is
        known. If asked for, also `worst`: name, label, prediction and loss of each, the worst first; and `each`: a
        table of all examples as CSV, see `reports.answers.answers_csv`.

    Raises:
        DataError: if the data cannot be used, or have classes that the network does not know.
        DivergedError: if the network gives values that are NaN or infinite.
    """
    run = network.run
    data = _open_other(run, source, split) if source else open_own(run)
    asked, split = split, split or (TEST if TEST in data.splits else VALIDATION)
    examples = data.split(split)
    known = _known(run, data, split)
    trained_on = None if known is None else known[TRAIN]
    to_class = label_map(data.class_names, run.class_names)

    columns = _columns_of(network, examples, to_class)
    if trained_on and asked != TRAIN:
        say(
            f"Beware: {trained_on:,} of these {len(examples):,} {run.preprocess.noun} were trained on, so unseen ones "
            "may come out worse."
        )
    if known and source and asked and (new := len(examples) - known.total()):
        say(
            f"{new:,} of these {len(examples):,} {run.preprocess.noun} are new since the training, and were given the "
            f"split {split} now."
        )
    name = f"{split if asked or data.is_tfds else 'all'} of {source}" if source else split
    name += f", tta={network.tta}" if network.tta != "none" else ""
    return {
        "data": data.report.get("source", run.config.data.source),
        "split": name,
        "checkpoint_step": network.step,
        **({} if trained_on is None else {"trained_on": trained_on}),
        **_metrics(network, columns),
        **({"worst": _worst(examples, run.class_names, columns, worst)} if worst else {}),
        **({"each": _each(examples, run.class_names, columns)} if each and len(examples) <= NAMED else {}),
    }


def answers_of(network: Network, split: Split | RowSplit) -> Answers:
    """The predictions for every example of a split of the run's own data, with all probabilities."""
    parts = list(outputs_of(network, split, network.predictions))
    predictions, labels = (np.concatenate(found) for found in zip(*parts, strict=True))
    return Answers(names_in(split), labels, predictions)


def outputs_of(
    network: Network, examples: Split | RowSplit, function: Callable[[dict[str, jax.Array]], jax.Array]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Applies a function to batches of all examples, in order; yields its values and the labels of each batch."""
    images, sizes, count = opened(network, examples), network.batch_sizes, len(examples)
    order = EvaluationOrder(count, next((size for size in sizes if size >= count), sizes[-1]))
    everywhere = jax.jit(lambda label: label, out_shardings=devices.replicated(network.mesh))
    for step, batch in enumerate(images.batches(order, range(len(order)))):
        real = order[step]["mask"] == 1
        yield finite(function(batch), network.step)[real], np.asarray(everywhere(batch["label"]))[real]


def opened(network: Network, examples: Split | RowSplit) -> Images:
    """A split of the run's data, or of others like them, ready to be passed through the network."""
    run = network.run
    return open_examples(
        examples,
        reader_of(run.preprocess, run.config.data.max_megapixels),
        mode=run.config.data.mode,
        free_memory=devices.free_memory(),
        cache=cache_directory(run.config.data),
        workers=num_workers(run.config.data.workers),
        sharding=devices.batch_sharding(network.mesh),
    )


def _columns_of(network: Network, examples: Split | RowSplit, to_class: np.ndarray) -> dict[str, np.ndarray]:
    """Predictions and labels of all examples as columns, see `_columns`."""
    parts = [
        _columns(network.task, predictions, to_class[labels] if network.run.class_names else labels)
        for predictions, labels in outputs_of(network, examples, network.predictions)
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found = len(columns["labels"])
    assert found == len(examples), f"{found} of {len(examples)} examples were evaluated"
    return columns


def _worst(
    examples: Split | RowSplit, class_names: Sequence[str], columns: dict[str, np.ndarray], count: int
) -> list[dict]:
    """The examples with the largest losses: confident mistakes of the network, or wrong labels."""

    def told(answer: np.generic) -> str:
        return class_names[int(answer)] if class_names else f"{answer:.6g}"

    return [
        {
            "name": examples.names[place] if isinstance(examples, RowSplit) else examples[place].name,
            "label": told(columns["labels"][place]),
            "prediction": told(columns["predictions"][place]),
            "loss": round(float(columns["losses"][place]), 4),
        }
        for place in np.argsort(-columns["losses"], kind="stable")[:count].tolist()
    ]


def _each(examples: Split | RowSplit, class_names: Sequence[str], columns: dict[str, np.ndarray]) -> str:
    losses = columns["losses"] if class_names else np.abs(columns["predictions"] - columns["labels"])
    found = (names_in(examples), columns["labels"], columns["predictions"], losses)
    return answers_csv(*found, class_names, columns["probabilities"]) if class_names else answers_csv(*found)


def _columns(task: Task, predictions: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """The columns that are kept of a batch. With many classes they do not hold all probabilities."""
    losses = task.measured(jnp.asarray(predictions), task.targets(jnp.asarray(labels)))[LOSS]
    columns = {"labels": labels, "losses": np.asarray(losses)}
    if isinstance(task, Sigmoid):
        columns["scores"] = predictions[:, task.positive]
    if predictions.ndim == 2:
        columns["probabilities"] = np.exp(predictions.max(-1))
    return columns | {"predictions": predictions.argmax(-1) if predictions.ndim == 2 else predictions}


def _metrics(network: Network, columns: dict[str, np.ndarray]) -> dict:
    task, class_names = network.task, network.run.class_names
    labels, predictions, losses = (columns[name] for name in ("labels", "predictions", "losses"))
    if not class_names:
        return regression_metrics(labels, predictions, losses, task.kept["mean"])
    metrics = classification_metrics(labels, predictions, losses, class_names)
    if isinstance(task, Sigmoid):
        name, area = class_names[task.positive], roc_auc(labels == task.positive, columns["scores"])
        metrics["positive"] = {"class": name, "threshold": 0.5, **metrics["classes"][name], "roc_auc": area}
    return metrics


def finite(values: jax.Array, step: int) -> np.ndarray:
    """The outputs of a network, checked.

    Raises:
        DivergedError: if some are NaN or infinite.
    """
    found = np.asarray(values)
    if not np.isfinite(found).all():
        raise DivergedError(
            f"the network of step {step} gives values that are NaN or infinite: take another --checkpoint, "
            "set precision to float32, or train again with a smaller optimizer.learning_rate"
        )
    return found


def open_own(run: Run) -> Dataset:
    """Opens the run's own data. If they have changed, known images keep the split that they had."""
    config = run.config.data.copy_and_resolve_references()
    pinned = str(splits_file(run.workdir))
    if config.splits and not user_path(config.splits).is_file():
        config.splits = pinned
    try:
        data = open_dataset(config, numbers=has_numbers(run.config.task))
    except DataError as error:
        raise DataError(
            f"{error}. If the {run.preprocess.noun} of {run.workdir} lie elsewhere now: evaluate "
            f"--workdir={run.workdir} --data=PLACE --split={TEST}"
        ) from None
    if same_data(run.workdir, data.key, data.splits_csv):
        return data
    say(
        f"The {run.preprocess.noun} of {run.config.data.source} have changed since the training: those it knew keep "
        "their split, new ones are given one."
    )
    config.splits = pinned
    return open_dataset(config, numbers=has_numbers(run.config.task))


def _open_other(run: Run, source: str, split: str) -> Dataset:
    """Opens another source: the split that is asked for, or else all of it (the test split of a TFDS data set).

    If the source has no splits, images that the run knows keep the split that they had.
    """
    config = run.config.data.copy_and_resolve_references()
    config.source, config.tfds_splits, config.per_class = source, ("", "", ""), 0
    config.splits = str(splits_file(run.workdir)) if split and read_splits(run.workdir) else ""
    everything_in = "" if split else TEST
    return open_dataset(config, everything_in, for_training=False, numbers=has_numbers(run.config.task))


def _known(run: Run, data: Dataset, split: str) -> Counter[str] | None:
    """Split of the run -> how many examples of a split of these data the run had there; None if that is not known."""
    split_of = splits_of_pixels(run.workdir)
    if TRAIN not in split_of.values() or not data.splits_csv:  # as for a TFDS data set
        return None
    rows = csv.DictReader(io.StringIO(data.splits_csv, newline=""))
    return Counter(split_of[row["pixels"]] for row in rows if row["split"] == split and row["pixels"] in split_of)


def label_map(found: tuple[str, ...], known: tuple[str, ...]) -> np.ndarray:
    """Maps labels of the data to classes of the network by name: int64 [len(found)]."""
    for name in found:
        if name not in known:
            raise DataError(
                f"the data have the class '{name}', which the network does not know: {nearest(name, known)}"
            )
    return np.array([known.index(name) for name in found])
