import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from study_classification.tasks.sigmoid import Sigmoid
from study_classification.tasks.softmax import Softmax
from study_classification.tasks.task import names_of

LOGITS = jnp.array([-3.0, -0.2, 0.0, 0.7, 5.0])
LABELS = jnp.array([0, 1, 1, 0, 1])


def as_two(logits, positive):
    """The logits of a softmax that says the same: (0, z), or (z, 0)."""
    columns = [jnp.zeros_like(logits), logits]
    return jnp.stack(columns if positive else columns[::-1], axis=-1)


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, np.array([0.5, 3.0], np.float32)])
def test_one_logit_is_a_softmax_of_two(positive, smoothing, weights):
    one, two = Sigmoid(2, smoothing, weights, positive), Softmax(2, smoothing, weights)
    targets = one.targets(LABELS)
    np.testing.assert_array_equal(targets, two.targets(LABELS))
    targets = 0.75 * targets + 0.25 * jnp.roll(targets, 1, axis=0)  # as Mixup has them

    def loss(z):
        return one.losses(z[:, None], targets)

    def loss_of_two(z):
        return two.losses(as_two(z, positive), targets)

    np.testing.assert_allclose(loss(LOGITS), loss_of_two(LOGITS), rtol=1e-6)
    gradients = (jax.grad(lambda z, of=of: of(z).sum())(LOGITS) for of in (loss, loss_of_two))
    np.testing.assert_allclose(*gradients, rtol=1e-5, atol=1e-7)
    predictions = one.predictions(LOGITS[:, None])
    np.testing.assert_allclose(predictions, two.predictions(as_two(LOGITS, positive)), rtol=1e-6)
    np.testing.assert_allclose(np.exp(predictions).sum(1), 1, rtol=1e-6)


def test_numbers_counted_by_hand():
    task = Sigmoid(2, positive=0)
    assert (task.num_outputs, names_of(task)) == (1, ("loss", "accuracy"))
    outputs = jnp.log(jnp.array([[3.0], [1 / 4]]))  # the odds of class 0
    np.testing.assert_allclose(np.exp(task.predictions(outputs)), [[0.75, 0.25], [0.2, 0.8]], rtol=1e-6)
    values = task.measured(task.predictions(outputs), task.targets(jnp.array([0, 0])))
    np.testing.assert_allclose(values["loss"], -np.log([0.75, 0.2]), rtol=1e-6)
    np.testing.assert_array_equal(values["accuracy"], [1, 0])


def test_large_logits_are_neither_infinite_nor_without_a_gradient():
    task, outputs = Sigmoid(2), jnp.array([[-1e4], [1e4]])
    targets = task.targets(jnp.array([1, 0]))
    np.testing.assert_array_equal(task.losses(outputs, targets), [1e4, 1e4])
    np.testing.assert_array_equal(jax.grad(lambda z: task.losses(z, targets).sum())(outputs)[:, 0], [-1, 1])
    assert np.isfinite(task.measured(task.predictions(outputs), targets)["loss"]).all()


def test_class_weights_keep_the_task():
    task = Sigmoid(2, positive=0).fitted(np.array([0, 0, 0, 1]))
    assert isinstance(task, Sigmoid) and task.positive == 0
    np.testing.assert_allclose(task.class_weights, [4 / 6, 4 / 2], rtol=1e-6)


def test_one_output_and_two_learn_the_same():
    """Of two outputs, each step moves both, so their difference z1 - z0 moves twice as far: half the rate, and twice
    the penalty, from the same function at first, give the same function after any number of steps."""
    x = jax.random.normal(jax.random.key(0), (40, 3))
    labels = (x @ jnp.array([1.0, -2.0, 0.5]) > 0.3).astype(jnp.int32)
    two = {"kernel": jax.random.normal(jax.random.key(1), (3, 2)), "bias": jnp.array([0.3, -0.1])}
    two["kernel"] = two["kernel"] - two["kernel"].mean(1, keepdims=True)  # what both have in common says nothing
    one = jax.tree.map(lambda leaf: leaf[..., 1:] - leaf[..., :1], two)

    def learnt(task, params, rate, l2):
        optimizer = optax.sgd(rate, momentum=0.9)

        def loss(params):
            outputs = x @ params["kernel"] + params["bias"]
            return task.losses(outputs, task.targets(labels)).mean() + l2 / 2 * jnp.sum(params["kernel"] ** 2)

        def step(state, _):
            updates, found = optimizer.update(jax.grad(loss)(state[0]), state[1])
            return (optax.apply_updates(state[0], updates), found), None

        (params, _), _ = jax.lax.scan(step, (params, optimizer.init(params)), length=60)
        return np.exp(task.predictions(x @ params["kernel"] + params["bias"]))

    probabilities = learnt(Sigmoid(2), one, 0.2, 0.1)
    assert ((probabilities[:, 1] > 0.5) == labels).mean() > 0.9
    np.testing.assert_allclose(probabilities, learnt(Softmax(2), two, 0.1, 0.2), atol=2e-6)
    assert np.abs(probabilities - learnt(Softmax(2), two, 0.2, 0.2)).max() > 1e-3
