"""What a config would train, without training it: the summary of its network."""

import optax
from flax.traverse_util import flatten_dict
from ml_collections import ConfigDict

from study_classification.inputs.kinds import AnyPreprocess
from study_classification.models import create_model
from study_classification.models.cost import format_summary, summarize
from study_classification.models.initial import variable_shapes
from study_classification.optim.freezing import trainable_mask
from study_classification.optim.optimizer import make_optimizer
from study_classification.system.devices import compute_dtype


def describe_network(config: ConfigDict, preprocess: AnyPreprocess, num_classes: int) -> str:
    """The summary of the network that a config describes for so many classes, as text.

    Raises:
        ConfigError: if there is no such network.
    """
    model = create_model(config.model, num_classes, compute_dtype(config.precision), preprocess.num_tokens)
    params = variable_shapes(model, preprocess.shape)["params"]
    mask = flatten_dict(trainable_mask(params, config.learning, config.fine_tuning.frozen), sep="/")
    optimizer = make_optimizer(config.optimizer, optax.constant_schedule(config.optimizer.learning_rate))
    summary = summarize(model, preprocess.shape, config.batch_size, mask.__getitem__, optimizer, preprocess.noun)
    size = " x ".join(map(str, preprocess.shape)) + (" words" if preprocess.num_tokens else "")
    title = f"{config.model.name}, {num_classes} classes, {preprocess.noun} of {size}"
    return f"{title}\n\n{format_summary(summary)}"
