"""A checkpoint holds the state of the moment it was asked for, though it is written while training goes on."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from study_classification.runs import checkpoints
from study_classification.system import devices
from study_classification.training.state import TrainState, init_state

SIDE = 1000  # an array that is not written at once


@pytest.fixture
def state() -> TrainState:
    variables = {"params": {"w": jnp.arange(SIDE * SIDE, dtype=jnp.float32).reshape(SIDE, SIDE)}, "batch_stats": {}}
    return init_state(variables, optax.sgd(0.1, momentum=0.9), {"w": True}, ("loss",))


def test_training_goes_on_in_the_arrays_that_are_being_written(state, tmp_path):
    train_step = jax.jit(lambda state: state.replace(params={"w": -state.params["w"]}), donate_argnums=0)
    expected = np.array(state.params["w"])
    with checkpoints.open_checkpoints(tmp_path) as saved:
        checkpoints.save(saved, 0, state.parts(), {}, best=False)
        assert saved.is_saving_in_progress()
        for _ in range(3):
            state = train_step(state)
    _, found = checkpoints.load_model(tmp_path, "last", devices.abstract(state.variables()))
    np.testing.assert_array_equal(found["params"]["w"], expected)
    np.testing.assert_array_equal(state.params["w"], -expected)
