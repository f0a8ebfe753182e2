"""Image classification on JAX: train, evaluate and use classifiers of your own images.

    import study_classification as sc

    config = sc.get_config("configs/photos.py:data=photos")
    classifier = sc.train(config, "runs/photos")
    print(classifier.predict("cat.jpg").label)

Importing this package imports no JAX: each function imports what it needs when it is called.
"""

import os
from typing import TYPE_CHECKING

from study_classification.errors import UserError

if TYPE_CHECKING:
    import flax.linen
    from jax.typing import DTypeLike
    from ml_collections import ConfigDict

    from study_classification.inference.predictor import Prediction, Predictor

    __version__: str

__all__ = [
    "Prediction",
    "Predictor",
    "UserError",
    "__version__",
    "create_model",
    "evaluate",
    "get_config",
    "load",
    "train",
]


def get_config(text: str) -> "ConfigDict":
    """The config that `--config=` means on the command line. Change its fields, and give it to `train`.

    Args:
        text: a config file, or the name of an installed one (`configs/photos.py`, `photos`); its arguments follow a
            colon, as in `configs/photos.py:data=FOLDER,epochs=5`.

    Returns:
        The config, locked: setting a field that does not exist raises AttributeError.

    Raises:
        UserError: `ConfigError`, if there is no such file or argument.
    """
    from study_classification.config import load_config

    return load_config(text)


def train(config: "ConfigDict", workdir: str | os.PathLike[str]) -> "Predictor":
    """Trains the network of a config, or goes on where an interrupted training in `workdir` stopped.

    Args:
        config: from `get_config`, or from a user's own `get_config()`.
        workdir: the run directory, for all files. It is made if need be.

    Returns:
        The trained network with its best weights, as `load(workdir)` gives it.

    Raises:
        UserError: one of its kinds, for everything that the user can mend; see `errors.py`.
    """
    from study_classification.paths import user_folder
    from study_classification.training.loop import train_and_evaluate

    train_and_evaluate(config, user_folder(workdir))
    return load(workdir)


def load(
    run_dir: str | os.PathLike[str], checkpoint: str | int = "best", *, tta: str = "none", calibrated: bool = False
) -> "Predictor":
    """The classifier that a run has trained, see `Predictor`.

    The directory may have been moved or copied. If the network is a user's own file, its copy in the directory is run
    as Python code: load only runs that you trust.

    Args:
        run_dir: the run directory.
        checkpoint: `best`, `last`, or a step.
        tta: test-time augmentation, `none` or `flip`: probabilities are averaged over an image and its mirror image.
        calibrated: whether to mend probabilities by the temperature that was fitted on validation.

    Raises:
        UserError: if the directory is no run, or the checkpoint is absent, damaged, or of another network.
    """
    from study_classification.inference import predictor

    return predictor.load(run_dir, checkpoint, tta=tta, calibrated=calibrated)


def evaluate(
    run_dir: str | os.PathLike[str],
    data: str | os.PathLike[str] = "",
    *,
    split: str = "",
    checkpoint: str | int = "best",
    tta: str = "none",
    write_report: bool = False,
) -> dict:
    """Measures a checkpoint of a run. The arguments are those of `load` and `Predictor.evaluate`."""
    return load(run_dir, checkpoint, tta=tta).evaluate(data, split=split, write_report=write_report)


def create_model(model: "str | ConfigDict", num_classes: int, dtype: "DTypeLike" = "float32") -> "flax.linen.Module":
    """A network of this project, or a user's own, as a Flax Linen module without weights.

    Args:
        model: a name such as `resnet50` or `FILE.py:Class`, with the defaults of its paper, or `config.model`.
        num_classes: the number of outputs.
        dtype: the type in which the backbone computes; variables are float32.

    Returns:
        A module that takes normalised images float32 [b, h, w, c] and `train`, and gives logits [b, num_classes].

    Raises:
        UserError: `ConfigError`, if there is no such network.
    """
    from study_classification import models
    from study_classification.configs import default

    if isinstance(model, str):
        name, model = model, default.get_config().model
        model.name = name
    return models.create_model(model, num_classes, dtype)


if not TYPE_CHECKING:  # a type checker would take any name for defined

    def __getattr__(name: str):
        if name == "__version__":
            from importlib import metadata  # its import takes longer than all that --help needs

            return metadata.version("study-classification")
        if name in ("Prediction", "Predictor"):
            from study_classification.inference import predictor

            return getattr(predictor, name)
        raise AttributeError(f"module 'study_classification' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
