"""Reads the pickles in PyTorch's files as numbers, texts, containers and tensors, without running them.

A pickle is a program that may call anything, so it is not unpickled. `Pickles` executes only the instructions that make
tensors and plain containers. It looks up no name and calls nothing.
"""

import io
import math
import pickletools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from study_classification.errors import WeightsError

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

# torch's name of a type -> how its values lie in the file; numpy has no bfloat16, see `torch_files.py`
TYPES = {
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

_DTYPES = {f"torch.{kind}": kind for kind in TYPES}

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
class Storage:
    """A storage: bytes from `start` to `end` of the `total` values that the file has under `key`."""

    key: str
    kind: str
    total: int
    start: int
    end: int


@dataclass(frozen=True)
class Tensor:
    """A tensor in a storage. Offset and strides are in bytes; the offset counts from the beginning of `key`."""

    key: str
    kind: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Pickles:
    """Executes pickles as far as they make numbers, texts, tuples, lists, dictionaries and tensors.

    Attributes:
        storages: key -> storage, of all storages that a pickle refers to.
    """

    def __init__(self, path: Path, size: int):
        self.storages: dict[str, Storage] = {}
        self._path, self._size = path, size
        self._steps = self._tensor_bytes = 0

    def load(self, stream: io.BytesIO) -> object:
        """Reads the object of the pickle at the position of the stream, which moves behind it."""
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
        """Executes an instruction for plain containers or the memo; returns False for another one."""
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
        """Takes the values above the last mark, and the mark, off the stack."""
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
                if not isinstance(stack[-1], dict) and not (isinstance(stack[-1], Tensor) and len(state) == 3):
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
            # The hash of nested tuples may take for ever, or too much stack; that of a long int takes time.
            if not isinstance(key, str | int | float | None) or (isinstance(key, int) and abs(key) >= 1 << 62):
                raise ValueError("a dictionary's key is no text and no number")
            items[key] = value

    def _made(self, function: object, arguments: object) -> object:
        """The result of a call of the function. Nothing is copied, or a short pickle could fill the memory."""
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
            case ("torch._utils._rebuild_tensor", Storage() as storage, offset, shape, strides):
                return self._tensor(storage, storage.kind, offset, shape, strides)
            case ("torch._utils._rebuild_tensor_v2", Storage() as storage, offset, shape, strides, _, _):
                return self._tensor(storage, storage.kind, offset, shape, strides)
            case ("torch._utils._rebuild_tensor_v3", Storage() as storage, offset, shape, strides, _, _, kind):
                return self._tensor(storage, _DTYPES[kind.text], offset, shape, strides)
            case (text, Tensor() as tensor, *_) if text in _PARAMETERS:
                return tensor
            case (text, _Name() as inner, _, tuple() as given, _) if text == _WITH_ATTRIBUTES != inner.text:
                return self._made(inner, given)
        raise ValueError(f"its pickle calls {function.text} as torch.save never does")

    def _storage(self, identity: Any) -> Storage:
        """The storage of a persistent id, which in old files may end with a view: (key, start, count)."""
        match identity:
            case ("storage", _Name() as name, str() as key, _, total, *view) if name.text in _STORAGES:
                _, start, count = view[0] if any(view) else (key, 0, total)
            case _:
                raise ValueError("its pickle refers to what is no storage")
        kind = _STORAGES[name.text]
        size = itemsize(kind)
        if not _is_size(total) or total * size > self._size:
            raise ValueError("a storage is larger than the file")
        if not _is_size(start) or not _is_size(count) or start + count > total:
            raise ValueError("a view is larger than its storage")
        storage = Storage(key, kind, total, start * size, (start + count) * size)
        seen = self.storages.setdefault(key, storage)
        if (seen.kind, seen.total) != (kind, total):
            raise ValueError("a storage is of two sizes")
        return storage

    def _tensor(self, storage: Storage, kind: str, offset: Any, shape: Any, strides: Any) -> Tensor:
        for sizes in (shape, strides, (offset,)):
            if not isinstance(sizes, tuple) or len(sizes) > 64 or not all(map(_is_size, sizes)):
                raise ValueError("a tensor has no shape")
        size = itemsize(kind)
        values = math.prod(shape)
        last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
        if values and storage.start + (last + 1) * size > storage.end:
            raise ValueError("a tensor reaches beyond its storage")
        # Tensors may share storages, and repeat values by strides of 0, but not to make much of a small file.
        self._tensor_bytes += values * size
        if self._tensor_bytes > 4 * self._size:
            raise ValueError("its tensors are larger than the file")
        return Tensor(
            storage.key, kind, storage.start + offset * size, shape, tuple(stride * size for stride in strides)
        )


def itemsize(kind: str) -> int:
    return np.dtype(TYPES[kind]).itemsize


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 62
