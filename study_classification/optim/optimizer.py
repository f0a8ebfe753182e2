"""Builds the optimizer of `config.optimizer` from parts of optax."""

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

    `settings` is the group `optimizer` of the config. `multipliers` is a tree like the trained parameters that scales
    the rate of each; see `freezing.layer_multipliers`.

    `weight_decay` is decoupled (Loshchilov & Hutter, arXiv:1711.05101): in each step every kernel shrinks by
    learning_rate x weight_decay of its value, whatever its gradient. The classical penalties `l2` and `l1`
    are parts of the loss (see `penalty`): their gradients pass through clipping, momentum and Adam's scaling like any
    other. For plain SGD without momentum, weight_decay and l2 are the same; for Adam they are not. Biases and
    BatchNorm's scales are never decayed.

    `muon` (https://kellerjordan.github.io/posts/muon/) makes the momentum of each kernel of the backbone orthogonal.
    The kernel of a convolution counts as a matrix of height x width x inputs rows and outputs columns. The update is
    scaled to the size of Adam's (arXiv:2502.16982), so one rate serves all. Adam updates depthwise kernels, the head,
    and everything that is no kernel.

    `schedule_free` (arXiv:2405.15682) is AdamW without a decaying rate: an average replaces momentum, see
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
    """A tree of booleans: true for the kernels of the backbone, except depthwise ones, which do not mix inputs."""

    def chosen(path: tuple, leaf) -> bool:
        depthwise = leaf.ndim == 4 and leaf.shape[2] == 1
        return path[0].key == "backbone" and path[-1].key == "kernel" and not depthwise

    return jax.tree_util.tree_map_with_path(chosen, params)


def _muon(momentum: float) -> optax.GradientTransformation:
    """Makes steps [..., outputs] orthogonal, as matrices with outputs as columns, times 0.2 sqrt(longer side)."""

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
    """The parameters to evaluate if they are not those that are trained; else None.

    `schedule_free` takes gradients at y = b1 x + (1 - b1) z, where z are the raw steps and x is their average. This is
    x, as in `optax.contrib.schedule_free_eval_params`, in a form that keeps untrained parameters exactly the same.
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
