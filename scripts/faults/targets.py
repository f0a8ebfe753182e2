"""What is fuzzed: each reader of foreign bytes as a function bytes -> None, with a few good inputs to begin with."""

import hashlib
import io
import json
import signal
import struct
import subprocess
import sys
import weakref
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

HDF5_SECONDS = 0.5  # of the processor, which no good file here needs; the program waits for 30


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        read: takes the bytes of one file; raises a UserError for what it refuses.
        inputs: good ones, which mutations begin with.
    """

    read: Callable[[bytes], None]
    inputs: tuple[bytes, ...]


def make_target(name: str, folder: Path) -> Target:
    """One of TARGETS; the files that it reads are written into the folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return TARGETS[name](folder)


def _image(folder: Path) -> Target:
    from study_classification.errors import DataError
    from study_classification.inputs.images.decode import FORMATS, UnreadableImage, decode_scaled

    def read(data: bytes) -> None:
        try:
            decode_scaled(data, 4, max_megapixels=1)
        except UnreadableImage as error:
            raise DataError(str(error)) from error

    pixels = np.random.default_rng(0).integers(0, 256, (20, 16, 3), np.uint8)
    return Target(read, tuple(_encoded(pixels, kind) for kind in FORMATS))


def _encoded(pixels: np.ndarray, kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def _manifest(suffix: str, inputs: tuple[bytes, ...], folder: Path) -> Target:
    from study_classification.data.sources import list_manifest

    return Target(_reader_of(folder / f"manifest{suffix}", list_manifest), inputs)


def _splits(folder: Path) -> Target:
    from study_classification.data.splits import read_pinned

    return Target(_reader_of(folder / "splits.csv", read_pinned), (_SPLITS,))


def _weights(inputs: Callable[[], tuple[bytes, ...]], folder: Path) -> Target:
    from study_classification.pretrained.files import read_tensors

    return Target(_reader_of(folder / "weights", read_tensors), inputs())


def _keras_weights(folder: Path) -> Target:
    """HDF5. The program reads each file in a process first; here that is one for all inputs, until it crashes."""
    from study_classification.pretrained import files

    target, servers = _weights(_keras, folder), list[subprocess.Popen]()

    def run(command: Sequence[str], **_: object) -> subprocess.CompletedProcess:
        if not servers:
            start = [sys.executable, "-c", _RUN_EACH]
            servers.append(subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0))
        servers[0].stdin.write(json.dumps([*command[3:], HDF5_SECONDS]).encode() + b"\n")
        if servers[0].stdout.readline():
            return subprocess.CompletedProcess(command, 0)
        code = _end(servers)
        if code == -signal.SIGPROF:
            raise subprocess.TimeoutExpired(command, HDF5_SECONDS)
        return subprocess.CompletedProcess(command, code)

    def read(data: bytes) -> None:
        with mock.patch.object(files.subprocess, "run", run):
            target.read(data)

    weakref.finalize(read, _end, servers)
    return Target(read, target.inputs)


_RUN_EACH = """
import json, signal, sys, h5py

for line in sys.stdin:
    code, argument, seconds = json.loads(line)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    sys.argv = ["-c", argument]
    try:
        exec(code, {})
    except Exception:
        pass
    signal.setitimer(signal.ITIMER_PROF, 0)
    print("read", flush=True)
"""


def _end(servers: list[subprocess.Popen]) -> int:
    """Ends the process, if there is one; its exit code."""
    if not servers:
        return 0
    server = servers.pop()
    server.communicate()
    return server.returncode


def _reader_of(file: Path, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    def write_and_read(data: bytes) -> None:
        file.write_bytes(data)
        read(file)

    return write_and_read


def _run_file(name: str, folder: Path) -> Target:
    """A file of a run directory whose other files are whole, read by all that read it."""
    from study_classification.configs import default
    from study_classification.inputs.images.preprocess import Preprocess
    from study_classification.runs import directory, own_data, results
    from study_classification.runs.json_files import config_to_json

    config = default.get_config()
    config.task.name = "regression" if name == "targets.json" else "softmax"
    whole = {
        "config.json": config_to_json(config),
        "classes.json": [] if name == "targets.json" else ["cat", "dog"],
        "targets.json": {"mean": 41.5, "std": 12.25},
        "preprocess.json": Preprocess(8, 8, "bilinear", 1, (0.5,), (0.25,)).to_json(),
        "data_report.json": {
            "key": "0a1b",
            own_data.SPLITS_DIGEST: hashlib.sha256(_SPLITS).hexdigest(),
            "classes": {"cat": {"train": 1}},
            "unreadable": {},
        },
        "report.json": {"test": {"accuracy": 1.0}},
    }
    inputs = {other: json.dumps(content).encode() for other, content in whole.items()} | {"splits.csv": _SPLITS}
    for other, content in inputs.items():
        (folder / other).write_bytes(content)

    def read(file: Path) -> None:
        match name:
            case "data_report.json" | "splits.csv":
                own_data.same_data(folder, "0a1b", "")
                own_data.splits_of_pixels(folder)
            case "report.json":
                results.add_to_report(folder, "validation", {"accuracy": 0.5})
            case _:
                directory.load(folder)

    return Target(_reader_of(folder / name, read), (inputs[name],))


def _checkpoint(folder: Path) -> Target:
    """What is known of a checkpoint."""
    from study_classification.errors import RunError
    from study_classification.runs import checkpoint

    def read(file: Path) -> None:
        try:
            checkpoint.read_record(file.parent)
        except checkpoint.DamagedError as error:
            raise RunError(str(error)) from error

    content = {"step": 4, "best": True, "beside": {"history": {"epochs": [], "best": -1}}, "files": {"model/d/0": "0a"}}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return Target(_reader_of(folder / checkpoint.RECORD, read), (json.dumps(content | {"digest": digest}).encode(),))


def _safetensors() -> tuple[bytes, ...]:
    import safetensors.numpy

    return (safetensors.numpy.save({"conv.weight": np.ones((2, 3), np.float32), "n": np.arange(3)}),)


def _keras() -> tuple[bytes, ...]:
    import h5py

    old, new = io.BytesIO(), io.BytesIO()
    with h5py.File(old, "w") as file:
        file.attrs["layer_names"] = [b"conv1"]
        file.create_group("conv1").attrs["weight_names"] = [b"conv1/kernel:0"]
        file["conv1/conv1/kernel:0"] = np.ones((1, 1, 2, 3), np.float32)
    with h5py.File(new, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.attrs["name"] = "logits"
        group["0"], group["1"] = np.ones((2, 3), np.float32), np.ones(3, np.float32)
    return old.getvalue(), new.getvalue()


def _torch() -> tuple[bytes, ...]:
    """One tensor `w` of 2 x 3 in PyTorch's two formats."""

    def pickled(view: bytes) -> bytes:
        storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x06" + view + b"tQ"
        tensor = b"(" + storage + b"K\0(K\x02K\x03t(K\x03K\x01t\x89ccollections\nOrderedDict\n)Rt"
        return b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n" + tensor + b"Rs."

    values = np.arange(6, dtype=np.float32).tobytes()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in {"data.pkl": pickled(b""), "byteorder": b"little", "data/0": values}.items():
            file.writestr(f"w/{name}", content)
    magic = b"\x80\x02\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little") + b"."
    start = magic + b"\x80\x02M\xe9\x03." + b"\x80\x02}X\x0d\0\0\0little_endian\x88s."
    keys = b"\x80\x02]X\x01\0\0\x000a."
    return archive.getvalue(), start + pickled(b"N") + keys + struct.pack("<q", 6) + values


def _npz() -> tuple[bytes, ...]:
    stream = io.BytesIO()
    np.savez(stream, w=np.ones((2, 3), np.float32))
    return (stream.getvalue(),)


_SPLITS = b'name,label,split,pixels\ncat/0.png,cat,train,0a1b\n"dog, 1.png",dog,validation,2c3d\nx,y,test,4e\n'
_CSV = (b'path,label,split\ncat/0.png,cat,train\n"dog, 1.png",dog,validation\n~/x.png,cat,test\n',)
_LINES = (b'{"path": "cat/0.png", "label": "cat", "split": "train"}\n{"path": "d.png", "label": 1, "split": "test"}\n',)

TARGETS: dict[str, Callable[[Path], Target]] = {
    "image": _image,
    "manifest.csv": partial(_manifest, ".csv", _CSV),
    "manifest.jsonl": partial(_manifest, ".jsonl", _LINES),
    "splits.csv": _splits,
    "weights.safetensors": partial(_weights, _safetensors),
    "weights.pth": partial(_weights, _torch),
    "weights.h5": _keras_weights,
    "weights.npz": partial(_weights, _npz),
    "config.json": partial(_run_file, "config.json"),
    "classes.json": partial(_run_file, "classes.json"),
    "targets.json": partial(_run_file, "targets.json"),
    "preprocess.json": partial(_run_file, "preprocess.json"),
    "data_report.json": partial(_run_file, "data_report.json"),
    "report.json": partial(_run_file, "report.json"),
    "splits.csv of a run": partial(_run_file, "splits.csv"),
    "checkpoint.json": _checkpoint,
}
