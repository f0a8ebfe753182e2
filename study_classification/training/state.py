"""Everything that training changes."""

import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Int, PyTree

from study_classification.optim.averaging import start_average
from study_classification.optim.optimizer import averaged_params
from study_classification.trees import partition


class TrainState(struct.PyTreeNode):
    """Everything that training changes.

    Attributes:
        step: how many steps have been taken.
        params: float32, {'backbone': ..., 'head': ...}.
        batch_stats: BatchNorm's running statistics, float32; empty without BatchNorm.
        opt_state: optax's.
        sums: over the steps of the running epoch: loss, correct, count; and first_bad, the step in which loss or
            gradient first were not finite, or -1.
        average: of the variables over the steps, see `averaging.py`; {} where none is kept.
    """

    step: Int[Array, ""]
    params: PyTree
    batch_stats: PyTree
    opt_state: PyTree
    sums: dict[str, Array]
    average: PyTree = struct.field(default_factory=dict)

    def variables(self) -> dict[str, PyTree]:
        """Those that the next step begins with."""
        return {"params": self.params, "batch_stats": self.batch_stats}

    def averaged(self) -> dict[str, PyTree]:
        """The average that is evaluated instead of them; {} where none is kept."""
        params = averaged_params(self.opt_state, self.params)
        return {"params": params, "batch_stats": self.batch_stats} if params else self.average

    def evaluated(self) -> dict[str, PyTree]:
        """Those that are validated, and that evaluate and predict find in a checkpoint."""
        return self.averaged() or self.variables()


def zero_sums() -> dict[str, Array]:
    """The sums at the beginning of an epoch; each its own buffer, since the state is donated."""
    return {
        "loss": jnp.zeros(()),
        "correct": jnp.zeros((), jnp.int32),
        "count": jnp.zeros((), jnp.int32),
        "first_nonfinite_step": jnp.full((), -1, jnp.int32),
    }


def init_state(
    variables: dict[str, PyTree], optimizer: optax.GradientTransformation, mask: PyTree, ema_decay: float = 0.0
) -> TrainState:
    """The state before the first step; the optimizer keeps nothing for parameters that the mask leaves out."""
    trained, _ = partition(variables["params"], mask)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        **variables,
        opt_state=optimizer.init(trained),
        sums=zero_sums(),
        average=start_average(variables, ema_decay),
    )
