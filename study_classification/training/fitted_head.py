"""Fits the head of a network with given weights at once: a logistic regression on the features of the backbone.

On the features of a frozen backbone a linear head is a convex problem, which scikit-learn solves in less than a second.
Training that begins there instead of at random weights begins with the accuracy of the best linear head, however few
images there are.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, PyTree
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from study_classification.data.dataset import Dataset
from study_classification.data.sources import TRAIN
from study_classification.system import hosts
from study_classification.system.console import say
from study_classification.tasks.sigmoid import Sigmoid
from study_classification.training.feed import features_of_split
from study_classification.training.setup import Experiment

EXAMPLES = 5000  # the most training images to which the head is fitted
MAX_ITERATIONS = 1000


def with_fitted_head(experiment: Experiment, data: Dataset, variables: dict[str, PyTree]) -> dict[str, PyTree]:
    """The variables, with a last layer that is fitted to the training split if `model.head.fitted` is set.

    A last layer that came with the given weights stays the same.

    Raises:
        DataError: if an image cannot be read.
    """
    config = experiment.config
    if not config.model.head.fitted or not experiment.pretrained or not experiment.pretrained.skipped:
        return variables
    arrays = features_of_split(experiment, data, TRAIN, variables)
    count = len(arrays["label"])
    chosen = np.arange(count)
    if count > EXAMPLES:
        chosen = np.sort(np.random.default_rng(config.seed).permutation(count)[:EXAMPLES])
    balanced = config.class_weights or config.data.sampling
    say(f"Fitting the last layer to the features of {len(chosen):,} training pictures ...")
    kernel, bias = hosts.tree_from_first(
        fit(arrays["features"][chosen], arrays["label"][chosen], len(experiment.class_names), bool(balanced))
    )
    if isinstance(experiment.task, Sigmoid):
        kernel, bias = one_logit(kernel, bias, experiment.task.positive)
    head = variables["params"]["head"] | {"classifier": {"kernel": kernel, "bias": bias}}
    return variables | {"params": variables["params"] | {"head": head}}


def fit(
    features: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], num_classes: int, balanced: bool
) -> tuple[Float[np.ndarray, "d classes"], Float[np.ndarray, " classes"]]:
    """(kernel [d, classes], bias [classes]) of scikit-learn's logistic regression with its penalty, |kernel|^2 / 2.

    A class without an example gets a kernel of zeros and the least bias. `balanced` gives all classes the same weight.
    """
    model = LogisticRegression(max_iter=MAX_ITERATIONS, class_weight="balanced" if balanced else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough: training goes on from there
        model.fit(features, labels)
    kernel, bias = _for_each_class(model.coef_, model.intercept_)
    all_kernels = np.zeros((features.shape[1], num_classes), np.float32)
    all_biases = np.full(num_classes, bias.min(), np.float32)
    all_kernels[:, model.classes_], all_biases[model.classes_] = kernel.T, bias
    return all_kernels, all_biases


def one_logit(
    kernel: Float[np.ndarray, "d 2"], bias: Float[np.ndarray, " 2"], positive: int
) -> tuple[Float[np.ndarray, "d 1"], Float[np.ndarray, " 1"]]:
    """The layer whose sigmoid is the probability of the positive class in the softmax of this layer for two classes."""
    other = 1 - positive
    return kernel[:, [positive]] - kernel[:, [other]], bias[[positive]] - bias[[other]]


def _for_each_class(coefficients: np.ndarray, intercepts: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """One row for each class. For two classes scikit-learn gives one row, of the second class against the first."""
    if len(coefficients) > 1:
        return coefficients, np.asarray(intercepts)
    halves = np.array([-0.5, 0.5])
    return halves[:, None] * coefficients, halves * intercepts
