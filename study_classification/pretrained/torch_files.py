"""Reads PyTorch's `.pth`, `.pt` and `.th` as arrays by name, without PyTorch and without running their content.

Both formats hold a pickle, which says how tensors lie in storages, and the plain bytes of the storages. In the zip
archive of today storages are separate records; in the older stream one follows the other. `torch_pickles.py` reads the
pickles. Sizes are compared with the size of the file before memory is taken for them.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from study_classification.errors import WeightsError
from study_classification.pretrained.torch_pickles import TYPES, Pickles, Tensor, itemsize

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # the first two pickles of the older format

# Of the pickles, and of the list of a zip archive's records. A tensor takes about 100 bytes and 30 instructions.
_MOST_BYTES = 4 << 20


# Where training scripts keep a state_dict beside the epoch and the optimizer.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net")


@dataclass(frozen=True)
class _Record:
    """A range of bytes in the file, and its checksum; 0 is no checksum, as torch.save writes it on request."""

    position: int
    size: int
    checksum: int = 0


def read_state_dict(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state_dict, alone or in a checkpoint, in their own types; bfloat16 becomes float32.

    Raises:
        WeightsError: if the file holds more than tensors and plain containers, or no state_dict.
        Exception: of any other type, if the file is damaged.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        is_zip = file.read(4) == b"PK\x03\x04"
        content, records, order = (_open_zip if is_zip else _open_stream)(path, file, size)
        tensors = _tensors(path, content)
        keys = {tensor.key for tensor in tensors.values()}
        if sum(records[key].size for key in keys) > size:
            raise ValueError("its storages overlap")
        storages = {key: _bytes(file, records[key]) for key in keys}
        return {name: _array(tensor, storages[tensor.key], order) for name, tensor in tensors.items()}


def _tensors(path: Path, content: object) -> Mapping[str, Tensor]:
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in content.items()
    ):
        raise WeightsError(f"{path} holds no state_dict, a dictionary of tensors by name: save model.state_dict()")
    return content


def _open_zip(path: Path, file: BinaryIO, size: int) -> tuple[object, dict[str, _Record], str]:
    """(content of the pickle, key -> place of a storage, byte order of storages as NumPy writes it)."""
    with _Bounded(path) as bounded, zipfile.ZipFile(bounded) as archive:
        # The first folder is named after the file that was saved first.
        entries = {entry.filename.partition("/")[2]: entry for entry in archive.infolist()}
    if "constants.pkl" in entries:
        raise WeightsError(
            f"{path} is a program of TorchScript, and programs are not loaded: save the state_dict() of "
            f"torch.jit.load('{path.name}')"
        )
    if "data.pkl" not in entries:
        raise WeightsError(f"{path} is a zip archive, but none of torch.save: give the file of weights that it holds")
    pickles = Pickles(path, size)
    pickle = _record(file, entries["data.pkl"], size)
    if pickle.size > _MOST_BYTES:
        raise ValueError("its pickle is too long")
    content = pickles.load(io.BytesIO(_bytes(file, pickle).data))
    order = _bytes(file, _record(file, entries["byteorder"], size)).tobytes() if "byteorder" in entries else b"little"
    if order not in (b"little", b"big"):
        raise ValueError("its byte order is unknown")
    records = {}
    for key, storage in pickles.storages.items():
        if f"data/{key}" not in entries:
            raise ValueError(f"storage {key!a:.100} is not there")
        records[key] = _record(file, entries[f"data/{key}"], size)
        if records[key].size < storage.total * itemsize(storage.kind):
            raise ValueError(f"storage {key!a:.100} is too short")
    return content, records, "<" if order == b"little" else ">"


class _Bounded(io.FileIO):
    """A zip archive whose list of records is not too long for a file of weights; zipfile reads the list at once."""

    def read(self, size: int | None = -1) -> bytes:
        most = _MOST_BYTES + 1
        content = super().read(most if size is None or size < 0 else min(size, most))
        if len(content) == most:
            raise ValueError("its list of records is too long")
        return content


def _record(file: BinaryIO, entry: zipfile.ZipInfo, size: int) -> _Record:
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise ValueError(f"{entry.filename!a:.100} is compressed, which torch.save never does")
    file.seek(entry.header_offset)
    signature, name, extra = struct.unpack("<4s22xHH", file.read(30))
    position = entry.header_offset + 30 + name + extra
    if signature != b"PK\x03\x04" or position + entry.file_size > size:
        raise ValueError(f"{entry.filename!a:.100} lies beyond its end")
    return _Record(position, entry.file_size, entry.CRC)


def _open_stream(path: Path, file: BinaryIO, size: int) -> tuple[object, dict[str, _Record], str]:
    """Does what `_open_zip` does, for the older format, whose storages are always little-endian."""
    file.seek(0)
    stream, pickles = io.BytesIO(file.read(min(size, _MOST_BYTES))), Pickles(path, size)
    if pickles.load(stream) != _MAGIC:
        raise WeightsError(f"{path} is a pickle, but none of torch.save: give a file of weights")
    if pickles.load(stream) != _PROTOCOL:
        raise ValueError("its protocol is unknown")
    pickles.load(stream)  # the machine that saved it
    content, keys, records, position = pickles.load(stream), pickles.load(stream), {}, stream.tell()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("its list of storages is none")
    for key in keys:
        if key not in pickles.storages:
            raise ValueError(f"no tensor has storage {key!a:.100}")
        storage = pickles.storages[key]
        file.seek(position)
        record = _Record(position + 8, storage.total * itemsize(storage.kind))
        position = record.position + record.size
        if struct.unpack("<q", file.read(8)) != (storage.total,) or position > size:
            raise ValueError(f"storage {key!a:.100} lies beyond its end")
        records[key] = record
    if records.keys() != pickles.storages.keys():
        raise ValueError("its list of storages lacks some")
    return content, records, "<"


def _bytes(file: BinaryIO, record: _Record) -> np.ndarray:
    content = np.empty(record.size, np.uint8)
    file.seek(record.position)
    if file.readinto(content) != record.size:  # type: ignore[attr-defined]
        raise ValueError("it ends too early")
    if record.checksum and record.checksum != zlib.crc32(content.data):
        raise ValueError("a checksum is wrong")
    return content


def _array(tensor: Tensor, storage: np.ndarray, order: str) -> np.ndarray:
    dtype = np.dtype(order + TYPES[tensor.kind])
    array = np.ndarray(tensor.shape, dtype, storage, tensor.offset, tensor.strides)  # which checks the bounds again
    array = array.astype(dtype.newbyteorder("="), copy=False)
    if tensor.kind == "bfloat16":  # the upper half of a float32
        return np.asarray(array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(bool) if tensor.kind == "bool" else array
