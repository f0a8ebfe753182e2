"""Lesson 5.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import quickstart


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, epochs=0.0, runlocal=False)
    config = quickstart.get_config()
    config.total_epochs = given.epochs or (1.0 if given.runlocal else 8.0)
    return config
