import jax.numpy as jnp
import numpy as np
import pytest

from study_classification.errors import DataError
from study_classification.tasks.regression import Regression
from study_classification.tasks.task import higher_is_better, names_of

LABELS = np.array([10.0, 20.0, 30.0, 40.0], np.float32)  # mean 25, variance 125
STD = 125**0.5


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (Regression("squared"), [9.0, 0.25]),
        (Regression("absolute"), [3.0, 0.5]),
        (Regression("huber"), [1 * (3 - 0.5), 0.125]),
        (Regression("huber", huber_delta=2.0), [2 * (3 - 1.0), 0.125]),
    ],
)
def test_losses_are_of_standardised_numbers(task, expected):
    task = task.fitted(LABELS)
    targets = task.targets(jnp.array([25.0, 25 + STD]))
    np.testing.assert_allclose(targets, [[0.0], [1.0]], atol=1e-6)
    outputs = jnp.array([[3.0], [0.5]])
    np.testing.assert_allclose(task.losses(outputs, targets), expected, rtol=1e-5)
    values = task.measured(task.predictions(outputs), targets)
    np.testing.assert_allclose(values["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(values["mae"], [3 * STD, 0.5 * STD], rtol=1e-5)  # in their own unit
    np.testing.assert_allclose(values["mse"], [9 * 125, 0.25 * 125], rtol=1e-5)


def test_what_is_kept_of_the_training_numbers_makes_predictions():
    task = Regression().fitted(LABELS)
    assert task.kept == {"mean": 25.0, "std": pytest.approx(STD, rel=1e-12)}
    again = Regression(**task.kept)
    np.testing.assert_allclose(again.predictions(jnp.array([[0.0], [-1.0]])), [25, 25 - STD], rtol=1e-6)
    np.testing.assert_allclose(again.average(jnp.array([1.0]), jnp.array([4.0])), [2.5])


def test_the_best_epoch_has_the_lowest_error_of_the_kind_of_the_loss():
    assert names_of(Regression("squared")) == ("loss", "mse", "mae")
    assert names_of(Regression("absolute")) == names_of(Regression("huber")) == ("loss", "mae", "mse")
    assert not any(higher_is_better(Regression(), name) for name in names_of(Regression()))


def test_equal_numbers_teach_nothing():
    with pytest.raises(DataError, match="all training pictures have the same number, 7, so there is nothing to learn"):
        Regression().fitted(np.array([7.0, 7.0], np.float32))


def test_numbers_that_are_not_standardised_are_learnt_as_they_are():
    task = Regression(standardized=False).fitted(LABELS)
    assert task.kept == {"mean": 25.0, "std": pytest.approx(STD)}  # for whoever wants to compare
    np.testing.assert_array_equal(task.targets(jnp.array([10.0, 40.0])), [[10], [40]])
    outputs, targets = jnp.array([[12.0], [40.0]]), task.targets(jnp.array([10.0, 40.0]))
    np.testing.assert_array_equal(task.predictions(outputs), [12, 40])
    np.testing.assert_array_equal(task.losses(outputs, targets), [4, 0])
    np.testing.assert_array_equal(task.measured(task.predictions(outputs), targets)["loss"], [4, 0])
