"""The images of a source. There may be millions, so they are kept as columns, and objects are made one by one."""

import itertools
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, overload

from study_classification.paths import on_bucket, read_file

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")


class Item(NamedTuple):
    """One image of a source: its unique name, its class, its split if the source has splits, and its path or bytes."""

    name: str
    label: str
    split: str | None = None
    path: str | os.PathLike[str] | None = None
    data: bytes = b""

    def read(self) -> bytes:
        return self.data if self.path is None else read_file(self.path)


class Texts(Sequence[str]):
    """Texts end to end as bytes: a list of them takes twice the memory."""

    def __init__(self, texts: Iterable[str] = ()):
        self._bytes, self._ends = bytearray(), array("q", [0])
        for text in texts:
            self.append(text)

    def append(self, text: str) -> None:
        self._bytes += text.encode(errors="surrogatepass")  # which names of files may hold
        self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Texts) and (self._bytes, self._ends) == (other._bytes, other._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self._bytes[self._ends[place] : self._ends[place + 1]].decode(errors="surrogatepass")

    def __iter__(self) -> Iterator[str]:
        for start, end in itertools.pairwise(self._ends):
            yield self._bytes[start:end].decode(errors="surrogatepass")


@dataclass(frozen=True)
class Items(Sequence[Item]):
    """Images, sorted by name.

    Attributes:
        names: the names of the images.
        class_names: sorted, so that their order depends on the data alone.
    """

    names: Sequence[str]
    class_names: tuple[str, ...]
    _classes: Sequence[str]
    _labels: Sequence[int]  # into _classes
    _splits: Sequence[int]  # into SPLITS; -1 for none
    _files: Sequence[str] = field(repr=False)  # relative to the root
    _root: str = ""
    _data: Sequence[bytes] = ()

    @property
    def has_splits(self) -> bool:
        """Whether the source gives any image a split."""
        return any(split >= 0 for split in self._splits)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        split = self._splits[index]
        name, label = self.names[index], self._classes[self._labels[index]]
        if self._data:
            path, data = None, self._data[index]
        else:
            path, data = _join(self._root, name if self._files is self.names else self._files[index]), b""
        return Item(name, label, SPLITS[split] if split >= 0 else None, path, data)

    def __iter__(self) -> Iterator[Item]:
        return map(self.__getitem__, range(len(self)))


def collect(rows: Iterable[tuple[str, str, str | None, str | bytes]], root: str = "") -> Items:
    """Makes `Items` from rows of (name, class, split, path relative to root or bytes)."""
    names, files, data = Texts(), Texts(), list[bytes]()
    codes: dict[str, int] = {}
    labels, splits = array("i"), array("b")
    for name, label, split, source in rows:
        names.append(name)
        if isinstance(source, bytes):
            data.append(source)
        else:
            files.append(source)
        labels.append(codes.setdefault(label, len(codes)))
        splits.append(SPLITS.index(split) if split else -1)
    if any(one > other for one, other in itertools.pairwise(names)):
        order = sorted(range(len(names)), key=names.__getitem__)
        names, files = Texts(_ordered(names, order)), Texts(_ordered(files, order) if files else ())
        data = list(_ordered(data, order)) if data else []
        labels, splits = array("i", _ordered(labels, order)), array("b", _ordered(splits, order))
    if files == names:
        files = names  # once is enough
    return Items(names, tuple(sorted(codes)), tuple(codes), labels, splits, files, root, data)


def _join(root: str, path: str) -> str:
    return path if on_bucket(path) else os.path.join(root, path)


def _ordered(column: Sequence, order: Sequence[int]) -> Iterator:
    return map(column.__getitem__, order)
