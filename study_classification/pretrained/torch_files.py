"""PyTorch's `.pth`, `.pt` and `.th` -> arrays by name, without PyTorch and without running anything that they hold.

Both formats keep a pickle, which says how tensors lie in storages, and the storages' plain bytes: the zip archive of
today as records of their own, the older stream one behind the other. A pickle is a program that may call anything, so
it is not unpickled: `_Pickles` executes those of its instructions that make tensors and plain containers, looks no name
up and calls nothing. Sizes are compared with the file's before memory is taken for them.
"""

import io
import math
import pickletools
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from study_classification.errors import WeightsError

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # the first two pickles of the older format

# Of the pickles, and of the list of a zip archive's records. A tensor takes about 100 bytes and 30 instructions.
_MOST_BYTES = 4 << 20
_MOST_STEPS = 1_000_000

# instructions that put one value on the stack -> the value of their argument
_VALUES: dict[str, Callable[[Any], Any]] = {
    "NONE": lambda argument: None,
    "NEWTRUE": lambda argument: True,
    "NEWFALSE": lambda argument: False,
    "EMPTY_TUPLE": lambda argument: (),
    "EMPTY_LIST": lambda argument: [],
    "EMPTY_DICT": lambda argument: {},
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"), lambda argument: argument),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"), lambda argument: argument),
}

# Where training scripts keep a state_dict beside the epoch and the optimizer.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net")

# torch's name of a type -> how its values lie in the file; numpy has no bfloat16, see `_decoded`
_TYPES = {
    "float64": "f8",
    "float32": "f4",
    "float16": "f2",
    "bfloat16": "u2",
    "int64": "i8",
    "int32": "i4",
    "int16": "i2",
    "int8": "i1",
    "uint64": "u8",
    "uint32": "u4",
    "uint16": "u2",
    "uint8": "u1",
    "bool": "u1",
}
_DTYPES = {f"torch.{kind}": kind for kind in _TYPES}
_STORAGES = {
    "torch.DoubleStorage": "float64",
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
    "torch.UntypedStorage": "uint8",  # of the types that have no storage of their own, such as uint16
    "torch.storage.UntypedStorage": "uint8",
}
_PARAMETERS = (
    "torch.nn.parameter.Parameter",  # before PyTorch 0.4
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
)
_WITH_ATTRIBUTES = "torch._tensor._rebuild_from_type_v2"
_KNOWN = {
    "collections.OrderedDict",
    "collections.Counter",
    "torch.Size",
    "torch.Tensor",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    _WITH_ATTRIBUTES,
    *_PARAMETERS,
    *_DTYPES,
    *_STORAGES,
}


@dataclass(frozen=True)
class _Name:
    """A class or function that a pickle names, one of _KNOWN."""

    text: str


@dataclass(frozen=True)
class _Storage:
    """Of the `total` values that the file has under `key`, the bytes from `start` to `end`."""

    key: str
    kind: str
    total: int
    start: int
    end: int


@dataclass(frozen=True)
class _Tensor:
    """Offset and strides are in bytes, the offset from the beginning of what lies under `key`."""

    key: str
    kind: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Record:
    """Bytes of the file, and their checksum; 0 is none, as torch.save writes it on request."""

    position: int
    size: int
    checksum: int = 0


def read_state_dict(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a state_dict, alone or within a checkpoint, in their types; bfloat16 as float32.

    Raises:
        WeightsError: if the file holds more than tensors and plain containers, or no state_dict.
        Exception: of any other kind, if the file is damaged.
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


def _tensors(path: Path, content: object) -> Mapping[str, _Tensor]:
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(tensor, _Tensor) for name, tensor in content.items()
    ):
        raise WeightsError(f"{path} holds no state_dict, a dictionary of tensors by name: save model.state_dict()")
    return content


def _open_zip(path: Path, file: BinaryIO, size: int) -> tuple[object, dict[str, _Record], str]:
    """What the pickle holds, where the storages lie, by key, and their byte order as numpy writes it."""
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
    pickles = _Pickles(path, size)
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
        if records[key].size < storage.total * _itemsize(storage.kind):
            raise ValueError(f"storage {key!a:.100} is too short")
    return content, records, "<" if order == b"little" else ">"


class _Bounded(io.FileIO):
    """A zip archive that lists no more records than a file of weights may have, as zipfile reads the list at once."""

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
    """As `_open_zip`; the storages are little-endian always."""
    file.seek(0)
    stream, pickles = io.BytesIO(file.read(min(size, _MOST_BYTES))), _Pickles(path, size)
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
        record = _Record(position + 8, storage.total * _itemsize(storage.kind))
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


def _array(tensor: _Tensor, storage: np.ndarray, order: str) -> np.ndarray:
    dtype = np.dtype(order + _TYPES[tensor.kind])
    array = np.ndarray(tensor.shape, dtype, storage, tensor.offset, tensor.strides)  # which checks the bounds again
    array = array.astype(dtype.newbyteorder("="), copy=False)
    if tensor.kind == "bfloat16":  # the upper half of a float32
        return np.asarray(array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(bool) if tensor.kind == "bool" else array


def _itemsize(kind: str) -> int:
    return np.dtype(_TYPES[kind]).itemsize


class _Pickles:
    """Executes pickles as far as they make numbers, texts, tuples, lists, dictionaries and tensors.

    Attributes:
        storages: by key, all that were referred to.
    """

    def __init__(self, path: Path, size: int):
        self.storages: dict[str, _Storage] = {}
        self._path, self._size = path, size
        self._steps = self._tensor_bytes = 0

    def load(self, stream: io.BytesIO) -> object:
        """The object of the pickle at the stream's position, which is moved behind it."""
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []  # the stacks below
        self._memo: dict[int, Any] = {}
        for opcode, argument, _ in pickletools.genops(stream):
            self._count(1)
            if opcode.name == "STOP":
                break
            if opcode.name in _VALUES:
                self._stack.append(_VALUES[opcode.name](argument))
            elif not self._contain(opcode.name, argument):
                self._make(opcode.name, argument)
        return self._stack.pop()

    def _contain(self, name: str, argument: Any) -> bool:
        """Executes an instruction of plain containers and of the memo; False if it is none."""
        stack = self._stack
        match name:
            case "PROTO" | "FRAME":
                pass
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self._memo[argument])
            case "MARK":
                self._marked.append(stack)
                self._stack = []
            case "TUPLE":
                items = self._above_mark()
                self._stack.append(tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                items = [stack.pop() for _ in range(int(name[-1]))]
                stack.append(tuple(reversed(items)))
            case "APPEND":
                items = [stack.pop()]
                self._extend(stack[-1], items)
            case "APPENDS":
                items = self._above_mark()
                self._extend(self._stack[-1], items)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                self._update(stack[-1], [(key, value)])
            case "SETITEMS":
                items = self._above_mark()
                self._update(self._stack[-1], zip(items[::2], items[1::2], strict=True))
            case _:
                return False
        return True

    def _above_mark(self) -> list[Any]:
        """What lies above the last mark, which is taken away."""
        items, self._stack = self._stack, self._marked.pop()
        return items

    def _make(self, name: str, argument: Any) -> None:
        """Executes an instruction that names, loads or makes something."""
        stack = self._stack
        match name:
            case "GLOBAL":
                stack.append(self._named(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                attribute, module = stack.pop(), stack.pop()
                stack.append(self._named(".".join((module, attribute))))
            case "INST":
                raise self._refusal(argument.replace(" ", "."))
            case "BINPERSID":
                stack.append(self._storage(stack.pop()))
            case "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(self._made(function, arguments))
            case "BUILD":  # sets attributes, none of which is of use here
                state = stack.pop()
                if not isinstance(stack[-1], dict) and not (isinstance(stack[-1], _Tensor) and len(state) == 3):
                    raise ValueError("its pickle sets attributes of what has none")
            case _:
                raise ValueError(f"its pickle has the instruction {name}, which no state_dict needs")

    def _count(self, steps: int):
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise ValueError("its pickle is too long")

    def _named(self, text: str) -> _Name:
        if text not in _KNOWN:
            raise self._refusal(text)
        return _Name(text)

    def _refusal(self, name: str) -> WeightsError:
        name = name if name.isprintable() else ascii(name)
        return WeightsError(
            f"{self._path} is refused: it holds {name:.100}, which is neither a plain tensor nor a container, and "
            "loading it could run code of its author; ask for model.state_dict() alone, best as .safetensors"
        )

    def _extend(self, items: object, more: list):
        if not isinstance(items, list):
            raise ValueError("its pickle extends what is no list")
        items.extend(more)

    def _update(self, items: object, pairs: Iterable[tuple[Any, Any]]):
        if not isinstance(items, dict):
            raise ValueError("its pickle fills what is no dictionary")
        for key, value in pairs:
            # The hash of tuples in tuples may take for ever, or more stack than there is; that of an int, its length.
            if not isinstance(key, str | int | float | None) or (isinstance(key, int) and abs(key) >= 1 << 62):
                raise ValueError("a dictionary's key is no text and no number")
            items[key] = value

    def _made(self, function: object, arguments: object) -> object:
        """What a call of the function gives. Nothing is copied, or a short pickle could make much of one thing."""
        if not isinstance(function, _Name) or not isinstance(arguments, tuple) or len(arguments) > 8:
            raise ValueError("its pickle calls what is no function")
        match (function.text, *arguments):
            case ("collections.OrderedDict" | "collections.Counter",):
                return {}
            case ("collections.OrderedDict", list() as pairs):  # from Python 2
                self._count(len(pairs))
                items: dict = {}
                self._update(items, pairs)
                return items
            case ("collections.Counter", dict() as counts):
                return counts
            case ("torch.Size", tuple() as shape):
                return shape
            case ("torch._utils._rebuild_tensor", _Storage() as storage, offset, shape, strides):
                return self._tensor(storage, storage.kind, offset, shape, strides)
            case ("torch._utils._rebuild_tensor_v2", _Storage() as storage, offset, shape, strides, _, _):
                return self._tensor(storage, storage.kind, offset, shape, strides)
            case ("torch._utils._rebuild_tensor_v3", _Storage() as storage, offset, shape, strides, _, _, kind):
                return self._tensor(storage, _DTYPES[kind.text], offset, shape, strides)
            case (text, _Tensor() as tensor, *_) if text in _PARAMETERS:
                return tensor
            case (text, _Name() as inner, _, tuple() as given, _) if text == _WITH_ATTRIBUTES != inner.text:
                return self._made(inner, given)
        raise ValueError(f"its pickle calls {function.text} as torch.save never does")

    def _storage(self, identity: Any) -> _Storage:
        """What a persistent id stands for; in old files it may end with a view: (key, start, count)."""
        match identity:
            case ("storage", _Name() as name, str() as key, _, total, *view) if name.text in _STORAGES:
                _, start, count = view[0] if any(view) else (key, 0, total)
            case _:
                raise ValueError("its pickle refers to what is no storage")
        kind = _STORAGES[name.text]
        size = _itemsize(kind)
        if not _is_size(total) or total * size > self._size:
            raise ValueError("a storage is larger than the file")
        if not _is_size(start) or not _is_size(count) or start + count > total:
            raise ValueError("a view is larger than its storage")
        storage = _Storage(key, kind, total, start * size, (start + count) * size)
        seen = self.storages.setdefault(key, storage)
        if (seen.kind, seen.total) != (kind, total):
            raise ValueError("a storage is of two sizes")
        return storage

    def _tensor(self, storage: _Storage, kind: str, offset: Any, shape: Any, strides: Any) -> _Tensor:
        for sizes in (shape, strides, (offset,)):
            if not isinstance(sizes, tuple) or len(sizes) > 64 or not all(map(_is_size, sizes)):
                raise ValueError("a tensor has no shape")
        size = _itemsize(kind)
        values = math.prod(shape)
        last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
        if values and storage.start + (last + 1) * size > storage.end:
            raise ValueError("a tensor reaches beyond its storage")
        # Tensors may share storages, and repeat values by strides of 0, but not to make much of a small file.
        self._tensor_bytes += values * size
        if self._tensor_bytes > 4 * self._size:
            raise ValueError("its tensors are larger than the file")
        return _Tensor(
            storage.key, kind, storage.start + offset * size, shape, tuple(stride * size for stride in strides)
        )


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 62
