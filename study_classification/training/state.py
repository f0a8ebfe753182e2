"""Everything that training changes."""

from collections.abc import Sequence

import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Int, PyTree

from study_classification.optim.averaging import start_average
from study_classification.optim.optimizer import averaged_params
from study_classification.trees import partition

COUNT = "count"
FIRST_NONFINITE_STEP = "first_nonfinite_step"


class TrainState(struct.PyTreeNode):
    """Everything that training changes.

    Attributes:
        step: the number of steps so far.
        params: the parameters, float32, {'backbone': ..., 'head': ...}.
        batch_stats: the running statistics of BatchNorm, float32; empty without BatchNorm.
        opt_state: the state of the optimizer of optax.
        sums: sums over the steps of the running epoch: loss, measures of the task, and count of examples; and
            first_nonfinite_step, the first step whose loss or gradient was not finite, or -1.
        average: the average of the variables over the steps, see `optim/averaging.py`; {} without an average.
    """

    step: Int[Array, ""]
    params: PyTree
    batch_stats: PyTree
    opt_state: PyTree
    sums: dict[str, Array]
    average: PyTree = struct.field(default_factory=dict)

    def variables(self) -> dict[str, PyTree]:
        """The variables with which the next step begins."""
        return {"params": self.params, "batch_stats": self.batch_stats}

    def averaged(self) -> dict[str, PyTree]:
        """The average that is evaluated instead of the variables; {} without an average."""
        params = averaged_params(self.opt_state, self.params)
        return {"params": params, "batch_stats": self.batch_stats} if params else self.average

    def evaluated(self) -> dict[str, PyTree]:
        """The variables that are validated, and that evaluate and predict read from a checkpoint."""
        return self.averaged() or self.variables()

    def parts(self) -> dict[str, PyTree]:
        """The parts of a checkpoint: `model`, which evaluation reads, and `training`.

        If an average is evaluated, it is the `model`, and `training` also holds the raw variables.
        """
        raw = {"raw": self.variables()} if self.averaged() else {}
        return {
            "model": self.evaluated(),
            "training": {"opt_state": self.opt_state, "step": self.step, "sums": self.sums} | raw,
        }

    def with_parts(self, parts: dict[str, PyTree]) -> "TrainState":
        """The inverse of `parts`."""
        training = dict(parts["training"])
        variables = training.pop("raw", parts["model"])
        return self.replace(**variables, **training, average=parts["model"] if self.average else {})


def zero_sums(names: Sequence[str]) -> dict[str, Array]:
    """The sums at the beginning of an epoch. Each has its own buffer, for they are donated."""
    return {name: jnp.zeros(()) for name in names} | {
        COUNT: jnp.zeros((), jnp.int32),
        FIRST_NONFINITE_STEP: jnp.full((), -1, jnp.int32),
    }


def init_state(
    variables: dict[str, PyTree],
    optimizer: optax.GradientTransformation,
    mask: PyTree,
    names: Sequence[str],
    ema_decay: float = 0.0,
) -> TrainState:
    """The state before the first step. The optimizer keeps no state for parameters that the mask leaves out."""
    trained, _ = partition(variables["params"], mask)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        **variables,
        opt_state=optimizer.init(trained),
        sums=zero_sums(names),
        average=start_average(variables, ema_decay),
    )
