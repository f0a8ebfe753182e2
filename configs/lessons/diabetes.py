"""Lesson 1, continued.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, data="sklearn:diabetes", target="target", epochs=0.0, runlocal=False)
    config = default.get_config()
    config.task.name = "regression"
    config.data.input = "tables"
    config.data.source = given.data
    config.data.target = given.target
    config.model.name = "mlp"
    config.model.hidden = (64, 64)
    config.optimizer.name = "rmsprop"
    config.optimizer.learning_rate = 1e-3
    config.optimizer.momentum = 0.0
    config.optimizer.b2 = 0.9
    config.schedule.name = "constant"
    config.early_stopping.patience = 10
    config.total_epochs = given.epochs or (2.0 if given.runlocal else 100.0)
    return config
