"""Lesson 1: can a network find a line through five points? (0, 1), (1, 3), (3, 7), (5, 11), (6, 13): y = 2 x + 1.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, standardized=False, rate=0.01, epochs=0.0, runlocal=False)
    config = default.get_config()
    config.seed = 3                         # w begins at -1.35, and not at 0.22 as with seed 0
    config.task.name = "regression"
    config.task.standardized = given.standardized
    config.data.input = "tables"
    config.data.source = "toy:line"
    config.data.target = "y"
    config.data.standardized = given.standardized
    config.model.name = "mlp"
    config.model.hidden = ()                # y = w x + b, and nothing more
    config.batch_size = 5                   # all points at once: one step an epoch
    config.optimizer.name = "sgd"
    config.optimizer.momentum = 0.0
    config.optimizer.learning_rate = given.rate
    config.schedule.name = "constant"
    config.checkpoint_every_epochs = 50.0
    config.total_epochs = given.epochs or (2.0 if given.runlocal else 200.0)
    return config
