"""Sharpness-aware minimisation, by hand and as optax has it; accumulation is tested with the step."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

from study_classification.optim.gradients import sharpness_aware

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
