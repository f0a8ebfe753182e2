"""Lesson 8, third part. Do new views of the same images help against over-fitting?

COMMAND   study-classification tune --config=configs/lessons/augmentation.py --study=runs/augmentation
          behind the colon: epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      TODO
RESULT    TODO
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default
from study_classification.studies.grid import Sweep


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = "digits"
    config.data.split_ratio = (2, 1, 1)
    config.data.per_class = 10              # 100 training images
    config.preprocess.image_size = 8
    config.preprocess.channels = 1
    config.model.name = "mlp"
    config.model.hidden = (512,)
    config.model.dropout = 0.0
    config.batch_size = 50
    config.optimizer.learning_rate = 3e-3
    config.monitor = "val_loss"
    config.total_epochs = given.epochs or (1.0 if given.runlocal else 100.0)
    return config


def sweep() -> Sweep:
    return Sweep(
        {
            "as it is": {},
            "turned and shifted": {"augment.rotation": 10.0, "augment.shift": 0.05},
        },
        seeds=(0, 1, 2),
    )
