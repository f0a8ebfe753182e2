"""What a network's last layers work on, of every example of a split; and the training examples nearest to one."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from study_classification.data.dataset import Dataset, Split
from study_classification.data.rows import RowSplit
from study_classification.inference.measure import label_map, outputs_of
from study_classification.inference.predictor import Predictor


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
    parts = outputs_of(predictor, examples, predictor.pooled_features)
    features, labels = (np.concatenate(found) for found in zip(*parts, strict=True))
    if run.class_names:
        labels = label_map(data.class_names, run.class_names)[labels]
    return SplitFeatures(split, examples, labels, features)


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
