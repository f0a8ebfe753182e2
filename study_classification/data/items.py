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
        path, data = (None, self._data[index]) if self._data else (_join(self._root, self._files[index]), b"")
        label = self._classes[self._labels[index]]
        return Item(self.names[index], label, SPLITS[split] if split >= 0 else None, path, data)

    def __iter__(self) -> Iterator[Item]:
        return map(self.__getitem__, range(len(self)))


def collect(rows: Iterable[tuple[str, str, str | None, str | bytes]], root: str = "") -> Items:
    """Makes `Items` from rows of (name, class, split, path relative to root or bytes)."""
    names: list[str] = []
    sources: list = []
    codes: dict[str, int] = {}
    labels, splits = array("i"), array("b")
    for name, label, split, source in rows:
        names.append(name)
        sources.append(source)
        labels.append(codes.setdefault(label, len(codes)))
        splits.append(SPLITS.index(split) if split else -1)
    if any(one > other for one, other in itertools.pairwise(names)):
        order = sorted(range(len(names)), key=names.__getitem__)
        names, sources, labels, splits = (
            _ordered(names, order),
            _ordered(sources, order),
            array("i", _ordered(labels, order)),
            array("b", _ordered(splits, order)),
        )
    is_data = bool(sources) and isinstance(sources[0], bytes)
    files, data = ([], sources) if is_data else (sources, [])
    return Items(names, tuple(sorted(codes)), tuple(codes), labels, splits, files, root, data)


def _join(root: str, path: str) -> str:
    return path if on_bucket(path) else os.path.join(root, path)


def _ordered(column: Sequence, order: Sequence[int]) -> list:
    return list(map(column.__getitem__, order))
