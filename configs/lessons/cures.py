"""Lesson 8, second part. What helps against over-fitting, and by how much?

COMMAND   study-classification tune --config=configs/lessons/cures.py --study=runs/cures
          study-classification summary --workdir="runs/cures/trials/L1-seed0"    (how many weights became 0)
          behind the colon: epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      TODO
RESULT    TODO
"""

from ml_collections import ConfigDict

from study_classification.configs.lessons import overfitting
from study_classification.studies.grid import Sweep


def get_config(arguments: str = "") -> ConfigDict:
    config = overfitting.get_config(arguments)
    config.model.hidden = (512,)
    return config


def sweep() -> Sweep:
    return Sweep(
        {
            "large, as it is": {},
            "3 times the data": {"data.per_class": 75},
            "dropout 0.5": {"model.dropout": 0.5},
            "L1": {"optimizer.l1": 3e-3},
            "L2": {"optimizer.l2": 3e-2},
            "BatchNorm": {"model.batch_norm": True},
            "early stopping": {"early_stopping.patience": 5},
        },
        seeds=(0, 1, 2),
    )
