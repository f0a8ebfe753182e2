"""Updates and rates, computed by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

from study_classification.configs import default
from study_classification.optim.optimizer import averaged_params, is_kernel, make_optimizer, penalty
from study_classification.optim.schedule import learning_rate_schedule

PARAMS = {"dense": {"kernel": jnp.array([[2.0]]), "bias": jnp.array([3.0])}}
GRADIENTS = {"dense": {"kernel": jnp.array([[0.5]]), "bias": jnp.array([0.5])}}


def config_with(**settings):
    config = default.get_config()
    config.optimizer.update(settings)
    return config


def after_steps(config, steps, rate=0.1):
    optimizer = make_optimizer(config.optimizer, optax.constant_schedule(rate))
    params, state = PARAMS, optimizer.init(PARAMS)
    for _ in range(steps):
        updates, state = optimizer.update(GRADIENTS, state, params)
        params = optax.apply_updates(params, updates)
    return float(params["dense"]["kernel"][0, 0]), float(params["dense"]["bias"][0])


def test_sgd_with_momentum():
    # velocities 0.5 and 0.5 + 0.9 x 0.5; the bias takes the same steps.
    assert after_steps(config_with(name="sgd", momentum=0.9), 2) == pytest.approx((2 - 0.145, 3 - 0.145))


def test_nesterov_looks_ahead():
    # steps of 0.5 + 0.9 x 0.5 and, the velocity being 0.95, of 0.5 + 0.9 x 0.95
    expected = (2 - 0.1 * (0.95 + 1.355), 3 - 0.1 * (0.95 + 1.355))
    assert after_steps(config_with(name="sgd", momentum=0.9, nesterov=True), 2) == pytest.approx(expected)


def test_adam_begins_with_a_step_of_the_rate():
    assert after_steps(config_with(name="adam"), 1) == pytest.approx((1.9, 2.9), abs=1e-6)


def test_decoupled_decay_shrinks_kernels_only():
    kernel, bias = after_steps(config_with(name="adamw", weight_decay=0.2), 1)
    assert kernel == pytest.approx(2 - 0.1 - 0.1 * 0.2 * 2, abs=1e-6)
    assert bias == pytest.approx(2.9, abs=1e-6)


def test_neither_decay_nor_penalties_touch_a_batchnorm():
    params = {
        "bn": {"scale": jnp.array([2.0]), "bias": jnp.array([3.0])},
        "conv": {"kernel": jnp.full((1, 1, 1, 1), 4.0)},
    }
    assert is_kernel(params) == {"bn": {"scale": False, "bias": False}, "conv": {"kernel": True}}
    optimizer = make_optimizer(config_with(name="adamw", weight_decay=0.2).optimizer, optax.constant_schedule(0.5))
    updates, _ = optimizer.update(jax.tree.map(jnp.zeros_like, params), optimizer.init(params), params)
    assert jax.tree.map(lambda leaf: round(leaf.item(), 6), updates) == {
        "bn": {"scale": 0.0, "bias": 0.0},
        "conv": {"kernel": -0.4},  # 0.5 x 0.2 x 4
    }
    assert float(penalty(params, l1=0.1, l2=0.0)) == pytest.approx(0.4)
    assert float(penalty(params, l1=0.0, l2=0.1)) == pytest.approx(0.1 / 2 * 16)


def test_rmsprop():
    # nu = 0.01 x 0.25, so the first step is 0.1 x 0.5 / 0.05.
    config = config_with(name="rmsprop", b2=0.99, momentum=0.0)
    assert after_steps(config, 1)[0] == pytest.approx(2 - 1.0, abs=1e-5)


def test_clipping_bounds_the_global_norm():
    kernel, bias = after_steps(config_with(name="sgd", momentum=0.0, gradient_clip=0.1), 1, rate=1.0)
    assert np.hypot(2 - kernel, 3 - bias) == pytest.approx(0.1, rel=1e-5)


def test_gradients_are_clipped_before_the_momentum():
    # Of the norm 0.5 root 2 each is clipped to 0.1 / root 2; velocities of 1 and 1.9 times that.
    config = config_with(name="sgd", momentum=0.9, gradient_clip=0.1)
    assert after_steps(config, 2, rate=1.0)[0] == pytest.approx(2 - 2.9 * 0.1 / np.sqrt(2), abs=1e-6)


def test_penalties():
    assert float(penalty(PARAMS, l1=0.1, l2=0.0)) == pytest.approx(0.2)
    assert float(penalty(PARAMS, l1=0.0, l2=0.1)) == pytest.approx(0.1 / 2 * 4)


def test_schedule_free_is_that_of_optax():
    config = config_with(name="schedule_free", learning_rate=0.1, b1=0.8, b2=0.9)
    ours = make_optimizer(config.optimizer, optax.warmup_constant_schedule(0.0, 0.1, 3))
    reference = optax.contrib.schedule_free_adamw(0.1, warmup_steps=3, b1=0.8, b2=0.9)
    found = []
    for optimizer in (ours, reference):
        params, state = PARAMS, optimizer.init(PARAMS)
        for step in range(6):
            gradients = {
                "dense": {"kernel": jnp.cos(step * params["dense"]["kernel"]), "bias": params["dense"]["bias"]}
            }
            updates, state = optimizer.update(gradients, state, params)
            params = optax.apply_updates(params, updates)
        found.append((params, state))
    (params, state), (reference_params, reference_state) = found
    assert float(params["dense"]["bias"][0]) == pytest.approx(float(reference_params["dense"]["bias"][0]), rel=1e-6)
    expected = optax.contrib.schedule_free_eval_params(reference_state, reference_params)["dense"]
    averaged = averaged_params(state, params)["dense"]
    assert float(averaged["kernel"][0, 0]) == pytest.approx(float(expected["kernel"][0, 0]), rel=1e-5)
    assert float(averaged["bias"][0]) == pytest.approx(float(expected["bias"][0]), rel=1e-5)
    assert abs(float(expected["bias"][0] - params["dense"]["bias"][0])) > 1e-3
    assert averaged_params(optax.EmptyState(), PARAMS) is None


def test_muon_makes_steps_orthogonal():
    random = np.random.default_rng(0)
    shapes = {"conv": {"kernel": (3, 3, 4, 8), "bias": (8,)}, "depthwise": {"kernel": (3, 3, 1, 6)}}
    shapes = {"backbone": shapes, "head": {"classifier": {"kernel": (8, 5)}}}
    gradients = jax.tree.map(
        lambda shape: jnp.asarray(random.normal(size=shape), jnp.float32),
        shapes,
        is_leaf=lambda x: isinstance(x, tuple),
    )
    gradients["backbone"]["frozen"] = {"kernel": None}
    params = jax.tree.map(jnp.zeros_like, gradients)
    updates = {}
    for name in ("muon", "adam"):
        optimizer = make_optimizer(config_with(name=name, momentum=0.95).optimizer, optax.constant_schedule(0.1))
        updates[name], _ = optimizer.update(gradients, optimizer.init(params), params)
    conv = updates["muon"]["backbone"].pop("conv"), updates["adam"]["backbone"].pop("conv")
    np.testing.assert_array_equal(conv[0]["bias"], conv[1]["bias"])
    jax.tree.map(np.testing.assert_array_equal, updates["muon"], updates["adam"])  # the head, the depthwise kernel
    step = -np.asarray(conv[0]["kernel"]).reshape(36, 8) / (0.1 * 0.2 * np.sqrt(36))
    u, _, vt = np.linalg.svd(np.asarray(gradients["backbone"]["conv"]["kernel"]).reshape(36, 8), full_matrices=False)
    values = np.diag(u.T @ step @ vt.T)  # five Newton-Schulz iterations come as near to 1 as this
    assert 0.6 < values.min() < values.max() < 1.3
    np.testing.assert_allclose(u * values @ vt, step, atol=1e-4)


def test_cosine_with_restarts():
    config = config_with(learning_rate=1.0)
    config.schedule.name, config.schedule.restarts, config.schedule.final_fraction = "cosine_restarts", 2, 0.2
    config.schedule.warmup_steps = 10
    rate = learning_rate_schedule(config.schedule, 1.0, 110, config.schedule.warmup_steps)
    values = [float(rate(step)) for step in (0, 5, 10, 35, 59.999, 60, 85, 110)]
    assert values == pytest.approx([0, 0.5, 1, 0.6, 0.2, 1, 0.6, 0.2], abs=1e-5)
    config.schedule.restarts = 7  # more than the steps that are left
    assert float(learning_rate_schedule(config.schedule, 1.0, 12, config.schedule.warmup_steps)(11)) == 1.0


def test_schedules():
    config = config_with(learning_rate=1.0)
    config.schedule.warmup_steps = 10
    cosine = learning_rate_schedule(config.schedule, 1.0, 110, config.schedule.warmup_steps)
    assert [float(cosine(step)) for step in (0, 5, 10, 60, 110)] == pytest.approx([0, 0.5, 1, 0.5, 0], abs=1e-6)
    config.schedule.name, config.schedule.step_at = "step", (0.5, 0.75)
    step = learning_rate_schedule(config.schedule, 1.0, 100, config.schedule.warmup_steps)
    values = [float(step(n)) for n in (10, 49, 51, 74, 76)]
    assert values == pytest.approx([1, 1, 0.1, 0.1, 0.01])
    config.schedule.name = "constant"
    assert float(learning_rate_schedule(config.schedule, 1.0, 6, 10)(5)) == 0.5  # the run ends within its warm-up
    assert float(learning_rate_schedule(config.schedule, 1.0, 100, 0)(99)) == 1.0
