"""Opens what training reads: the data set, a batch size that fits it, the order of the examples, and the images.

Only this file asks whether there is a feature cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jaxtyping import Float32, Int32, PyTree
from ml_collections import ConfigDict

from study_classification.data.batches import Images, ResidentImages, batch_shapes, on_every_device, open_examples
from study_classification.data.dataset import Dataset, class_names, open_dataset
from study_classification.data.order import Order, TrainingOrder, training_order
from study_classification.data.prepare import cache_directory
from study_classification.data.sources import TRAIN, VALIDATION
from study_classification.errors import ConfigError, DataError
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.inputs.kinds import Reader, reader_of
from study_classification.system import devices
from study_classification.system.console import say
from study_classification.system.threads import num_workers
from study_classification.tasks.create import has_numbers
from study_classification.tasks.task import Task
from study_classification.training.feature_cache import ViewOrder, cached_features
from study_classification.training.setup import Experiment

BASELINE_OF = 20_000  # the most validation images for which the baseline is printed


@dataclass(frozen=True)
class Feed:
    """The data set of an experiment, and the order in which training reads it.

    Attributes:
        experiment: the experiment.
        data: the data set.
        batch_size: the batch size of the config, or less if there are fewer examples.
        order: the order of the training examples.
        task: the task of the experiment, fitted to the training labels.
        views: how many views of each training image the feature cache holds; 0 without a feature cache.
    """

    experiment: Experiment
    data: Dataset
    batch_size: int
    order: TrainingOrder
    task: Task
    views: int

    def images(self, name: str, variables: dict[str, PyTree]) -> Images:
        """A split as training or validation sees it: its images, or their features from the frozen backbone."""
        experiment = self.experiment
        if not self.views:
            return _open(experiment, self.data, name, reader_for(experiment, _canvas_size(experiment, name)))
        arrays = features_of_split(experiment, self.data, name, variables, self.views if name == TRAIN else 1)
        sharding = devices.batch_sharding(experiment.mesh)
        return ResidentImages(on_every_device(arrays, sharding), sharding)

    @property
    def order_of_images(self) -> Order:
        """The order for the rows of `images` of the training split."""
        return ViewOrder(self.order, self.views) if self.views else self.order

    def batch_shapes(self) -> dict[str, jax.ShapeDtypeStruct] | None:
        """The shapes of the batches of a training step, before images are read; None for features and rows."""
        reader = reader_for(self.experiment, _canvas_size(self.experiment, TRAIN))
        if self.views or not isinstance(reader, ImageReader):
            return None
        label_type = np.dtype(np.int32 if self.experiment.class_names else np.float32)
        return batch_shapes(reader, label_type, self.batch_size, devices.batch_sharding(self.experiment.mesh))


def open_feed(experiment: Experiment) -> Feed:
    """Opens the data set of an experiment and prints what is in it.

    Raises:
        DataError: if the data set cannot be used, or has too few images for the devices.
        ConfigError: if batches cannot be cut into `accumulate_steps` parts.
    """
    config, task, preprocess = experiment.config, experiment.task, experiment.preprocess
    cache = cache_directory(config.data)
    data = open_dataset(config.data, numbers=has_numbers(config.task))
    say(data.describe())
    if not isinstance(preprocess, Preprocess):
        say(preprocess.describe())
    if data.class_names != experiment.class_names:
        lost = sorted(set(class_names(config.data)) - set(data.class_names))
        raise DataError(f"no picture of {', '.join(lost)} can be read: mend them, or remove the class from the data")
    count = len(data.split(TRAIN))
    batch_size = _fitting_batch_size(config, count, experiment.mesh.size, preprocess.noun)
    if config.data.sampling or config.class_weights:
        _require_every_class(data.labels(TRAIN, cache), data.class_names)
    balanced = data.labels(TRAIN, cache) if config.data.sampling else None
    order = training_order(count, batch_size, config.seed, balanced)
    if config.class_weights or not data.class_names:
        task = task.fitted(data.labels(TRAIN, cache))
    if len(data.split(VALIDATION)) <= BASELINE_OF:
        labels = data.labels(VALIDATION, cache)
        say(
            baseline(labels, data.class_names, preprocess.noun)
            if data.class_names
            else baseline_of_numbers(labels, task.kept["mean"], preprocess.noun)
        )
    views = config.feature_cache.views if config.learning == "transfer_learning" else 0
    return Feed(experiment, data, batch_size, order, task, views)


def baseline(labels: Int32[np.ndarray, " n"], class_names: Sequence[str], noun: str) -> str:
    """A sentence about what a network has to beat: the share of the most frequent class in the validation labels."""
    counts = np.bincount(labels, minlength=len(class_names))
    most = int(np.argmax(counts))
    share = counts[most] / len(labels)
    return f"Always saying {class_names[most]} would be right for {share:.1%} of the validation {noun}"


def baseline_of_numbers(labels: Float32[np.ndarray, " n"], mean: float, noun: str) -> str:
    """A sentence about what a network has to beat: the errors of always predicting the mean of the training numbers."""
    errors = labels.astype(np.float64) - mean
    return (
        f"Always saying {mean:.6g}, the mean of the training {noun}, would be wrong by {np.abs(errors).mean():.6g} "
        f"on average for the validation {noun} (mse {np.square(errors).mean():.6g})"
    )


def _require_every_class(labels: Int32[np.ndarray, " n"], class_names: Sequence[str]) -> None:
    counts = np.bincount(labels, minlength=len(class_names))
    if not counts.all():
        raise DataError(
            f"the class {class_names[int(np.argmin(counts))]} has no picture in the split {TRAIN}, so the classes "
            "cannot be balanced: add some, or set class_weights and data.sampling to ''"
        )


def _fitting_batch_size(config: ConfigDict, num_examples: int, num_devices: int, noun: str = "pictures") -> int:
    """The batch size; with fewer examples, the largest number that devices and parts share evenly."""
    batch_size, parts = config.batch_size, config.accumulate_steps
    if batch_size % num_devices:
        raise ConfigError(
            f"batch_size {batch_size} cannot be split over {num_devices} devices: choose a multiple of them"
        )
    if batch_size % (num_devices * parts):
        raise ConfigError(
            f"accumulate_steps is {parts}, but batch_size {batch_size} on {num_devices} devices cannot be cut into so "
            f"many equal parts: choose a batch_size that is a multiple of {num_devices * parts}"
        )
    if num_examples >= batch_size:
        return batch_size
    fitting = num_examples // (num_devices * parts) * num_devices * parts
    if not fitting:
        raise DataError(
            f"there are {num_examples} training {noun} for {num_devices} devices and accumulate_steps={parts}: add "
            f"{noun}, or use fewer of either"
        )
    say(f"batch_size {batch_size} is more than the {num_examples} training {noun}: using {fitting}")
    return fitting


def features_of_split(
    experiment: Experiment, data: Dataset, name: str, variables: dict[str, PyTree], views: int = 1
) -> dict[str, np.ndarray]:
    """The features of a split from the backbone, see `cached_features`; one view has no augmentation."""
    canvas_size = _canvas_size(experiment, TRAIN) if views > 1 else 0
    cache = cache_directory(experiment.config.data)
    open_views = partial(_open, experiment, data, name, reader_for(experiment, canvas_size))
    return cached_features(experiment, variables, open_views, data.images(name), views, cache)


def _open(experiment: Experiment, data: Dataset, name: str, reader: Reader) -> Images:
    config = experiment.config
    return open_examples(
        data.split(name),
        reader,
        mode=config.data.mode,
        free_memory=devices.free_memory(),
        cache=cache_directory(config.data),
        workers=num_workers(config.data.workers),
        sharding=devices.batch_sharding(experiment.mesh),
    )


def _canvas_size(experiment: Experiment, name: str) -> int:
    """The side of the canvas from which crops are cut; 0 without crops."""
    augmentation = experiment.augmentation
    return augmentation.canvas_size if name == TRAIN and augmentation.random_resized_crop else 0


def reader_for(experiment: Experiment, canvas_size: int) -> Reader:
    """The object that reads examples into the values of a batch. With a canvas size it gives images for crops."""
    return reader_of(experiment.preprocess, experiment.config.data.max_megapixels, canvas_size)
