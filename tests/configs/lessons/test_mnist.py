import math

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from study_classification.configs.lessons import mnist
from study_classification.models import create_model
from study_classification.models.initial import variable_shapes
from study_classification.tasks.softmax import Softmax
from study_classification.tasks.task import LOSS
from study_classification.trees import count_parameters


@pytest.mark.parametrize(
    ("arguments", "side", "parameters"),
    [
        ("", 8, (8 * 8 + 1) * 128 + (128 + 1) * 10),
        ("exercise", 8, (8 * 8 + 1) * 64 + (64 + 1) * 10),
        ("data=tfds:mnist", 28, 101_770),
        ("data=tfds:mnist,exercise", 28, 50_890),
    ],
)
def test_the_network_is_that_of_every_course(arguments, side, parameters):
    config = mnist.get_config(arguments)
    assert config.preprocess.image_size == side
    params = variable_shapes(create_model(config.model, 10, jnp.float32), (side, side, 1))["params"]
    assert count_parameters(params) == parameters


def test_the_exercise_has_batches_of_its_own():
    lesson, exercise = mnist.get_config(), mnist.get_config("exercise")
    assert (lesson.batch_size, lesson.total_epochs) == (128, 10)
    assert (exercise.batch_size, exercise.total_epochs) == (16, 5)


def test_one_hot_and_integer_labels_have_one_loss():
    """The docstring's example: by hand, by both functions of optax, by the task. Logits that are ln p give p."""
    logits, label = jnp.log(jnp.array([[0.2, 0.7, 0.1]])), jnp.array([1])
    one_hot = jnp.array([[0.0, 1.0, 0.0]])
    losses = (
        optax.softmax_cross_entropy(logits, one_hot)[0],
        optax.softmax_cross_entropy_with_integer_labels(logits, label)[0],
        Softmax(3).measured(logits, Softmax(3).targets(label))[LOSS][0],
    )
    np.testing.assert_allclose(losses, -math.log(0.7), rtol=1e-6)
    assert round(-math.log(0.7), 3) == 0.357
