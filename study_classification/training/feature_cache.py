"""The feature cache: each image passes a frozen backbone once, and the head trains on its features.

Without augmentation the head learns exactly what it would learn without the cache. With stored augmented views
(`feature_cache.views`), epoch e sees view e modulo views of each image.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from jaxtyping import PyTree

from study_classification.data.batches import Images
from study_classification.data.dataset import Split
from study_classification.data.order import EvaluationOrder, TrainingOrder
from study_classification.inputs.images.augment import Augment
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.models import pooling_of
from study_classification.models.own import identity_of
from study_classification.system import devices
from study_classification.system.array_cache import Create, cached_arrays
from study_classification.system.console import progress, say
from study_classification.training.setup import Experiment
from study_classification.training.step import make_extract

FORMAT = 3  # part of every key: raise it when features of the same inputs change


@dataclass(frozen=True)
class ViewOrder:
    """A training order over stored views: view v of example i is row v x num_examples + i."""

    order: TrainingOrder
    views: int

    def __getitem__(self, step: int) -> dict[str, np.ndarray]:
        planned = self.order[step]
        return planned | {"index": planned["index"] + planned["epoch"] % self.views * self.order.num_examples}


def cached_features(
    experiment: Experiment,
    variables: dict[str, PyTree],
    open_images: Callable[[], Images],
    examples: Split,
    views: int,
    cache: Path,
) -> dict[str, np.ndarray]:
    """The features of a split, to train on instead of its images. They are computed once and kept in a file.

    Args:
        experiment: network, preprocessing, augmentation, batch size.
        variables: the variables of the network, whose backbone makes the features.
        open_images: opens the images of the split, on the training canvas for several views. It is called only if the
            cache lacks the features.
        examples: the split.
        views: 1 stores the plain image; each of several views is augmented.
        cache: the cache directory.

    Returns:
        `features` [n, ...] float32 and `label` [n]; view v of example i is row v x len(examples) + i.

    Raises:
        EnvironmentFault: if the cache cannot be written.
    """
    config, preprocess = experiment.config, experiment.preprocess
    assert isinstance(preprocess, Preprocess)  # networks with given weights have it
    plain = Augment(preprocess.image_size, preprocess.image_size)
    augmentation = experiment.augmentation if views > 1 else plain
    identity = _identity(experiment, variables, examples, views, augmentation)
    order = EvaluationOrder(len(examples), config.batch_size)

    def fill(create: Create) -> None:
        of_each = "views" if views > 1 else "view"
        say(f"Passing {len(examples):,} pictures through the backbone, {views} {of_each} of each ...")
        images = open_images()
        extract_features = make_extract(experiment.model, preprocess, augmentation, config.seed)

        @functools.partial(jax.jit, out_shardings=devices.replicated(experiment.mesh))
        def extract(variables: PyTree, batch: dict, view: int) -> dict:
            return {"features": extract_features(variables, batch, view), "label": batch["label"]}

        arrays: dict[str, np.ndarray] = {}
        for view in range(views):
            batches = progress(images.batches(order, range(len(order))), "extracting features", total=len(order))
            for step, batch in enumerate(batches):
                real = order[step]["mask"] == 1
                rows = view * len(examples) + order[step]["index"][real]
                for name, values in jax.device_get(extract(variables, batch, view)).items():
                    if name not in arrays:
                        arrays[name] = create(name, values.dtype, (views * len(examples), *values.shape[1:]))
                    arrays[name][rows] = values[real]

    return cached_arrays(cache / "features", identity, fill)


def _identity(
    experiment: Experiment, variables: dict[str, PyTree], examples: Split, views: int, augmentation: Augment
) -> list:
    """Everything that the features depend on."""
    config = experiment.config
    frozen = {"params": {"backbone": variables["params"]["backbone"]}, "batch_stats": variables["batch_stats"]}
    return [
        FORMAT,
        views,
        digest_of(frozen),
        examples.key,
        identity_of(config.model.name),
        config.model.origin,
        pooling_of(config.model.head),
        config.precision,
        experiment.preprocess.to_json(),
        dataclasses.asdict(augmentation),
        config.seed if views > 1 else 0,
    ]


def digest_of(variables: PyTree) -> str:
    """The SHA-256 of all arrays of a tree and their paths."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_flatten_with_path(variables)[0]:
        digest.update(jax.tree_util.keystr(path).encode() + np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()
