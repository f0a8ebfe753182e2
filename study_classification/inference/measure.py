"""A network is measured on data: exactly, every example once."""

from typing import Protocol

import jax
import numpy as np
from jax.sharding import Mesh

from study_classification.data.batches import open_images
from study_classification.data.dataset import Dataset, open_dataset
from study_classification.data.order import EvaluationOrder
from study_classification.data.prepare import cache_directory
from study_classification.data.sources import TEST, VALIDATION
from study_classification.errors import DataError, nearest
from study_classification.inputs.images.reader import ImageReader
from study_classification.reports.metrics import classification_metrics
from study_classification.runs.directory import Run, data_key, splits_file
from study_classification.system import devices
from study_classification.system.console import say
from study_classification.system.threads import num_workers


class Network(Protocol):
    """What is asked of a network; see `Predictor`."""

    @property
    def run(self) -> Run: ...
    @property
    def step(self) -> int: ...
    @property
    def tta(self) -> str: ...
    @property
    def mesh(self) -> Mesh: ...
    @property
    def batch_sizes(self) -> tuple[int, ...]: ...
    def log_probabilities(self, batch: dict[str, jax.Array], /) -> jax.Array: ...


def measure(network: Network, *, split: str = "", source: str = "") -> dict:
    """The metrics of a network on one split of its run's data, or on all images of another source.

    Args:
        network: with the weights of a checkpoint.
        split: `train`, `validation` or `test`; '' is test, or validation where there is no test split.
        source: another data source, all of whose images are taken if no split is named; '' is the run's own.

    Returns:
        See `reports.metrics.classification_metrics`; besides `data`, `split` and `checkpoint_step`.

    Raises:
        DataError: if the data cannot be used, or have classes that the network does not know.
    """
    run = network.run
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
        sharding=devices.batch_sharding(network.mesh),
    )
    plan = EvaluationOrder(len(pictures), network.batch_sizes[-1])
    losses, labels, predictions = [], [], []
    for batch in images.batches(plan, range(len(plan))):
        real = np.asarray(batch["mask"]) == 1
        log_probabilities = np.asarray(network.log_probabilities(batch))[real]
        label = to_class[np.asarray(batch["label"])[real]]
        losses.append(-np.take_along_axis(log_probabilities, label[:, None], axis=-1)[:, 0])
        labels.append(label)
        predictions.append(log_probabilities.argmax(-1))
    labels_seen = np.concatenate(labels)
    assert len(labels_seen) == len(pictures), f"{len(labels_seen)} of {len(pictures)} examples were evaluated"

    name = f"{split if asked or data.is_tfds else 'all'} of {source}" if source else split
    name += f", tta={network.tta}" if network.tta != "none" else ""
    return {
        "data": data.report.get("source", run.config.data.source),
        "split": name,
        "checkpoint_step": network.step,
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
    return open_dataset(config, everything_in="" if split else TEST, for_training=False)


def _label_map(found: tuple[str, ...], known: tuple[str, ...]) -> np.ndarray:
    """Label in the data -> class of the network, by name: [len(found)] int64."""
    for name in found:
        if name not in known:
            raise DataError(
                f"the data have the class '{name}', which the network does not know: {nearest(name, known)}"
            )
    return np.array([known.index(name) for name in found])
