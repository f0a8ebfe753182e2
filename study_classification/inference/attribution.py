"""Finds which part of an example speaks for a class, by derivatives or by covering parts. Arrays in, arrays out.

A score is the output of the network for a class before any softmax. `Scores` maps examples [b, ...] to the scores of
all classes, float32 [b, classes]. Each function explains one example, for several classes at once.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from study_classification.tasks.regression import Regression
from study_classification.tasks.sigmoid import Sigmoid
from study_classification.tasks.task import Task

Scores = Callable[[Float[Array, "b ..."]], Float[Array, "b classes"]]
STEPS = 128  # of the integral of integrated gradients; a multiple of TOGETHER
TOGETHER = 16  # examples that pass the network at once
PATCHES = 7  # patches of occlusion along a side, if they did not overlap


def class_scores(task: Task, outputs: Float[Array, "b outputs"]) -> Float[Array, "b classes"]:
    """The scores of the classes from the outputs of a network: logits; z and -z for a sigmoid; else the number."""
    predictions = task.predictions(outputs)
    if isinstance(task, Regression):
        return predictions[:, None]
    return predictions - predictions[:, ::-1] if isinstance(task, Sigmoid) else outputs


def grad_cam(
    before: Callable[[Float[Array, "1 ..."]], Float[Array, "1 h w c"]],
    after: Callable[[Float[Array, "1 h w c"]], Float[Array, "1 classes"]],
    x: Float[Array, "..."],
    classes: Int[Array, " k"],
) -> Float[Array, "k h w"]:
    """Grad-CAM (arXiv:1610.02391, equations 1 and 2): ReLU of the sum of the maps, each times its mean gradient.

    Args:
        before: examples -> the last feature map.
        after: the map -> scores.
        x: the example.
        classes: the classes whose scores are derived.
    """
    maps = before(x[None])
    weights = _gradients(after, maps, classes).mean((1, 2, 3))  # [k, c]
    return jax.nn.relu(jnp.einsum("kc,hwc->khw", weights, maps[0].astype(jnp.float32)))


def gradient_input(scores: Scores, x: Float[Array, "..."], classes: Int[Array, " k"]) -> Float[Array, "k ..."]:
    """Gradient times input (arXiv:1605.01713). For a linear network, exactly the part of each value in the score."""
    return _gradients(scores, x[None], classes)[:, 0] * x


def integrated_gradients(
    scores: Scores, x: Float[Array, "..."], baseline: Float[Array, "..."], classes: Int[Array, " k"]
) -> Float[Array, "k ..."]:
    """Integrated gradients (arXiv:1703.01365) along the straight line from the baseline, by the midpoint rule.

    They add up to the difference between the scores of `x` and the baseline, up to the error of STEPS steps. The steps
    are shorter near the baseline: scores change most near a black image, where the contrast begins.
    """
    ends = np.linspace(0, 1, STEPS + 1) ** 3
    shares, lengths = (ends[1:] + ends[:-1]) / 2, np.diff(ends)

    def add(total: Array, step: tuple[Array, ...]) -> tuple[Array, None]:
        share, length = step
        gradients = _gradients(scores, baseline + share * (x - baseline), classes)
        return total + (gradients * length).sum(1), None

    steps = tuple(jnp.asarray(each, jnp.float32).reshape(-1, TOGETHER, *(1,) * x.ndim) for each in (shares, lengths))
    total, _ = jax.lax.scan(add, jnp.zeros((len(classes), *x.shape)), steps)
    return total * (x - baseline)


def occlusion(scores: Scores, x: Float[Array, "h w c"], classes: Int[Array, " k"]) -> Float[Array, "k h w"]:
    """How much the scores fall when a place of the image is covered (arXiv:1311.2901, section 4.2).

    A square moves over the image by half of its side. Its side is a seventh of the image, and its value is 0, the mean
    colour. A pixel gets the mean over the squares that cover it.
    """
    masks = jnp.asarray(patches(*x.shape[:2]))
    covered = jax.lax.map(lambda mask: scores(jnp.where(mask[..., None], 0, x)[None])[0], masks, batch_size=TOGETHER)
    falls = (scores(x[None]) - covered)[:, classes]  # [patches, k]
    return jnp.einsum("pk,phw->khw", falls, masks) / masks.sum(0)


def patches(height: int, width: int) -> Bool[np.ndarray, "patches h w"]:
    """The places that each square of `occlusion` covers; at least one square covers each place."""
    side = max(1, min(height, width) // PATCHES)
    stride = max(1, side // 2)
    tops, lefts = (sorted({*range(0, size - side, stride), size - side}) for size in (height, width))
    masks = np.zeros((len(tops) * len(lefts), height, width), bool)
    for mask, (top, left) in zip(masks, ((top, left) for top in tops for left in lefts), strict=True):
        mask[top : top + side, left : left + side] = True
    return masks


def _gradients(scores: Scores, x: Float[Array, "b ..."], classes: Int[Array, " k"]) -> Float[Array, "k b ..."]:
    """The gradient of the score of each class with respect to `x`, float32."""
    found, pull = jax.vjp(scores, x)

    def of_class(number: Array) -> Array:
        chosen = jnp.broadcast_to(jax.nn.one_hot(number, found.shape[-1], dtype=found.dtype), found.shape)
        return pull(chosen)[0].astype(jnp.float32)

    return jax.lax.map(of_class, classes)
