"""Sharpness-aware minimisation, by hand and as optax has it; accumulation is tested with the step."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

from study_classification.optim.gradients import accumulated, sharpness_aware

CURVATURES = jnp.array([1.0, 4.0])


def objective(weights):
    return jnp.sum(CURVATURES * weights**2) / 2


def gradients_of(trained, frozen, batch_stats, batch, key):
    """A bowl, in the form that gradients.py wants."""
    return (objective(trained), (trained, batch_stats + 1)), jax.grad(objective)(trained)


def test_the_gradient_is_that_of_the_worst_point_nearby():
    weights = jnp.array([3.0, 1.0])
    (value, (outputs, statistics)), gradients = sharpness_aware(gradients_of, 0.5)(weights, None, 0, None, None)
    # the gradient (3, 4) has the length 5, so the worst point at the distance 0.5 is (3.3, 1.4)
    assert np.asarray(gradients) == pytest.approx([3.3, 4 * 1.4])
    assert (float(value), statistics) == (6.5, 1)  # of the point itself
    assert list(outputs) == [3, 1]


def test_descending_with_it_is_the_sam_of_optax():
    weights = expected = jnp.array([3.0, 1.0])
    plain = optax.sgd(0.1, momentum=0.9)
    normalized = optax.chain(optax.contrib.normalize(), optax.sgd(0.05))
    reference = optax.contrib.sam(plain, normalized, opaque_mode=True)
    state, reference_state = plain.init(weights), reference.init(weights)
    for _ in range(5):
        _, gradients = sharpness_aware(gradients_of, 0.05)(weights, None, 0, None, None)
        updates, state = plain.update(gradients, state, weights)
        weights = optax.apply_updates(weights, updates)
        updates, reference_state = reference.update(
            jax.grad(objective)(expected), reference_state, expected, grad_fn=lambda w, _: jax.grad(objective)(w)
        )
        expected = optax.apply_updates(expected, updates)
        np.testing.assert_allclose(weights, expected, rtol=1e-5)


def test_a_part_has_every_second_example_and_outputs_keep_their_order():
    def largest(trained, frozen, batch_stats, batch, key):
        return (batch.max(), (10 * batch, batch_stats + batch[0])), trained * batch.sum()

    batch = jnp.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    (value, (outputs, statistics)), gradients = accumulated(largest, 2)(2.0, None, 0.0, batch, jax.random.key(0))
    assert float(value) == 4.5  # of 0, 2, 4 and of 1, 3, 5
    assert list(outputs) == [0, 10, 20, 30, 40, 50]
    assert float(statistics) == 1  # 0 and then 1
    assert float(gradients) == 15  # the mean of 2 x 6 and 2 x 9


def test_each_part_draws_its_own_numbers():
    def drawn(trained, frozen, batch_stats, batch, key):
        return (jnp.zeros(()), (jax.random.uniform(key, batch.shape), batch_stats)), trained

    (_, (outputs, _)), _ = accumulated(drawn, 2)(0.0, None, 0.0, jnp.zeros(4), jax.random.key(0))
    assert len(set(map(float, outputs))) == 4
