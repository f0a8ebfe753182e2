"""Turns the tensors of a file into variables of a network: renames and transposes them, and uses each one."""

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import PyTree

from study_classification.errors import WeightsError
from study_classification.pretrained.families import names_of
from study_classification.pretrained.files import TensorFile

Shapes = Mapping[str, tuple[int, ...]]  # by path, such as params/backbone/conv1/kernel

# name of a weight -> (collection, name) in this project. A torch `weight` of one axis is the scale of a BatchNorm
_LEAVES = {
    "weight": ("params", "kernel"),
    "kernel": ("params", "kernel"),
    "depthwise_kernel": ("params", "kernel"),
    "gamma": ("params", "scale"),
    "bias": ("params", "bias"),
    "beta": ("params", "bias"),
    "running_mean": ("batch_stats", "mean"),
    "moving_mean": ("batch_stats", "mean"),
    "running_var": ("batch_stats", "var"),
    "moving_variance": ("batch_stats", "var"),
}


def to_variables(file: TensorFile, model_name: str, shapes: PyTree, skip: str = "") -> PyTree:
    """Fills the variables of a network, float32, from a file.

    Args:
        file: the tensors.
        model_name: a name of `study_classification.models.MODELS`.
        shapes: the network's variables, or their shapes: {'params': {'backbone', 'head'}, 'batch_stats': ...}.
        skip: `head` or `head/classifier`: the part that is neither read nor returned. '' skips nothing.

    Raises:
        WeightsError: unless every tensor is used, every parameter is filled, and all values are finite. It lists the
            rest on both sides, with shapes.
    """
    wanted = {path: shape for path, shape in shapes_by_path(shapes).items() if not _lies_in(path, skip)}
    found: dict[str, np.ndarray] = {}
    unused = []
    for name, path, array in _placed(file, model_name, wanted):
        if path in found or wanted.get(path) != array.shape:
            if not _lies_in(path, skip):
                unused.append(f"{name} [{_by(file.tensors[name].shape)}]")
        else:
            found[path] = np.ascontiguousarray(array, np.float32)
    unfilled = [f"{path} [{_by(shape)}]" for path, shape in wanted.items() if path not in found]
    if unused or unfilled:
        left = [("in the file:", line) for line in unused] + [("in the network:", line) for line in unfilled]
        raise WeightsError(
            f"{file.path} does not fit {model_name}: {len(unused)} of its tensors are not used, {len(unfilled)} of the "
            "network's are not filled; give the model.name and model.origin that the weights belong to"
            + "".join(f"\n  {place:<15} {line}" for place, line in left)
        )
    for path, array in found.items():
        if not np.isfinite(array).all():
            raise WeightsError(f"{file.path} is damaged: {path} holds values that are not finite; fetch it again")
    return unflatten_dict(found, sep="/")


def head_to_skip(found: Shapes, wanted: Shapes) -> str:
    """The part of the network that weights of these shapes cannot fill: `head`, `head/classifier`, or '' for none.

    It is the last layer if the weights have another number of classes or no head. It is the whole head if the network's
    head has hidden layers that the weights lack.
    """
    paths = {path for path in found.keys() | wanted.keys() if _lies_in(path, "head")}
    different = {path for path in paths if found.get(path) != wanted.get(path)}
    if all(_lies_in(path, "head/classifier") for path in different):
        return "head/classifier" if different else ""
    return "head"


def shapes_by_path(tree: PyTree) -> Shapes:
    return {path: tuple(leaf.shape) for path, leaf in flatten_dict(tree, sep="/").items()}


def shapes_in_file(file: TensorFile, model_name: str, wanted: Shapes) -> Shapes:
    """Path -> shape of the tensors of a file in this project, as far as `wanted` tells it."""
    return {path: array.shape for _, path, array in _placed(file, model_name, wanted)}


def path_of(file: TensorFile, name: str, model_name: str) -> str | None:
    """The path of a tensor, such as `params/backbone/conv1/kernel`; None if it is no part of a network."""
    if file.layout == "own":
        return name
    module, _, weight = name.rpartition("." if file.layout == "torch" else "/")
    if weight == "num_batches_tracked" or module == "normalization":  # of Keras' input, see `origin.py`
        return None
    collection, leaf = _LEAVES.get(weight, ("unknown", weight))
    if weight == "weight" and file.tensors[name].ndim == 1:
        leaf = "scale"
    names = names_of(model_name)
    for pattern, replacement in names.torch if file.layout == "torch" else names.keras:
        module = re.sub(pattern, replacement, module)
    return f"{collection}/{module}/{leaf}"


def _placed(file: TensorFile, model_name: str, wanted: Shapes) -> Iterator[tuple[str, str, np.ndarray]]:
    """(name, path, array with this project's axes) of every tensor that belongs to a network."""
    for name, array in file.tensors.items():
        path = path_of(file, name, model_name)
        if path is not None:
            yield name, path, _transposed(file, model_name, path, array, wanted.get(path, ()))


def _transposed(file: TensorFile, model_name: str, path: str, array: np.ndarray, wanted: tuple) -> np.ndarray:
    """The array as [h, w, in, out], or [in, out] for a dense layer. `wanted` is the shape that it should have."""
    if file.layout == "own":
        return array
    names, module = names_of(model_name), path.split("/", 1)[1].rpartition("/")[0]
    if file.layout == "torch":
        flattened = names.flattened.get(module)
        if flattened and array.ndim == 2 and array.shape[1] == math.prod(flattened):
            array = array.reshape(-1, *flattened)
        array = array.transpose({2: (1, 0), 4: (2, 3, 1, 0)}.get(array.ndim, range(array.ndim)))
    elif array.ndim == len(wanted) == 4:
        if array.shape[3] == wanted[2] == 1:  # depthwise: Keras has [h, w, channels, 1]
            array = array.swapaxes(2, 3)
        if module == names.bgr_convolution:
            array = array[:, :, ::-1]
    if array.ndim == 4 and len(wanted) == 2:  # a dense layer over a flattened map, or written as a convolution
        array = array.reshape(-1, array.shape[-1])
    return array


def _lies_in(path: str, folder: str) -> bool:
    return bool(folder) and f"{path.partition('/')[2]}/".startswith(f"{folder}/")


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "scalar"
