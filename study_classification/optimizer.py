"""The optimizer and its learning rate, built of optax parts from `config.optimizer` and `config.schedule`."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree
from ml_collections import ConfigDict

from study_classification.config import duration_in_steps


def is_kernel(params):
    """A tree of booleans: true for the kernels of convolutions and dense layers, false for biases and BatchNorm."""
    return jax.tree_util.tree_map_with_path(lambda path, leaf: path[-1].key == "kernel", params)


def learning_rate_schedule(config: ConfigDict, total_steps: int, examples_per_epoch: int) -> optax.Schedule:
    """The learning rate as a function of the step: linear warm-up from 0, then cosine, step or constant."""
    schedule, peak = config.schedule, config.optimizer.learning_rate
    warmup = min(duration_in_steps(schedule, "warmup", examples_per_epoch, config.batch_size), total_steps)
    remaining = max(total_steps - warmup, 1)
    match schedule.name:
        case "cosine":
            main = optax.cosine_decay_schedule(peak, remaining, schedule.final_fraction)
        case "step":
            drops = {max(round(share * total_steps) - warmup, 0): schedule.step_factor for share in schedule.step_at}
            main = optax.piecewise_constant_schedule(peak, drops)
        case _:
            main = optax.constant_schedule(peak)
    if not warmup:
        return main
    return optax.join_schedules([optax.linear_schedule(0.0, peak, warmup), main], [warmup])


def make_optimizer(
    config: ConfigDict, schedule: optax.Schedule, multipliers: PyTree | None = None
) -> optax.GradientTransformation:
    """Gradient clipping, then the named optimizer, then decoupled weight decay, then the learning rate.

    `multipliers`, a tree like the trained parameters, scale the rate of each; see `freezing.layer_multipliers`.

    `weight_decay` is decoupled (Loshchilov & Hutter, arXiv:1711.05101): every kernel shrinks by
    learning_rate x weight_decay of its value in each step, whatever its gradient. The classical penalties `l2` and `l1`
    are parts of the loss (see `penalty`): their gradients pass through clipping, momentum and Adam's scaling like any
    other. For plain SGD without momentum, weight_decay and l2 are the same; for Adam they are not. Biases and
    BatchNorm's scales are never decayed.
    """
    settings = config.optimizer
    match settings.name:
        case "adam" | "adamw":
            scaling = optax.scale_by_adam(settings.b1, settings.b2, settings.eps)
        case "sgd":
            scaling = optax.trace(settings.momentum, settings.nesterov) if settings.momentum else optax.identity()
        case _:
            scaling = optax.chain(
                optax.scale_by_rms(settings.b2, settings.eps),
                optax.trace(settings.momentum) if settings.momentum else optax.identity(),
            )
    parts = [scaling]
    if settings.gradient_clip:
        parts.insert(0, optax.clip_by_global_norm(settings.gradient_clip))
    if settings.weight_decay:
        parts.append(optax.add_decayed_weights(settings.weight_decay, mask=is_kernel))
    if multipliers is not None:
        parts.append(optax.stateless(lambda updates, _: jax.tree.map(jnp.multiply, updates, multipliers)))
    return optax.chain(*parts, optax.scale_by_learning_rate(schedule))


def penalty(params, l1: float, l2: float) -> jax.Array:
    """l1 x sum(|kernel|) + l2/2 x sum(kernel^2), float32: the gradient of the second is l2 x kernel."""
    kernels = [
        leaf for leaf, wanted in zip(jax.tree.leaves(params), jax.tree.leaves(is_kernel(params)), strict=True) if wanted
    ]
    total = jnp.zeros(())
    if l1:
        total += l1 * sum(jnp.sum(jnp.abs(kernel)) for kernel in kernels)
    if l2:
        total += l2 / 2 * sum(jnp.sum(jnp.square(kernel)) for kernel in kernels)
    return total
