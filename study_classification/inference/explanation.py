"""Which parts of an image speak for a class, by each of the methods that a user may name."""

from collections.abc import Callable, Sequence
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int, PyTree, UInt8

from study_classification.inference.attribution import (
    class_scores,
    grad_cam,
    gradient_input,
    integrated_gradients,
    occlusion,
)
from study_classification.inputs.images.preprocess import Preprocess, normalize
from study_classification.models import Classifier
from study_classification.models.last_map import parts_at_last_map
from study_classification.reports.grids import marked
from study_classification.tasks.prediction import head_of_model
from study_classification.tasks.task import Task

GRAD_CAM, INTEGRATED, OCCLUSION, GRADIENT_INPUT = "grad_cam", "integrated_gradients", "occlusion", "gradient_input"
CLASSES = 3  # that are explained, the likeliest ones
NOTES = {
    GRAD_CAM: "Grad-CAM: orange is what speaks for the class, by the last feature map; each panel has its own scale",
    INTEGRATED: "integrated gradients from a black picture: orange speaks for the class, blue against it; each panel "
    "has its own scale",
    OCCLUSION: "occlusion: the class loses most where the covered place is orange, and gains where it is blue; each "
    "panel has its own scale",
    GRADIENT_INPUT: "gradient x input: orange speaks for the class, blue against it; each panel has its own scale",
}
Explain = Callable[[UInt8[np.ndarray, "h w c"], Sequence[int]], Float[np.ndarray, "k u v"]]


def make_explain(
    model: Classifier, variables: PyTree, task: Task, preprocess: Preprocess, method: str
) -> tuple[str, Explain]:
    """The method, or the one that takes its place, and a function of pixels and classes that explains by it.

    Grad-CAM needs a feature map. Gradient times input takes its place for a network without one.
    """

    def scores(variables: PyTree, x: Array) -> Array:
        return class_scores(task, cast(Array, model.apply(variables, x, train=False)))

    black = normalize(jnp.zeros(preprocess.shape), preprocess)
    by_map = None
    if method == GRAD_CAM:
        by_map = _by_last_map(model, variables, task, preprocess)
        if by_map is None:
            method = GRADIENT_INPUT

    @jax.jit
    def values_of(variables: PyTree, x: Array, classes: Int[Array, " k"]) -> Array:
        x = normalize(x, preprocess)
        match method:
            case "grad_cam":
                assert by_map is not None
                return by_map(variables, x, classes)
            case "occlusion":
                return occlusion(lambda x: scores(variables, x), x, classes)
            case "integrated_gradients":
                return integrated_gradients(lambda x: scores(variables, x), x, black, classes).sum(-1)
        return gradient_input(lambda x: scores(variables, x), x, classes).sum(-1)

    return method, lambda pixels, classes: np.asarray(values_of(variables, pixels, jnp.asarray(classes)), np.float32)


def explained(
    predictions: Float[np.ndarray, "*classes"], explain: Explain, pixels: UInt8[np.ndarray, "h w c"]
) -> dict[int, UInt8[np.ndarray, "h w 3"]]:
    """Label -> the image with the marks of that class, for the likeliest classes, the likeliest first.

    Args:
        predictions: what the network says of the image: log-probabilities [classes], or a number [], whose label is 0.
        explain: of `make_explain`.
        pixels: the image as the network sees it.
    """
    labels = np.argsort(-predictions, kind="stable")[:CLASSES].tolist() if predictions.ndim else [0]
    return {label: marked(pixels, values) for label, values in zip(labels, explain(pixels, labels), strict=True)}


def _by_last_map(
    model: Classifier, variables: PyTree, task: Task, preprocess: Preprocess
) -> Callable[[PyTree, Array, Array], Array] | None:
    """(variables, normalised image, classes) -> Grad-CAM [k, h, w]; None of a network without a feature map."""
    image = jax.ShapeDtypeStruct((1, *preprocess.shape), np.float32)
    parts = parts_at_last_map(
        lambda variables, x: cast(Array, model.apply(variables, x, method=_backbone)), variables, image
    )
    if parts is None:
        return None

    def values_of(variables: PyTree, x: Array, classes: Array) -> Array:
        def after(maps: Array) -> Array:
            features = parts.after(variables, maps)
            return class_scores(task, cast(Array, model.apply(variables, features, method=_head)))

        return grad_cam(lambda x: parts.before(variables, x), after, x, classes)

    return values_of


def _backbone(model: nn.Module, x: Array) -> Array:
    return model.backbone(x, train=False)


def _head(model: nn.Module, features: Array) -> Array:
    return head_of_model(model, model.head.pool(features), False)
