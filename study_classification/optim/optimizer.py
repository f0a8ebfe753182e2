"""The optimizer, built of optax parts from `config.optimizer`."""

import math

import jax
import jax.numpy as jnp
import optax
import optax.contrib
from jaxtyping import PyTree
from ml_collections import ConfigDict


def is_kernel(params):
    """A tree of booleans: true for the kernels of convolutions and dense layers, false for biases and BatchNorm."""
    return jax.tree_util.tree_map_with_path(lambda path, leaf: path[-1].key == "kernel", params)


def make_optimizer(
    settings: ConfigDict, schedule: optax.Schedule, multipliers: PyTree | None = None
) -> optax.GradientTransformation:
    """Gradient clipping, then the named optimizer, then decoupled weight decay, then the learning rate.

    `settings` is the group `optimizer` of the config.

    `multipliers`, a tree like the trained parameters, scale the rate of each; see `freezing.layer_multipliers`.

    `weight_decay` is decoupled (Loshchilov & Hutter, arXiv:1711.05101): every kernel shrinks by
    learning_rate x weight_decay of its value in each step, whatever its gradient. The classical penalties `l2` and `l1`
    are parts of the loss (see `penalty`): their gradients pass through clipping, momentum and Adam's scaling like any
    other. For plain SGD without momentum, weight_decay and l2 are the same; for Adam they are not. Biases and
    BatchNorm's scales are never decayed.

    `muon` (https://kellerjordan.github.io/posts/muon/) makes the momentum of each of the backbone's kernels orthogonal,
    that of a convolution as a matrix of height x width x inputs rows and outputs columns, and scales it to the size of
    Adam's updates (arXiv:2502.16982), so that one rate serves all; depthwise kernels, the head and all that is no
    kernel are Adam's.

    `schedule_free` (arXiv:2405.15682) is AdamW without a decaying rate: an average in the place of momentum, see
    `averaged_params`.
    """
    match settings.name:
        case "adam" | "adamw":
            scaling = optax.scale_by_adam(settings.b1, settings.b2, settings.eps)
        case "sgd":
            scaling = optax.trace(settings.momentum, settings.nesterov) if settings.momentum else optax.identity()
        case "muon":
            adam = optax.scale_by_adam(settings.b1, settings.b2, settings.eps)
            scaling = optax.partition({True: _muon(settings.momentum), False: adam}, _is_matrix)
        case "schedule_free":  # Adam without its momentum
            scaling = optax.scale_by_rms(settings.b2, settings.eps, eps_in_sqrt=False, bias_correction=True)
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
    optimizer = optax.chain(*parts, optax.scale_by_learning_rate(schedule))
    if settings.name == "schedule_free":
        return optax.contrib.schedule_free(optimizer, schedule, settings.b1)
    return optimizer


def _is_matrix(params: PyTree) -> PyTree:
    """A tree of booleans: true for the backbone's kernels, but for depthwise ones, whose inputs do not mix."""

    def chosen(path: tuple, leaf) -> bool:
        depthwise = leaf.ndim == 4 and leaf.shape[2] == 1
        return path[0].key == "backbone" and path[-1].key == "kernel" and not depthwise

    return jax.tree_util.tree_map_with_path(chosen, params)


def _muon(momentum: float) -> optax.GradientTransformation:
    """Orthogonal steps, [..., outputs] as matrices with the last axis as columns, times 0.2 sqrt(longer side)."""

    def axes(updates: PyTree) -> PyTree:
        return jax.tree.map(
            lambda leaf: optax.contrib.MuonDimensionNumbers(tuple(range(leaf.ndim - 1)), leaf.ndim - 1), updates
        )

    def scaled(leaf: jax.Array) -> jax.Array:
        columns = leaf.shape[-1]
        return 0.2 * math.sqrt(max(leaf.size // columns, columns)) * leaf

    return optax.chain(
        optax.contrib.scale_by_muon(beta=momentum, weight_dimension_numbers=axes),
        optax.stateless(lambda updates, _: jax.tree.map(scaled, updates)),
    )


def averaged_params(opt_state: PyTree, params: PyTree) -> PyTree | None:
    """The parameters that an optimizer wants evaluated instead of those it trains with; None if it wants none.

    `schedule_free` takes gradients at y = b1 x + (1 - b1) z, where z are the raw steps and x their average; this is x,
    as `optax.contrib.schedule_free_eval_params` has it, in a form that leaves exactly alone what is not trained.
    """
    if not isinstance(opt_state, optax.contrib.ScheduleFreeState):
        return None
    return jax.tree.map(
        lambda z, y: y if z is None else z + (y - z) / opt_state.b1, opt_state.z, params, is_leaf=lambda z: z is None
    )


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
