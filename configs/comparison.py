"""The study group's comparison: four networks, each by every type of learning, on one folder of photos.

COMMAND   study-classification tune --config=configs/comparison.py:data=FOLDER --study=runs/comparison
          study-classification compare runs/comparison/trials --out=runs/comparison
          behind the colon also: weights=FOLDER (with files whose names begin with the name of a network), models="a,b",
          seeds=N, size=PIXELS, epochs=N, runlocal
HARDWARE  2 CPU cores for a few epochs; a GPU for ResNet-50 and EfficientNet-B4 from scratch
RESULT    docs/results.md has the numbers of an earlier recipe

`original` is trained only from scratch, for nobody has published weights of it. Validation chooses the network, and
`evaluate` measures each run on the test split once. If published weights cannot be fetched, the other runs are trained,
and the same command trains the rest when they can.
"""

from ml_collections import ConfigDict

from study_classification.config import flatten, parse_arguments
from study_classification.config_rules import has_effect
from study_classification.configs import photos
from study_classification.models import ALIASES
from study_classification.paths import user_path
from study_classification.studies.grid import Sweep

MODELS = "original,resnet,efficientnet,mobilenet"  # the study group's names
LEARNING = ("from_scratch", "fine_tuning", "transfer_learning")


def get_config(arguments: str = "") -> ConfigDict:
    return _config(_given(arguments), "original", "from_scratch")


def sweep(arguments: str = "") -> Sweep:
    """The settings in which each network and type of learning differs from the config above."""
    given = _given(arguments)
    usual = flatten(_config(given, "original", "from_scratch"))
    settings = {}
    for model in given.models.split(","):
        for learning in LEARNING if model != "original" else LEARNING[:1]:
            config = _config(given, model, learning)
            settings[f"{model} {learning}"] = {
                field: value for field, value in flatten(config).items()
                if value != usual[field] and has_effect(config, field)
            }
    return Sweep(settings, seeds=tuple(range(given.seeds)))


def _given(arguments: str) -> ConfigDict:
    return parse_arguments(
        arguments, data="photos", weights="", models=MODELS, seeds=1, size=0, epochs=0.0, time="", runlocal=False)


def _config(given: ConfigDict, model: str, learning: str) -> ConfigDict:
    weights = "" if learning == "from_scratch" else _file_of_weights(model, given.weights)
    return photos.configure(ConfigDict({**given.to_dict(), "model": model, "learning": learning, "weights": weights}))


def _file_of_weights(model: str, folder: str) -> str:
    """The last file in the folder whose name begins with the name of the network; '' if there is none."""
    name = ALIASES.get(model, model)
    files = sorted(user_path(folder).glob(f"{name}*.*")) if folder else []
    return str(files[-1].absolute()) if files else ""
