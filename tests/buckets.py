"""A bucket in memory, as those of clouds are: whole objects under names, no folders, nothing appended or renamed."""

import io
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from etils.epath import backend
from fsspec import AbstractFileSystem
from fsspec.registry import _registry

from study_classification import paths


class _Writing(io.BytesIO):
    def __init__(self, objects: dict[str, bytes], name: str):
        super().__init__()
        self._objects, self._key = objects, name

    def close(self) -> None:
        if not self.closed:
            self._objects[self._key] = self.getvalue()
        super().close()


class Bucket(AbstractFileSystem):
    """The client; all of them see the same objects."""

    protocol = ("gs", "gcs")
    objects: ClassVar[dict[str, bytes]] = {}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list:
        path = self._strip_protocol(path)
        if path in self.objects:
            found = {
                path: {"name": path, "size": len(self.objects[path]), "type": "file", "hash": hash(self.objects[path])}
            }
        else:
            below = [name.removeprefix(f"{path}/") for name in self.objects if name.startswith(f"{path}/")]
            found = {}
            for name in below:
                head, slash, _rest = name.partition("/")
                whole = f"{path}/{head}"
                content = self.objects.get(whole, b"")
                kind = "directory" if slash else "file"
                found[whole] = {"name": whole, "size": len(content), "type": kind, "hash": hash(content)}
        if not found:
            raise FileNotFoundError(path)
        return list(found.values()) if detail else list(found)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> io.BytesIO:
        assert mode in ("rb", "wb"), f"no bucket opens a file with {mode}"
        if mode == "wb":
            return _Writing(self.objects, path)
        if path not in self.objects:
            raise FileNotFoundError(path)
        return io.BytesIO(self.objects[path])

    def rm_file(self, path: str) -> None:
        self.objects.pop(self._strip_protocol(path), None)

    def rmdir(self, path: str) -> None:
        pass

    def mv(self, *_: Any, **__: Any) -> None:
        raise AssertionError("no bucket renames")


@pytest.fixture
def bucket(monkeypatch) -> Iterator[dict[str, bytes]]:
    """The objects of `gs://bucket`, by their names behind `gs://`."""
    objects = {"bucket/there": b""}
    monkeypatch.setattr(Bucket, "objects", objects)
    monkeypatch.setitem(paths.BUCKETS, "gs", ("fsspec", "gcs"))
    for scheme in Bucket.protocol:
        monkeypatch.setitem(_registry, scheme, Bucket)
    forget = (backend.fsspec_backend._get_filesystem.cache_clear, paths._reach.cache_clear, Bucket.clear_instance_cache)
    for clear in forget:
        clear()
    yield objects
    for clear in forget:
        clear()
