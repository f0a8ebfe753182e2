"""What training reads: the data set, a batch size that fits it, the order of the pictures, and the pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Float, Int32, PyTree
from ml_collections import ConfigDict

from study_classification.data.batches import Images, ResidentImages, batch_shapes, open_images, read
from study_classification.data.dataset import Dataset, class_names, open_dataset
from study_classification.data.order import BalancedOrder, Order, TrainingOrder
from study_classification.data.prepare import cache_directory
from study_classification.data.sources import TRAIN, VALIDATION
from study_classification.errors import ConfigError, DataError
from study_classification.inputs.images.preprocess import normalize
from study_classification.inputs.images.reader import ImageReader
from study_classification.system import devices
from study_classification.system.console import say
from study_classification.system.threads import num_workers, parallel
from study_classification.training.feature_cache import ViewOrder, cached_features
from study_classification.training.setup import Experiment, initial_variables

BASELINE_OF = 20_000  # validation pictures, at most, of which the most frequent class is told
STATISTICS_OF = 5000  # training pictures, at most, of which a backbone takes statistics


@dataclass(frozen=True)
class Feed:
    """The data set of an experiment, and how its training split is gone through.

    Attributes:
        data: the data set.
        batch_size: that of the config, or less where there are fewer pictures.
        plan: which pictures each step trains on.
        class_weights: of the loss; None where all classes weigh the same.
    """

    data: Dataset
    batch_size: int
    plan: TrainingOrder
    class_weights: Float[np.ndarray, " classes"] | None


def open_feed(experiment: Experiment) -> Feed:
    """Opens the data set of an experiment and describes it to the person who looks on.

    Raises:
        DataError: if it cannot be used, or has too few pictures for the devices.
        ConfigError: if its batches cannot be cut into `accumulate_steps` parts.
    """
    config = experiment.config
    data = open_dataset(config.data)
    say(data.describe())
    if len(data.split(VALIDATION)) <= BASELINE_OF:
        say(baseline(data.labels(VALIDATION, cache_directory(config.data)), data.class_names))
    if len(data.class_names) != experiment.num_classes:
        lost = sorted(set(class_names(config.data)) - set(data.class_names))
        raise DataError(f"no picture of {', '.join(lost)} can be read: mend them, or remove the class from the data")
    count = len(data.split(TRAIN))
    batch_size = _fitting_batch_size(config, count, experiment.mesh.size)
    plan, class_weights = TrainingOrder(count, batch_size, config.seed), None
    if config.data.sampling or config.class_weights:
        labels = data.labels(TRAIN, cache_directory(config.data))
        _require_every_class(labels, data.class_names)
        if config.data.sampling:
            plan = BalancedOrder(count, batch_size, config.seed, labels)
        if config.class_weights:
            class_weights = balanced_class_weights(labels, experiment.num_classes)
    return Feed(data, batch_size, plan, class_weights)


def baseline(labels: Int32[np.ndarray, " n"], class_names: Sequence[str]) -> str:
    """What a network has to beat, in words: the share of validation labels that are of the most frequent class."""
    counts = np.bincount(labels, minlength=len(class_names))
    share = counts.max() / len(labels)
    return (
        f"Always saying {class_names[int(counts.argmax())]} would be right for {share:.1%} of the validation pictures"
    )


def _require_every_class(labels: Int32[np.ndarray, " n"], class_names: Sequence[str]) -> None:
    counts = np.bincount(labels, minlength=len(class_names))
    if not counts.all():
        raise DataError(
            f"the class {class_names[int(np.argmin(counts))]} has no picture in the split {TRAIN}, so the classes "
            "cannot be balanced: add some, or set class_weights and data.sampling to ''"
        )


def _fitting_batch_size(config: ConfigDict, num_examples: int, devices: int) -> int:
    """The batch size, or, where there are fewer examples, the most of them that devices and parts can share evenly."""
    batch_size, parts = config.batch_size, config.accumulate_steps
    if batch_size % devices:
        raise DataError(f"batch_size {batch_size} cannot be split over {devices} devices: choose a multiple of them")
    if batch_size % (devices * parts):
        raise ConfigError(
            f"accumulate_steps is {parts}, but batch_size {batch_size} on {devices} devices cannot be cut into so many "
            f"equal parts: choose a batch_size that is a multiple of {devices * parts}"
        )
    if num_examples >= batch_size:
        return batch_size
    fitting = num_examples // (devices * parts) * devices * parts
    if not fitting:
        raise DataError(
            f"there are {num_examples} training pictures for {devices} devices and accumulate_steps={parts}: add "
            "pictures, or use fewer of either"
        )
    say(f"batch_size {batch_size} is more than the {num_examples} training pictures: using {fitting}")
    return fitting


def balanced_class_weights(labels: np.ndarray, num_classes: int) -> Float[np.ndarray, " classes"]:
    """examples / (classes x examples of the class), scikit-learn's `class_weight="balanced"`: 1 on average."""
    return (len(labels) / (num_classes * np.bincount(labels, minlength=num_classes))).astype(np.float32)


def first_variables(experiment: Experiment, data: Dataset) -> dict[str, PyTree]:
    """`initial_variables`, with what a backbone's `statistics_of` finds in the first training pictures.

    Given weights have such statistics with them, of the pictures that they were trained on.

    Raises:
        DataError: if one of these pictures cannot be read.
    """
    variables = initial_variables(experiment)
    if experiment.pretrained or not hasattr(experiment.model.backbone, "statistics_of"):
        return variables
    split, preprocess = data.split(TRAIN), experiment.preprocess
    view = ImageReader(preprocess, experiment.config.data.max_megapixels)
    rows = range(min(len(split), STATISTICS_OF))
    pictures = parallel(lambda row: read(split, row, view)[0], rows, num_workers(experiment.config.data.workers))
    chunks = iter(lambda: list(islice(pictures, 500)), [])  # so that there is never more of them in memory
    batches = (np.asarray(normalize(jnp.asarray(np.stack(chunk)), preprocess)) for chunk in chunks)
    found = experiment.model.backbone.statistics_of(batches)
    flat = flatten_dict(variables["batch_stats"]) | flatten_dict({"backbone": found})
    return variables | {"batch_stats": unflatten_dict(flat)}


def open_pictures(experiment: Experiment, data: Dataset, name: str, variables: dict[str, PyTree]) -> Images:
    """The pictures of a split as training or validation sees them, or with a frozen backbone what it makes of them."""
    views = _stored_views(experiment.config)
    if not views:
        return _open(experiment, data, name, _view(experiment, name))
    arrays = features_of_split(experiment, data, name, variables, views if name == TRAIN else 1)
    return ResidentImages(arrays, devices.batch_sharding(experiment.mesh))


def features_of_split(
    experiment: Experiment, data: Dataset, name: str, variables: dict[str, PyTree], views: int = 1
) -> dict[str, np.ndarray]:
    """What the backbone makes of the pictures of a split, see `cached_features`; of one view without augmentation."""
    canvas_size = _canvas_size(experiment) if views > 1 else 0
    cache = cache_directory(experiment.config.data)
    open_views = partial(_open, experiment, data, name, _view_of(experiment, canvas_size))
    return cached_features(experiment, variables, open_views, data.split(name), views, cache)


def _open(experiment: Experiment, data: Dataset, name: str, view: ImageReader) -> Images:
    config = experiment.config
    return open_images(
        data.split(name),
        view,
        mode=config.data.mode,
        free_memory=devices.free_memory(),
        cache=cache_directory(config.data),
        workers=num_workers(config.data.workers),
        sharding=devices.batch_sharding(experiment.mesh),
    )


def batch_of_pictures(experiment: Experiment, batch_size: int) -> dict[str, jax.ShapeDtypeStruct] | None:
    """What a training step will be given, before there are any pictures; None for what a feature cache gives."""
    if _stored_views(experiment.config):
        return None
    return batch_shapes(_view(experiment, TRAIN), batch_size, devices.batch_sharding(experiment.mesh))


def _view(experiment: Experiment, name: str) -> ImageReader:
    return _view_of(experiment, _canvas_size(experiment) if name == TRAIN else 0)


def _canvas_size(experiment: Experiment) -> int:
    """The side of the canvas that crops are cut from; 0 where none are drawn."""
    return experiment.augmentation.canvas_size if experiment.augmentation.random_resized_crop else 0


def _view_of(experiment: Experiment, canvas_size: int) -> ImageReader:
    return ImageReader(experiment.preprocess, experiment.config.data.max_megapixels, canvas_size)


def plan_of_pictures(config: ConfigDict, plan: TrainingOrder) -> Order:
    """The plan in terms of what `open_pictures` gives of the training split."""
    views = _stored_views(config)
    return ViewOrder(plan, views) if views else plan


def _stored_views(config: ConfigDict) -> int:
    """How often the feature cache holds each training picture; 0 where there is none."""
    return config.feature_cache.views if config.learning == "transfer_learning" else 0
