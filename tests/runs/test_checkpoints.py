"""A checkpoint holds the state of the moment it was asked for, though it is written while training goes on."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from study_classification.errors import RunError
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


def kept(**improvements):
    """Checkpoints of these steps, each with its improvement: the step itself where it was the best so far, else -1."""
    found = [
        SimpleNamespace(step=int(step[1:]), metrics=None if value is None else {"improvement": value})
        for step, value in improvements.items()
    ]
    return SimpleNamespace(checkpoints=found, directory="run/checkpoints")


@pytest.mark.parametrize(
    ("improvements", "best", "last"),
    [
        ({"s10": 10, "s30": -1}, 10, 30),
        ({"s10": 10, "s20": 20, "s30": -1}, 20, 30),
        ({"s30": -1, "s10": -1}, 30, 30),  # none is known to be the best: the latest
        ({"s10": None, "s30": None}, 30, 30),
    ],
)
def test_the_checkpoint_that_is_meant(improvements, best, last):
    found = kept(**improvements)
    assert [checkpoints._resolve(found, which) for which in ("best", "last", "10", "30")][2:] == [10, 30]
    assert (checkpoints._resolve(found, "best"), checkpoints._resolve(found, "last")) == (best, last)
    with pytest.raises(RunError, match=r"has no checkpoint '5': give best, last, or one of the steps 10, .*30$"):
        checkpoints._resolve(found, "5")


def test_no_checkpoint_yet():
    with pytest.raises(RunError, match="has no complete checkpoint yet"):
        checkpoints._resolve(kept(), "best")
