"""What a network's last layers work on, of every example of a split; and the training examples nearest to one."""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float, Int

from study_classification.data.batches import open_examples
from study_classification.data.dataset import Dataset, Split
from study_classification.data.order import EvaluationOrder
from study_classification.data.prepare import cache_directory
from study_classification.data.rows import RowSplit
from study_classification.inference.measure import finite, label_map
from study_classification.inference.predictor import Predictor
from study_classification.inputs.kinds import reader_of
from study_classification.system import devices
from study_classification.system.threads import num_workers


@dataclass(frozen=True)
class SplitFeatures:
    """The features of a split.

    Attributes:
        split: its name.
        examples: the split.
        labels: classes as the network numbers them, or numbers, [n].
        features: float32 [n, d].
    """

    split: str
    examples: Split | RowSplit
    labels: np.ndarray
    features: Float[np.ndarray, "n d"]

    def name(self, place: int) -> str:
        """A name that a person can find an example by."""
        return self.examples.names[place] if isinstance(self.examples, RowSplit) else self.examples[place].name


def features_of_split(predictor: Predictor, data: Dataset, split: str) -> SplitFeatures:
    """Passes every example of a split through the backbone, once.

    Raises:
        DataError: if there is no such split, or its classes are none of the network's.
        DivergedError: if some features are NaN or infinite.
    """
    run, examples = predictor.run, data.split(split)
    images = open_examples(
        examples,
        reader_of(run.preprocess, run.config.data.max_megapixels),
        mode=run.config.data.mode,
        free_memory=devices.free_memory(),
        cache=cache_directory(run.config.data),
        workers=num_workers(run.config.data.workers),
        sharding=devices.batch_sharding(predictor.mesh),
    )
    sizes = predictor.batch_sizes
    plan = EvaluationOrder(len(examples), next((size for size in sizes if size >= len(examples)), sizes[-1]))
    everywhere = jax.jit(lambda label: label, out_shardings=devices.replicated(predictor.mesh))
    features, labels = [], []
    for step, batch in enumerate(images.batches(plan, range(len(plan)))):
        real = plan[step]["mask"] == 1
        features.append(finite(predictor.pooled_features(batch), predictor.step)[real])
        labels.append(np.asarray(everywhere(batch["label"]))[real])
    found = np.concatenate(labels)
    if run.class_names:
        found = label_map(data.class_names, run.class_names)[found]
    return SplitFeatures(split, examples, found, np.concatenate(features))


def nearest(
    train: Float[np.ndarray, "n d"], asked: Float[np.ndarray, "m d"] | None, count: int
) -> tuple[Float[np.ndarray, "m k"], Int[np.ndarray, "m k"]]:
    """The cosine similarities and places of the training examples that are most similar, in falling order.

    Args:
        train: features of the training examples.
        asked: of others; None asks for each training example, which is then none of its own neighbours.
        count: how many, less where there are fewer training examples.
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(count, len(train) - (asked is None))
    distances, places = NearestNeighbors(metric="cosine", algorithm="brute").fit(train).kneighbors(asked, count)
    return 1 - distances, places
