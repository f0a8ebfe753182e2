"""Lesson 4.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default, photos
from study_classification.studies.grid import Sweep

L2 = 0.1
RATE = 0.2


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, data="digits:3,8", epochs=0.0, runlocal=False)
    if given.data.startswith("digits"):
        config = default.get_config()
        config.data.source = given.data
        config.preprocess.image_size = 8
        config.preprocess.channels = 1
        config.preprocess.mean = (0.305,)   # of the digits' pixels
        config.preprocess.std = (0.376,)
        config.model.name = "mlp"
        config.model.hidden = ()            # logistic regression: one weight a pixel
        config.batch_size = 300             # all images at once
        config.optimizer.name = "sgd"
        config.optimizer.learning_rate = RATE
        config.optimizer.momentum = 0.0
        config.optimizer.l2 = L2
        config.schedule.name = "constant"
        config.checkpoint_every_epochs = 50.0
        config.total_epochs = 300.0
    else:
        config = photos.get_config(f'data="{given.data}"')
    config.task.name = "sigmoid"
    config.monitor = "val_loss"
    config.total_epochs = given.epochs or (2.0 if given.runlocal else config.total_epochs)
    return config


def sweep() -> Sweep:
    # The two outputs of a softmax share what one output does alone: a step moves their difference twice as far, and a
    # penalty on their weights weighs half as much.
    softmax = {"task.name": "softmax", "optimizer.learning_rate": RATE / 2, "optimizer.l2": 2 * L2}
    return Sweep({"sigmoid": {}, "softmax": softmax}, seeds=(0, 1, 2))
