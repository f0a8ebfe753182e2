"""Lesson 2.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default
from study_classification.studies.grid import Sweep
from study_classification.studies.settings import Settings


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, hidden=8, activation="tanh", epochs=0.0, runlocal=False)
    config = default.get_config()
    config.task.name = "sigmoid"
    config.data.input = "tables"
    config.data.source = "toy:xor"
    config.model.name = "mlp"
    config.model.hidden = (given.hidden,) if given.hidden else ()
    config.model.activation = given.activation
    config.batch_size = 4                   # all rows at once: one step an epoch
    config.optimizer.learning_rate = 0.1
    config.schedule.name = "constant"
    config.checkpoint_every_epochs = 50.0
    config.monitor = "val_loss"
    config.total_epochs = given.epochs or (2.0 if given.runlocal else 50.0)
    return config


def sweep() -> Sweep:
    layer: dict[str, Settings] = {name: {"model.activation": name} for name in ("tanh", "relu", "sigmoid", "linear")}
    few: dict[str, Settings] = {"no hidden layer": {"model.hidden": ()}, "tanh, 2 units": {"model.hidden": (2,)}}
    return Sweep(layer | few, seeds=(0, 1, 2))
