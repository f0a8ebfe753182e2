"""The path from examples to predictions, which training, evaluation and prediction share. It never augments."""

from collections.abc import Callable
from typing import cast

import flax.linen as nn
import jax
from jaxtyping import Array, PyTree

from study_classification.inputs.kinds import AnyPreprocess
from study_classification.tasks.task import Task

# image uint8 [b, h, w, c], row or tokens [b, ...], or features [b, ...]; label [b], and more about each example
Batch = dict[str, jax.Array]


def make_predict_step(
    model: nn.Module, preprocess: AnyPreprocess, task: Task, tta: str = "none", temperature: float | None = None
) -> Callable[[PyTree, Batch], Array]:
    """A function (variables, batch) -> predictions [b, ...].

    With the test-time augmentation `flip`, they are the mean over the image and its mirror image. A task with classes
    can have a temperature, by which logits are divided (arXiv:1706.04599).
    """

    def predict(variables: PyTree, batch: Batch) -> Array:
        features = features_of(model, variables, batch, preprocess.inputs_of)
        return task.predictions(cast(Array, model.apply(variables, features, train=False, method=head_of_model)))

    def predict_mirrored(variables: PyTree, batch: Batch) -> Array:
        mirrored = batch | {"image": batch["image"][:, :, ::-1]}
        return task.average(predict(variables, batch), predict(variables, mirrored))

    chosen = predict_mirrored if tta == "flip" else predict
    if temperature is None:
        return chosen
    return lambda variables, batch: jax.nn.log_softmax(chosen(variables, batch) / temperature)


def head_of_model(model: nn.Module, features: Array, train: bool) -> Array:
    """Features -> outputs: a method for `model.apply`."""
    return model.head(features, train)


def features_of(model: nn.Module, variables: PyTree, batch: Batch, prepare: Callable[[Batch], Array]) -> Array:
    """The features of a batch from the backbone, or from the batch itself if it holds cached features."""
    if "features" in batch:
        return batch["features"]
    return cast(Array, model.apply(variables, prepare(batch), train=False, method="features"))
