"""Evaluation of a trained run: exact over every example, written to report.json and shown as a table."""

import numpy as np

from study_classification.data.batches import open_images
from study_classification.data.dataset import Dataset, open_dataset
from study_classification.data.order import EvaluationOrder
from study_classification.data.prepare import cache_directory
from study_classification.data.sources import TEST, VALIDATION
from study_classification.errors import AccuracyError, DataError, nearest
from study_classification.inference.predictor import Predictor, load_predictor
from study_classification.inputs.images.reader import ImageReader
from study_classification.reports.metrics import classification_metrics, format_metrics
from study_classification.runs.directory import Run, add_to_report, data_key, splits_file
from study_classification.system import devices, hosts
from study_classification.system.console import say
from study_classification.system.threads import num_workers


def evaluate(
    run: Run,
    *,
    split: str = "",
    source: str = "",
    checkpoint: str = "best",
    tta: str = "none",
    assert_accuracy: float = 0.0,
) -> dict:
    """Measures a checkpoint of a run on one split of its data, or on all pictures of another source.

    Args:
        run: the run.
        split: `train`, `validation` or `test`; '' is test, or validation where there is no test split.
        source: another data source, all of whose pictures are taken if no split is named; '' is the run's own.
        checkpoint: `best`, `last`, or a step.
        tta: test-time augmentation, `none` or `flip`: probabilities are averaged over the picture and its mirror image.
        assert_accuracy: the least accuracy that is good enough.

    Returns:
        What was added to report.json, see `report.metrics.classification_metrics`.

    Raises:
        DataError: if the data cannot be used, or have classes that the network does not know.
        RunError: if the checkpoint cannot be used.
        AccuracyError: if the accuracy is below `assert_accuracy`.
    """
    metrics = measure(load_predictor(run, checkpoint, tta), split=split, source=source)
    say(format_metrics(metrics))
    if hosts.is_first():
        say(f"written to {add_to_report(run.workdir, metrics['split'], metrics)}")
    if metrics["accuracy"] < assert_accuracy:
        raise AccuracyError(f"the accuracy on {metrics['split']} is {metrics['accuracy']:.4f}, below {assert_accuracy}")
    return metrics


def measure(trained: Predictor, *, split: str = "", source: str = "") -> dict:
    """As `evaluate`, of a network that is loaded, and without writing or showing the result."""
    run = trained.run
    data = _open_other(run, source, split) if source else _open_own(run)
    asked, split = split, split or (TEST if TEST in data.splits else VALIDATION)
    pictures = data.split(split)
    to_class = _label_map(data.class_names, run.class_names)

    images = open_images(
        pictures,
        ImageReader(run.preprocess, run.config.data.max_megapixels),
        mode=run.config.data.mode,
        free_memory=devices.free_memory(),
        cache=cache_directory(run.config.data),
        workers=num_workers(run.config.data.workers),
        sharding=devices.batch_sharding(trained.mesh),
    )
    plan = EvaluationOrder(len(pictures), trained.batch_sizes[-1])
    losses, labels, predictions = [], [], []
    for batch in images.batches(plan, range(len(plan))):
        real = np.asarray(batch["mask"]) == 1
        log_probabilities = np.asarray(trained.log_probabilities(batch))[real]
        label = to_class[np.asarray(batch["label"])[real]]
        losses.append(-np.take_along_axis(log_probabilities, label[:, None], axis=-1)[:, 0])
        labels.append(label)
        predictions.append(log_probabilities.argmax(-1))
    labels_seen = np.concatenate(labels)
    assert len(labels_seen) == len(pictures), f"{len(labels_seen)} of {len(pictures)} examples were evaluated"

    name = f"{split if asked or data.is_tfds else 'all'} of {source}" if source else split
    name += f", tta={trained.tta}" if trained.tta != "none" else ""
    return {
        "data": data.report.get("source", run.config.data.source),
        "split": name,
        "checkpoint_step": trained.step,
        **classification_metrics(labels_seen, np.concatenate(predictions), np.concatenate(losses), run.class_names),
    }


def _open_own(run: Run) -> Dataset:
    """The run's own data; if they have changed since, its pictures still keep the split that they had."""
    data = open_dataset(run.config.data)
    if data.key == data_key(run.workdir):
        return data
    say(
        f"The pictures of {run.config.data.source} have changed since the training: those it knew keep their split, "
        "new ones are given one."
    )
    config = run.config.data.copy_and_resolve_references()
    config.splits = str(splits_file(run.workdir))
    return open_dataset(config)


def _open_other(run: Run, source: str, split: str) -> Dataset:
    """Another source: with its own splits if one of them is asked for, else all of it (of TFDS, its test split)."""
    config = run.config.data.copy_and_resolve_references()
    config.source, config.splits, config.tfds_splits = source, "", ("", "", "")
    return open_dataset(config, everything_in="" if split else TEST)


def _label_map(found: tuple[str, ...], known: tuple[str, ...]) -> np.ndarray:
    """Label in the data -> class of the network, by name: [len(found)] int64."""
    for name in found:
        if name not in known:
            raise DataError(
                f"the data have the class '{name}', which the network does not know: {nearest(name, known)}"
            )
    return np.array([known.index(name) for name in found])
