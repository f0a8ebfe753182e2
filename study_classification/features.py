"""The feature cache: with a frozen backbone each picture passes it once, and the head trains on what came out.

Without augmentation the head learns exactly what it would learn behind the backbone; with stored augmented views
(`feature_cache.views`) epoch e sees view e modulo views of each picture.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Array
from numpy.lib.format import open_memmap

from study_classification.console import progress, say
from study_classification.data.pipeline import EvaluationPlan, Images, TrainingPlan
from study_classification.files import unwritable, write_json

FORMAT = 1  # part of every key: raise it when features of the same inputs change


@dataclass(frozen=True)
class ViewPlan:
    """A training plan over stored views: view v of example i is row v x num_examples + i."""

    plan: TrainingPlan
    views: int

    def __getitem__(self, step: int) -> dict[str, np.ndarray]:
        planned = self.plan[step]
        return planned | {"index": planned["index"] + planned["epoch"] % self.views * self.plan.num_examples}


def cached_features(
    extract: Callable[[dict[str, Array], int], Array],
    images: Images,
    num_examples: int,
    batch_size: int,
    views: int,
    identity: list,
    cache: Path,
) -> dict[str, np.ndarray]:
    """The features of all pictures, computed once and then read back from a memory-mapped file.

    Args:
        extract: batch and number of the view -> features float32 [b, ...].
        images: where batches come from.
        num_examples: how many there are.
        batch_size: of the passes through the backbone.
        views: how many views of each picture are stored.
        identity: whatever the features depend on, for JSON: weights, data, preprocessing, augmentation.
        cache: the cache directory.

    Returns:
        features [views x num_examples, ...] float32 and label [views x num_examples] int32.

    Raises:
        EnvironmentFault: if the cache cannot be written.
    """
    key = hashlib.sha256(json.dumps([FORMAT, views, *identity]).encode()).hexdigest()[:20]
    folder = cache / "features" / key
    if not (folder / "complete.json").exists():
        plan = EvaluationPlan(num_examples, batch_size)
        say(f"Passing {num_examples:,} pictures through the backbone, {views} view{'s' * (views > 1)} of each ...")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            arrays: dict[str, np.ndarray] = {}
            for view in range(views):
                batches = progress(images.batches(plan, range(len(plan))), "extracting features", total=len(plan))
                for batch in batches:
                    real = np.asarray(batch["mask"]) == 1
                    rows = view * num_examples + np.asarray(batch["index"])[real]
                    found = {"features": np.asarray(extract(batch, view)), "label": np.asarray(batch["label"])}
                    for name, values in found.items():
                        if name not in arrays:
                            shape = (views * num_examples, *values.shape[1:])
                            arrays[name] = open_memmap(folder / f"{name}.npy", "w+", values.dtype, shape)
                        arrays[name][rows] = values[real]
            del arrays  # which flushes them
            write_json(folder / "complete.json", identity)
        except OSError as error:
            raise unwritable(cache, error) from None
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("features", "label")}


def digest_of(variables) -> str:
    """SHA-256 of all arrays of a tree, with their paths."""
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_flatten_with_path(variables)[0]:
        digest.update(jax.tree_util.keystr(path).encode() + np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()
