import os
import tarfile

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from study_classification.errors import WeightsError
from study_classification.pretrained import files
from study_classification.pretrained.files import read_tensors

KERNEL, BIAS, SCALE = np.arange(6.0, dtype=np.float32).reshape(2, 3), np.ones(3, np.float32), np.full(3, 2, np.float32)


def write_legacy(path, layers, names=lambda texts: np.array([text.encode() for text in texts]), root=None):
    """Keras' .h5: layers is {layer: {weight name: array}}."""
    with h5py.File(path, "w") as file:
        group = file.create_group(root) if root else file
        group.attrs["layer_names"] = names(list(layers))
        for layer, weights in layers.items():
            inner = group.create_group(layer)
            inner.attrs["weight_names"] = names(list(weights)) if weights else np.zeros(0)
            for name, array in weights.items():
                inner[name] = array


def write_keras3(path, groups):
    """Keras 3's .weights.h5: groups is {path of the group: (layer's name or None, arrays)}."""
    with h5py.File(path, "w") as file:
        for name, (layer, arrays) in groups.items():
            group = file.create_group(f"{name}/vars")
            if layer:
                group.attrs["name"] = layer
            for i, array in enumerate(arrays):
                group[str(i)] = array


def assert_tensors(file, expected):
    assert file.tensors.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(file.tensors[name], array)


def test_safetensors_whatever_the_suffix(tmp_path):
    save_file({"module.fc.weight": KERNEL, "fc.bias": BIAS.astype(np.float16)}, tmp_path / "weights.bin")
    file = read_tensors(tmp_path / "weights.bin")
    assert (file.path, file.layout) == (tmp_path / "weights.bin", "torch")
    assert_tensors(file, {"fc.weight": KERNEL, "fc.bias": BIAS})


LEGACY = {
    "input_1": {},
    "conv": {"conv/kernel:0": KERNEL, "conv/bias:0": BIAS},
    "bn": {f"bn/{name}:0": SCALE for name in ("gamma", "beta", "moving_mean", "moving_variance")},
}
READ = {"conv/kernel": KERNEL, "conv/bias": BIAS} | {
    f"bn/{name}": SCALE for name in ("gamma", "beta", "moving_mean", "moving_variance")
}


def test_legacy_keras_with_names_of_either_kind(tmp_path):
    write_legacy(tmp_path / "bytes.h5", LEGACY)
    write_legacy(tmp_path / "text.h5", LEGACY, lambda texts: np.array(texts, h5py.string_dtype("ascii")))
    write_legacy(tmp_path / "whole.h5", LEGACY, root="model_weights")
    for name in ("bytes", "text", "whole"):
        file = read_tensors(tmp_path / f"{name}.h5")
        assert file.layout == "keras"
        assert_tensors(file, READ)


def test_legacy_keras_with_long_lists_of_names_in_parts(tmp_path):
    write_legacy(tmp_path / "w.h5", {f"layer{i}": {f"layer{i}/kernel:0": KERNEL} for i in range(12)})
    with h5py.File(tmp_path / "w.h5", "a") as file:
        names = file.attrs["layer_names"]
        del file.attrs["layer_names"]
        for i, name in enumerate(names):
            file.attrs[f"layer_names{i}"] = [name]
    assert list(read_tensors(tmp_path / "w.h5").tensors) == [f"layer{i}/kernel" for i in range(12)]


def test_legacy_keras_of_the_first_vgg_and_of_a_model_in_a_model(tmp_path):
    write_legacy(tmp_path / "vgg.h5", {"block1_conv1": {"block1_conv1_W_1:0": KERNEL, "block1_conv1_b_1:0": BIAS}})
    assert_tensors(read_tensors(tmp_path / "vgg.h5"), {"block1_conv1/kernel": KERNEL, "block1_conv1/bias": BIAS})
    write_legacy(tmp_path / "nested.h5", {"mobilenet": {"Conv1/kernel:0": KERNEL, "bn_Conv1/gamma:0": SCALE}})
    assert_tensors(read_tensors(tmp_path / "nested.h5"), {"Conv1/kernel": KERNEL, "bn_Conv1/gamma": SCALE})


def test_keras_3_goes_by_the_names_beside_the_numbers(tmp_path):
    write_keras3(
        tmp_path / "w.weights.h5",
        {
            "layers/conv2d_7": ("conv", [KERNEL, BIAS]),
            "layers/functional/layers/conv2d": ("inner", [KERNEL]),
            "layers/batch_normalization": ("bn", [SCALE] * 4),
            "layers/normalization": ("normalization_2", [BIAS, SCALE, np.array(0)]),
            "layers/dropout/seed_generator": ("seed_generator", [np.zeros(2, np.uint32)]),
            "layers/reshape": ("reshape", []),
            "optimizer": ("adam", [np.array(3)]),
        },
    )
    normalization = {"normalization/mean": BIAS, "normalization/variance": SCALE, "normalization/count": np.array(0)}
    file = read_tensors(tmp_path / "w.weights.h5")
    assert file.layout == "keras"
    assert_tensors(file, READ | {"inner/kernel": KERNEL} | normalization)


def test_early_keras_3_has_no_names(tmp_path):
    write_keras3(tmp_path / "w.weights.h5", {"layers/conv2d_7": (None, [KERNEL])})
    with pytest.raises(WeightsError, match=r"does not name its layers.*Keras before 3\.6"):
        read_tensors(tmp_path / "w.weights.h5")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_file_that_was_cut_off_is_named(share, tmp_path):
    save_file({f"conv{i}.weight": np.zeros((8, 8), np.float32) for i in range(20)}, tmp_path / "w.safetensors")
    write_legacy(tmp_path / "w.h5", {"conv": {"conv/kernel:0": np.zeros((64, 64))}})
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(WeightsError, match=rf"{path} is damaged or cut off \(.*\): fetch it again"):
            read_tensors(path)


@pytest.mark.parametrize(
    ("program", "message"),
    [("import time; time.sleep(100)", "does not come to an end"), ("import os; os.abort()", "reading it crashes")],
)
def test_hdf5_that_never_ends_or_crashes_is_damaged(tmp_path, monkeypatch, program, message):
    """The child process that reads it first does, in place of libhdf5, what libhdf5 does with some damaged files."""
    write_legacy(tmp_path / "w.h5", LEGACY)
    monkeypatch.setattr(files, "_READ_ALL", program)
    monkeypatch.setattr(files, "HDF5_SECONDS", 1.0 if "sleep" in program else 30.0)
    with pytest.raises(WeightsError, match=rf"w\.h5 is damaged: .*{message}"):
        read_tensors(tmp_path / "w.h5")


def test_what_is_no_file_of_weights(tmp_path):
    (tmp_path / "page.safetensors").write_text("<html>404</html>")
    (tmp_path / "empty.h5").write_bytes(b"")
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x"] = KERNEL
    os.mkfifo(tmp_path / "pipe.h5")
    with tarfile.open(tmp_path / "old.pth", "w") as archive:
        archive.add(tmp_path / "data.h5")
    for name, reason in [
        ("old.pth", "is a tar archive"),
        ("page.safetensors", "no file of weights"),
        ("empty.h5", "no file of weights"),
        ("data.h5", "holds no weights of Keras"),
        ("absent.h5", "it does not exist"),
        ("pipe.h5", "it is a pipe, not a file"),
        (".", "it is a folder, not a file"),
    ]:
        with pytest.raises(WeightsError, match=reason):
            read_tensors(tmp_path / name)
