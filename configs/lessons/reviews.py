"""Lesson 4, continued.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import text


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(
        arguments, data="reviews:short", text="text", target="target", positive="", epochs=0.0, runlocal=False)
    config = text.get_config(f'data="{given.data}",text="{given.text}",target="{given.target}"')
    config.task.name = "sigmoid"
    config.task.positive = given.positive
    config.total_epochs = given.epochs or (1.0 if given.runlocal else config.total_epochs)
    return config
