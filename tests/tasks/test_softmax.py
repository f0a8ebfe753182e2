import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from study_classification.tasks.softmax import Softmax
from study_classification.tasks.task import higher_is_better, names_of

LOGITS = jnp.array([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]])


def cross_entropy(logits, targets):
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return -(targets * np.log(probabilities)).sum(1)


def test_names_and_directions():
    task = Softmax(3)
    assert names_of(task) == ("loss", "accuracy")
    assert (higher_is_better(task, "loss"), higher_is_better(task, "accuracy")) == (False, True)
    with pytest.raises(KeyError):
        higher_is_better(task, "error")


def test_the_training_loss_is_smoothed_and_weighted_and_the_measured_one_plain():
    targets = np.eye(3)[[2, 1]]
    task = Softmax(3, label_smoothing=0.3, class_weights=np.array([1.0, 2.0, 4.0], np.float32))
    smoothed = 0.7 * targets + 0.1
    np.testing.assert_allclose(
        task.losses(LOGITS, task.targets(jnp.array([2, 1]))), cross_entropy(LOGITS, smoothed) * [4, 2], rtol=1e-5
    )
    values = task.measured(task.predictions(LOGITS), task.targets(jnp.array([2, 1])))
    np.testing.assert_allclose(values["loss"], cross_entropy(LOGITS, targets), rtol=1e-5)
    np.testing.assert_array_equal(values["accuracy"], [0, 1])


def test_of_a_mixed_target_the_greater_part_is_right():
    task = Softmax(3)
    targets = jnp.array([[0.6, 0.0, 0.4], [0.7, 0.3, 0.0]])
    values = task.measured(task.predictions(LOGITS), targets)
    np.testing.assert_array_equal(values["accuracy"], [1, 0])
    np.testing.assert_allclose(values["loss"], cross_entropy(LOGITS, targets), rtol=1e-5)


def test_an_impossible_class_is_no_nan():
    predictions = jnp.array([[0.0, -jnp.inf]])
    values = Softmax(2).measured(predictions, jnp.array([[1.0, 0.0]]))
    assert float(values["loss"][0]) == 0.0


def test_averaging_means_the_probabilities():
    one, other = (jnp.log(jnp.array([row])) for row in ([0.2, 0.8], [0.6, 0.4]))
    np.testing.assert_allclose(np.exp(Softmax(2).average(one, other)), [[0.4, 0.6]], rtol=1e-6)


def test_balanced_weights_are_those_of_scikit_learn():
    labels = np.array([0, 0, 0, 1, 2, 2, 3, 3])
    weights = Softmax(4).fitted(labels).class_weights
    np.testing.assert_allclose(weights, compute_class_weight("balanced", classes=np.arange(4), y=labels), rtol=1e-6)
    assert weights[labels].mean() == pytest.approx(1)


def test_every_class_has_a_weight():
    with np.errstate(divide="ignore"):
        weights = Softmax(3).fitted(np.array([0, 0, 0, 1])).class_weights
    assert weights.shape == (3,)
    np.testing.assert_allclose(weights[:2], [4 / (3 * 3), 4 / (3 * 1)], rtol=1e-6)
