"""What a config would train, without training it: the summary of its network."""

import optax
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from study_classification.inputs.images.preprocess import Preprocess
from study_classification.models import create_model
from study_classification.models.cost import format_summary, summarize
from study_classification.models.initial import variable_shapes
from study_classification.optim.freezing import trainable_mask
from study_classification.optim.optimizer import make_optimizer
from study_classification.system.devices import compute_dtype


def describe_network(config: ConfigDict, preprocess: Preprocess, num_classes: int) -> str:
    """The summary of the network that a config describes for so many classes, as text.

    Raises:
        ConfigError: if there is no such network.
    """
    model = create_model(config.model, num_classes, compute_dtype(config.precision))
    params = variable_shapes(model, preprocess.shape)["params"]
    mask = flatten_dict(trainable_mask(params, config.learning, config.fine_tuning.frozen), sep="/")
    optimizer = make_optimizer(config.optimizer, optax.constant_schedule(config.optimizer.learning_rate))
    size = preprocess.image_size
    summary = summarize(model, size, preprocess.channels, config.batch_size, mask.__getitem__, optimizer)
    title = f"{config.model.name}, {num_classes} classes, pictures of {size} x {size} x {preprocess.channels}"
    return f"{title}\n\n{format_summary(summary)}"
