"""What the layers of a network make of examples: whether ReLUs are ever above 0, and BatchNorms know their input."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import get_opaque_trace_state
from jax.sharding import Sharding
from jaxtyping import Array, Bool, Float, PyTree

from study_classification.inputs.kinds import AnyPreprocess
from study_classification.models.layers.normalization import normalized_by_own
from study_classification.models.relus import with_relus
from study_classification.tasks.prediction import Batch, features_of, head_of_model
from study_classification.tasks.task import Task, names_of


@dataclass(frozen=True, eq=False)
class NormSeen:
    """A BatchNorm.

    Attributes:
        epsilon: what it adds to a variance.
        stored: the variances that it uses, [c].
        own: the variances of its input where every BatchNorm normalises by those of the batch, as in training; the
            mean over batches, [c].
    """

    epsilon: float
    stored: Float[np.ndarray, " c"]
    own: Float[np.ndarray, " c"]


@dataclass(frozen=True, eq=False)
class LayersSeen:
    """What the layers of a network made of some examples.

    Attributes:
        count: of the examples.
        relus: path of the layer before a ReLU -> whether a unit was above 0 for any example, anywhere in it.
        norms: path of a BatchNorm -> what it met.
        stored: the loss and the measures by the stored statistics, as in use; means over the examples.
        own: the same by the statistics of each batch, as in training.
    """

    count: int
    relus: Mapping[str, Bool[np.ndarray, " units"]]
    norms: Mapping[str, NormSeen]
    stored: Mapping[str, float]
    own: Mapping[str, float]


def look_at_layers(
    model: nn.Module,
    preprocess: AnyPreprocess,
    task: Task,
    variables: PyTree,
    batches: Iterable[Batch],
    whole: bool,
    everywhere: Sharding | None = None,
) -> LayersSeen | None:
    """Passes a few batches through a network twice: as in use, and with BatchNorm as in training; without dropout.

    Args:
        model: the network.
        preprocess: what happens to every example before it.
        task: what it has learnt.
        variables: its weights.
        batches: all of one size, with `label` and `mask` [b]; examples, or features of a frozen backbone. Each should
            have examples from all over a split.
        whole: whether the backbone was trained; else the head alone is looked at.
        everywhere: of what is found, on the devices of the batches.

    Returns:
        None of a network that has neither.
    """
    look = functools.partial(_look, model, preprocess, task, whole)
    jitted = jax.jit(look, out_shardings=everywhere)
    parts: list[dict[str, Any]] = []
    for batch in batches:
        if not parts and not any(jax.eval_shape(look, variables, batch)[kind] for kind in ("relus", "norms")):
            return None
        parts.append(jax.device_get(jitted(variables, batch)))
    count = sum(part["count"] for part in parts)
    return LayersSeen(
        int(count),
        {path: np.any([part["relus"][path] for part in parts], axis=0) for path in parts[0]["relus"]},
        {path: NormSeen(*_mean(part["norms"][path] for part in parts)) for path in parts[0]["norms"]},
        *(
            {name: float(sum(part[by][name] for part in parts) / count) for name in names_of(task)}
            for by in ("stored", "own")
        ),
    )


def _mean(found: Iterable[tuple[np.ndarray, ...]]) -> list[Any]:
    return [np.mean(values, axis=0) for values in zip(*found, strict=True)]


def _look(
    model: nn.Module, preprocess: AnyPreprocess, task: Task, whole: bool, variables: PyTree, batch: Batch
) -> dict:
    """What is found in a batch, with sums over the examples whose mask is 1."""
    mask, targets = batch["mask"], task.targets(batch["label"])
    if not whole:
        batch = batch | {"features": features_of(model, variables, batch, preprocess.inputs_of)}

    def network(variables: PyTree, batch: Batch) -> Array:
        features = features_of(model, variables, batch, preprocess.inputs_of)
        return cast(Array, model.apply(variables, features, train=False, method=head_of_model))

    def sums(outputs: Array) -> dict[str, Array]:
        values = task.measured(task.predictions(outputs), targets)
        return {name: jnp.sum(values[name] * mask) for name in names_of(task)}

    norms: dict[str, tuple[Array, Array, Array]] = {}
    outside = get_opaque_trace_state(convention="flax")

    def by_own_statistics(call, args, kwargs, context):
        layer = context.module
        if not isinstance(layer, nn.BatchNorm) or context.method_name != "__call__":
            return call(*args, **kwargs)
        x = args[0] if args else kwargs["x"]
        if len(x) != len(mask) or layer.axis != -1:  # of parts of examples, or channels first: as in use
            return call(*args, **kwargs)
        normalized, own = normalized_by_own(layer, x, mask)
        if (
            get_opaque_trace_state(convention="flax") == outside
        ):  # else no value may leave the loop or checkpointed part
            norms["/".join(layer.path)] = jnp.float32(layer.epsilon), layer.variables["batch_stats"]["var"], own
        return normalized

    outputs, relus = with_relus(network, variables, batch)
    with nn.intercept_methods(by_own_statistics):
        own_outputs = network(variables, batch)
    return {
        "count": mask.sum(),
        "relus": {path: (values > 0).any(tuple(range(values.ndim - 1))) for path, values in relus.items()},
        "norms": norms,
        "stored": sums(outputs),
        "own": sums(own_outputs),
    }
