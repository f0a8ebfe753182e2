"""What of a state a checkpoint holds, and that it becomes the same state again."""

import jax
import numpy as np
import optax
import pytest

from study_classification.training.state import init_state, zero_sums

VARIABLES = {"params": {"head": {"kernel": np.array([1.0, 2.0])}}, "batch_stats": {}}
MASK = {"head": {"kernel": True}}


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_a_checkpoint_is_the_state(decay):
    state = init_state(VARIABLES, optax.sgd(0.1, 0.9), MASK, ("loss",), decay)
    average = {"params": {"head": {"kernel": np.array([5.0, 6.0])}}, "batch_stats": {}}
    state = state.replace(step=np.int32(7), average=average if decay else {})
    parts = state.parts()
    assert parts["model"]["params"]["head"]["kernel"].tolist() == ([5, 6] if decay else [1, 2])  # what is evaluated
    again = init_state(VARIABLES, optax.sgd(0.1, 0.9), MASK, ("loss",), decay).with_parts(parts)
    assert jax.tree.structure(again) == jax.tree.structure(state)
    jax.tree.map(np.testing.assert_array_equal, again, state)
    assert again.params["head"]["kernel"].tolist() == [1, 2]  # with which training goes on


def test_an_epoch_begins_with_sums_of_zero_and_no_bad_step():
    sums = zero_sums(("loss", "accuracy"))
    assert {name: float(value) for name, value in sums.items()} == {
        "loss": 0, "accuracy": 0, "count": 0, "first_nonfinite_step": -1
    }  # fmt: skip
