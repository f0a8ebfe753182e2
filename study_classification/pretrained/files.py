"""Reads files of weights as arrays by name. The first bytes of a file tell its kind, not its suffix."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import safetensors.numpy

from study_classification.errors import WeightsError
from study_classification.paths import open_file, why
from study_classification.pretrained.torch_files import read_state_dict

HDF5_SECONDS, HDF5_SPEED = 30, 2e6  # how long reading may take: so many seconds, and one more for so many bytes
_READ_ALL = """
import sys, h5py

def read(name, item):
    dict(item.attrs)
    if isinstance(item, h5py.Dataset):
        item[()]

with h5py.File(sys.argv[1]) as file:
    read("", file)
    file.visititems(read)
"""


@dataclass(frozen=True)
class TensorFile:
    """The tensors of a file, as the file holds them.

    Attributes:
        path: the path of the file.
        layout: `torch` (names of a state_dict, such as `layer1.0.conv1.weight`; kernels [out, in, h, w]), `keras`
            (`layer/weight`, such as `conv1_conv/kernel`; kernels [h, w, in, out]), or `own` (paths of this project,
            such as `params/backbone/conv1/kernel`). A Keras weight is one of kernel, depthwise_kernel, bias, gamma,
            beta, moving_mean, moving_variance, however the file spells it.
        tensors: name -> array.
    """

    path: Path
    layout: str
    tensors: Mapping[str, np.ndarray]


def read_tensors(path: Path) -> TensorFile:
    """Reads safetensors, Keras HDF5 (legacy `.h5` and Keras 3 `.weights.h5`), and `.pth` in both formats of PyTorch.

    Raises:
        WeightsError: if the file cannot be read, is damaged, is of another kind, or would run code when loaded.
    """
    try:
        with open_file(path) as stream:
            start = stream.read(512)
            size = os.fstat(stream.fileno()).st_size
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({why(error)}): give a file of weights") from None
    try:
        if start.startswith(b"\x89HDF\r\n\x1a\n"):
            _try_hdf5(path, HDF5_SECONDS + size / HDF5_SPEED)
            with h5py.File(path) as file:
                return TensorFile(path, "keras", _keras_tensors(file))
        if start[8:9] == b"{":  # eight bytes of length, then JSON
            return TensorFile(path, "torch", _state_dict(safetensors.numpy.load_file(path)))
        if start.startswith((b"PK\x03\x04", b"\x80")):  # a zip archive, a pickle
            return TensorFile(path, "torch", _state_dict(read_state_dict(path)))
    except WeightsError:
        raise
    except Exception as error:  # of any type: the libraries meet damaged bytes
        reason = str(error).partition("\n")[0].rstrip(".")
        raise WeightsError(f"{path} is damaged or cut off ({reason:.200}): fetch it again") from None
    if start[257:262] == b"ustar":
        raise WeightsError(
            f"{path} is a tar archive: give the file of weights that it holds, or, if it is PyTorch's of before 2017, "
            "load it there and save it again"
        )
    raise WeightsError(f"{path} is no file of weights: give .safetensors, a Keras .h5 or .weights.h5, or a .pth")


def _try_hdf5(path: Path, seconds: float) -> None:
    """Reads all of a file in another process first, for libhdf5 never ends with some damaged files.

    In this process no signal would stop it. Other errors show when the file is read here.

    Raises:
        WeightsError: if the process does not end in time, or crashes.
    """
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-c", _READ_ALL, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise WeightsError(f"{path} is damaged: reading it does not come to an end; fetch it again") from None
    if ended.returncode < 0:
        raise WeightsError(f"{path} is damaged: reading it crashes; fetch it again")


def _state_dict(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The tensors without the `module.` that torch's DataParallel puts before every name."""
    return {name.removeprefix("module."): array for name, array in tensors.items()}


def _keras_tensors(file: h5py.File) -> dict[str, np.ndarray]:
    root = file.get("model_weights", file)  # a whole model, or its weights alone
    if any(key.startswith("layer_names") for key in root.attrs):
        return _legacy_tensors(root)
    tensors: dict[str, np.ndarray] = {}

    def visit(name: str, group: h5py.Group | h5py.Dataset) -> None:
        if not name.endswith("/vars") or name.startswith("optimizer") or "seed_generator" in name or not len(group):
            return
        # The group is numbered by the layer's class; the layer's own name stands beside, since Keras 3.6.
        layer = group.attrs.get("name", name.split("/")[-2])
        if "name" not in group.attrs and re.fullmatch(r"(\w*conv2d|dense|batch_normalization)(_\d+)?", layer):
            raise WeightsError(
                f"{file.filename} does not name its layers ({layer}), as Keras before 3.6 wrote them: load it "
                "with a newer one, and save it again"
            )
        arrays = [group[str(i)][()] for i in range(len(group))]
        if arrays[0].ndim > 1:
            weights = ("kernel", "bias")[: len(arrays)]
        elif layer.startswith("normalization"):
            weights = ("mean", "variance", "count")
        else:
            weights = ("gamma", "beta", "moving_mean", "moving_variance")
        tensors.update({_key(layer, weight): array for weight, array in zip(weights, arrays, strict=True)})

    root.visititems(visit)
    if not tensors:
        raise WeightsError(f"{file.filename} is HDF5, but holds no weights of Keras: give a file of model.save_weights")
    return tensors


def _legacy_tensors(root: h5py.Group) -> dict[str, np.ndarray]:
    tensors = {}
    for layer in _name_list(root, "layer_names"):
        names = _name_list(root[layer], "weight_names")
        nested = len({name.rpartition("/")[0] for name in names}) > 1  # a model used as a layer
        for name in names:
            owner = name.split("/")[-2] if nested else layer
            # conv1_conv/kernel:0; the first releases of VGG have block1_conv1_W_1:0
            weight = name.rpartition("/")[2].partition(":")[0].removeprefix(f"{owner}_")
            tensors[_key(owner, {"W_1": "kernel", "b_1": "bias"}.get(weight, weight))] = root[layer][name][()]
    return tensors


def _key(layer: str, weight: str) -> str:
    """The key layer/weight. Keras numbers the layer `normalization` by session, but a network has only one."""
    return f"{'normalization' if layer.startswith('normalization') else layer}/{weight}"


def _name_list(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names. Keras splits a list that is too long for one attribute over attribute0, attribute1, ..."""
    parts = [key for key in group.attrs if re.fullmatch(rf"{attribute}\d*", key)]
    names = [name for part in sorted(parts, key=lambda part: (len(part), part)) for name in group.attrs[part]]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
