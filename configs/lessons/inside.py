"""Lesson 5.
"""

from ml_collections import ConfigDict

from study_classification.configs import quickstart


def get_config(arguments: str = "") -> ConfigDict:
    return quickstart.get_config(arguments)
