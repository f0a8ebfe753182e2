"""Updates and rates, computed by hand."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from study_classification.configs import default
from study_classification.optimizer import learning_rate_schedule, make_optimizer, penalty

PARAMS = {"dense": {"kernel": jnp.array([[2.0]]), "bias": jnp.array([3.0])}}
GRADIENTS = {"dense": {"kernel": jnp.array([[0.5]]), "bias": jnp.array([0.5])}}


def config_with(**settings):
    config = default.get_config()
    config.optimizer.update(settings)
    return config


def after_steps(config, steps, rate=0.1):
    optimizer = make_optimizer(config, optax.constant_schedule(rate))
    params, state = PARAMS, optimizer.init(PARAMS)
    for _ in range(steps):
        updates, state = optimizer.update(GRADIENTS, state, params)
        params = optax.apply_updates(params, updates)
    return float(params["dense"]["kernel"][0, 0]), float(params["dense"]["bias"][0])


def test_sgd_with_momentum():
    # velocities 0.5 and 0.5 + 0.9 x 0.5; the bias takes the same steps.
    assert after_steps(config_with(name="sgd", momentum=0.9), 2) == pytest.approx((2 - 0.145, 3 - 0.145))


def test_adam_begins_with_a_step_of_the_rate():
    assert after_steps(config_with(name="adam"), 1) == pytest.approx((1.9, 2.9), abs=1e-6)


def test_decoupled_decay_shrinks_kernels_only():
    kernel, bias = after_steps(config_with(name="adamw", weight_decay=0.2), 1)
    assert kernel == pytest.approx(2 - 0.1 - 0.1 * 0.2 * 2, abs=1e-6)
    assert bias == pytest.approx(2.9, abs=1e-6)


def test_rmsprop():
    # nu = 0.01 x 0.25, so the first step is 0.1 x 0.5 / 0.05.
    config = config_with(name="rmsprop", b2=0.99, momentum=0.0)
    assert after_steps(config, 1)[0] == pytest.approx(2 - 1.0, abs=1e-5)


def test_clipping_bounds_the_global_norm():
    kernel, bias = after_steps(config_with(name="sgd", momentum=0.0, gradient_clip=0.1), 1, rate=1.0)
    assert np.hypot(2 - kernel, 3 - bias) == pytest.approx(0.1, rel=1e-5)


def test_penalties():
    assert float(penalty(PARAMS, l1=0.1, l2=0.0)) == pytest.approx(0.2)
    assert float(penalty(PARAMS, l1=0.0, l2=0.1)) == pytest.approx(0.1 / 2 * 4)


def test_schedules():
    config = config_with(learning_rate=1.0)
    config.schedule.warmup_steps = 10
    cosine = learning_rate_schedule(config, total_steps=110, examples_per_epoch=1000)
    assert [float(cosine(step)) for step in (0, 5, 10, 60, 110)] == pytest.approx([0, 0.5, 1, 0.5, 0], abs=1e-6)
    config.schedule.name, config.schedule.step_at = "step", (0.5, 0.75)
    step = learning_rate_schedule(config, total_steps=100, examples_per_epoch=1000)
    values = [float(step(n)) for n in (10, 49, 51, 74, 76)]
    assert values == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    config.schedule.name = "constant"
    assert float(learning_rate_schedule(config, 100, 1000)(99)) == 1.0
