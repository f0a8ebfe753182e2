"""The features of every example of a split, and the training examples that are nearest to an example."""

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
        split: the name of the split.
        examples: the split itself.
        labels: the class of each example as the network numbers it, or its number, [n].
        features: the pooled features of the backbone, float32 [n, d].
    """

    split: str
    examples: Split | RowSplit
    labels: np.ndarray
    features: Float[np.ndarray, "n d"]

    def name(self, place: int) -> str:
        """The name by which a person can find an example."""
        return self.examples.names[place] if isinstance(self.examples, RowSplit) else self.examples[place].name


def features_of_split(predictor: Predictor, data: Dataset, split: str) -> SplitFeatures:
    """Passes every example of a split through the backbone, once.

    Raises:
        DataError: if there is no such split, or the network does not know its classes.
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
    """(cosine similarities, indices) of the most similar training examples, both [n, count], in falling order.

    Args:
        train: features of the training examples.
        asked: features of other examples; None asks for each training example, which is not its own neighbour.
        count: how many neighbours; fewer if there are fewer training examples.
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(count, len(train) - (asked is None))
    distances, places = NearestNeighbors(metric="cosine", algorithm="brute").fit(train).kneighbors(asked, count)
    return 1 - distances, places
