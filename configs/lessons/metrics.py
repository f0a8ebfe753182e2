"""Lesson 6.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, data="digits:8,rest", positive="8", weights="", epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = given.data
    config.data.split_ratio = (6, 2, 2)     # so that more than a handful of the rare class are for validation
    config.task.name = "sigmoid"
    config.task.positive = given.positive
    config.class_weights = given.weights
    config.preprocess.image_size = 8
    config.preprocess.channels = 1
    config.model.name = "mlp"
    config.model.hidden = ()
    config.batch_size = 64
    config.total_epochs = given.epochs or (2.0 if given.runlocal else 20.0)
    return config
