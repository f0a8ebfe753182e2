"""Turns published weights into variables of this project, with their origin and preprocessing.

published.py           the best-known published weights of each network
download.py            fetches one file from a URL or a bucket
hub.py                 fetches files of the Hugging Face hub
files.py               files of weights -> arrays by name
torch_files.py         files of PyTorch -> arrays by name, without PyTorch
torch_pickles.py       reads the pickles in them, without running them
convert.py             arrays by name -> variables
origin.py              the origin of weights, and their preprocessing
families.py            which names belong to which network
names.py               the form of a table of names
names_alexnet.py       the tables, one for each family
names_efficientnet.py  -
names_mobilenet_v2.py  -
names_resnet.py        -
names_squeezenet.py    -
names_vgg.py           -
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from flax.traverse_util import flatten_dict
from jaxtyping import PyTree
from ml_collections import ConfigDict

from study_classification.data.prepare import cache_directory
from study_classification.errors import WeightsError
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.models import ALIASES, create_model
from study_classification.models.initial import variable_shapes
from study_classification.models.own import identity_of, is_own
from study_classification.paths import on_bucket, user_path
from study_classification.pretrained.convert import head_to_skip, shapes_by_path, shapes_in_file, to_variables
from study_classification.pretrained.download import copy_from_bucket
from study_classification.pretrained.files import TensorFile, read_tensors
from study_classification.pretrained.hub import fetch
from study_classification.pretrained.origin import detect_origin, preprocess_of
from study_classification.pretrained.published import IMAGENET, describe, fetch_published
from study_classification.runs import directory
from study_classification.runs.checkpoints import load_model
from study_classification.system import devices
from study_classification.tasks.create import create_task

SUFFIXES = (".safetensors", ".h5", ".hdf5", ".pth", ".pt", ".th")  # such a name is a file, never a repository


@dataclass(frozen=True)
class Pretrained:
    """Weights that fit a network.

    Attributes:
        source: where they come from, as text for the user.
        variables: NumPy float32, {'params': ..., 'batch_stats': ...}, without the part `skipped`.
        origin: `torchvision`, `timm`, `timm_tf` or `keras`: the value that `config.model.origin` has to have.
        preprocess: the preprocessing that the weights need.
        skipped: the part of the network without weights, which starts anew: `head`, `head/classifier`, or ''.
    """

    source: str
    variables: PyTree
    origin: str
    preprocess: Preprocess
    skipped: str


def load_pretrained(config: ConfigDict, class_names: Sequence[str]) -> Pretrained:
    """Loads `config.model.weights` for the network `config.model.name` with the outputs of the task.

    Args:
        config: `model.weights` is `imagenet` (see `published.py`), a file, the directory of a run of this project (its
            best checkpoint), or a repository of the Hugging Face hub such as `timm/resnet50.a1_in1k`; `model.origin`,
            if not empty, states whose conventions they follow. The sizes of `preprocess`, if not 0, replace the sizes
            of the weights.
        class_names: the classes of the network. The last layer is left out if the weights have another number of
            outputs, or come from a run with another task or other classes. A run on numbers, and a file, do not say
            what they mean.

    Raises:
        WeightsError: if the weights are absent, damaged, or belong to another network or origin.
        EnvironmentFault: if the hub cannot be reached and its cache lacks them.
    """
    weights, stated = config.model.weights, config.model.origin
    name = ALIASES.get(config.model.name, config.model.name)
    same_meaning = True
    if directory.is_run(user_path(weights)):
        file, run = _read_run(user_path(weights), name, stated)
        assert isinstance(run.preprocess, Preprocess)  # else it was refused
        origin, preprocess = _origin_of(run), run.preprocess
        same_meaning = bool(class_names) and _meaning(run.config, run.class_names) == _meaning(config, class_names)
    elif is_own(name):
        raise WeightsError(
            f"no other library has weights of {name}: train it with learning=from_scratch, or give the directory of a "
            "run that has trained it as model.weights"
        )
    else:
        file = read_tensors(_find(weights, name, cache_directory(config.data)))
        origin = detect_origin(file, name, stated)
        preprocess = preprocess_of(file, name, origin)
    preprocess = Preprocess.from_config(config.preprocess, preprocess)
    model_config = ConfigDict(config.model.to_dict() | {"origin": origin})
    shapes = _shapes(model_config, config.task, class_names, preprocess)
    wanted = shapes_by_path(shapes)
    skip = head_to_skip(shapes_in_file(file, name, wanted), wanted) or ("" if same_meaning else "head/classifier")
    source = describe(name) if weights == IMAGENET else weights
    return Pretrained(source, to_variables(file, name, shapes, skip), origin, preprocess, skip)


def _find(weights: str, name: str, cache: Path) -> Path:
    """The file of the weights: the path itself, a file in a folder from the hub, or a file that is fetched now."""
    if weights == IMAGENET:
        return fetch_published(name, cache)
    path = user_path(weights)
    if on_bucket(path):
        return copy_from_bucket(path / "model.safetensors" if path.is_dir() else path, cache / "weights")
    if path.is_dir():
        return path / "model.safetensors"
    if path.exists() or path.suffix in SUFFIXES or not re.fullmatch(r"[\w.-]+/[\w.-]+", weights):
        return path
    return fetch(weights)


def _meaning(config: ConfigDict, class_names: Sequence[str]) -> tuple:
    """The meaning of the outputs of a network with this config and these classes."""
    return config.task.name, config.task.positive, *class_names


def _origin_of(run: directory.Run) -> str:
    return run.config.model.get("origin", "") or "torchvision"


def _read_run(workdir: Path, name: str, stated: str) -> tuple[TensorFile, directory.Run]:
    """(best checkpoint of a run as a file of the layout `own`, the run)."""
    run = directory.load(workdir)
    trained, origin = run.config.model.name, _origin_of(run)
    if identity_of(ALIASES.get(trained, trained)) != identity_of(name):
        raise WeightsError(f"{workdir} has trained {trained}, not {name}: set model.name to {trained}")
    if stated and stated != origin:
        raise WeightsError(f"{workdir} follows {origin}, not {stated}: set model.origin to {origin}, or leave it empty")
    if not isinstance(run.preprocess, Preprocess):
        raise WeightsError(f"{workdir} has trained on {run.preprocess.noun}: give the run of a network of pictures")
    everywhere = devices.replicated(devices.make_mesh(1))
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=everywhere),
        _shapes(run.config.model, run.config.task, run.class_names, run.preprocess),
    )
    _, variables = load_model(directory.checkpoints_folder(workdir), "best", shapes)
    tensors = {path: np.asarray(leaf) for path, leaf in flatten_dict(variables, sep="/").items()}
    return TensorFile(workdir, "own", tensors), run


def _shapes(
    model_config: ConfigDict, task_config: ConfigDict, class_names: Sequence[str], preprocess: Preprocess
) -> PyTree:
    num_outputs = create_task(task_config, class_names).num_outputs
    return variable_shapes(create_model(model_config, num_outputs), preprocess.shape)
