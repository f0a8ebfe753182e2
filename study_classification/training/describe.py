"""Describes the network that a config would train, without training it."""

from collections.abc import Sequence

import optax
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from study_classification.inputs.kinds import AnyPreprocess
from study_classification.models import Classifier, create_model
from study_classification.models.cost import count, format_summary, summarize
from study_classification.models.initial import variable_shapes
from study_classification.optim.freezing import trainable_mask
from study_classification.optim.optimizer import make_optimizer
from study_classification.system.devices import compute_dtype
from study_classification.tasks.create import create_task


def describe_network(config: ConfigDict, preprocess: AnyPreprocess, class_names: Sequence[str]) -> str:
    """The summary, as text, of the network of a config for these classes, or for a number.

    Raises:
        ConfigError: if there is no such network.
    """
    num_outputs = create_task(config.task, class_names).num_outputs
    model = _network(config, preprocess, num_outputs)
    params = variable_shapes(model, preprocess.shape)["params"]
    mask = flatten_dict(trainable_mask(params, config.learning, config.fine_tuning.frozen), sep="/")
    optimizer = make_optimizer(config.optimizer, optax.constant_schedule(config.optimizer.learning_rate))
    summary = summarize(model, preprocess.shape, config.batch_size, mask.__getitem__, optimizer, preprocess.noun)
    size = " x ".join(map(str, preprocess.shape))
    if preprocess.num_tokens:
        size = f"{size} words"
    learnt = f"{len(class_names)} classes" if class_names else "a number"
    if class_names and num_outputs == 1:
        learnt = f"{learnt} by one output"
    title = f"{config.model.name}, {learnt}, {preprocess.noun} of {size}"
    return f"{title}\n\n{format_summary(summary)}"


def count_network(config: ConfigDict, preprocess: AnyPreprocess, class_names: Sequence[str]) -> tuple[int, int]:
    """(parameters, FLOPs of the forward pass for one example) of the network of a config.

    Raises:
        ConfigError: if there is no such network.
    """
    num_outputs = create_task(config.task, class_names).num_outputs
    return count(_network(config, preprocess, num_outputs), preprocess.shape)


def _network(config: ConfigDict, preprocess: AnyPreprocess, num_outputs: int) -> Classifier:
    return create_model(config.model, num_outputs, compute_dtype(config.precision), preprocess.num_tokens)
