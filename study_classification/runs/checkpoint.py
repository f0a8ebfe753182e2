"""One checkpoint on disk: trees of arrays by Orbax, and a record in `checkpoint.json`.

checkpoint.json     step, whether it was the best, JSON beside the trees, SHA-256 of every other file

A checkpoint gets its name when it is complete; until then it is called `.STEP`. A bucket cannot rename a folder. There
the record is written last and makes it a checkpoint. So the half-written rest of a killed run is never taken for a
checkpoint, and later damage is noticed when it is read.
"""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import jax
import numpy as np
from jaxtyping import PyTree
from orbax.checkpoint import v1 as ocp

from study_classification.errors import RunError, as_user_error
from study_classification.paths import absolute, on_bucket, open_file, read_file
from study_classification.system import hosts
from study_classification.system.files import copy_files, files_below, remove_tree, write_json, writing_to
from study_classification.trees import path_of

RECORD = "checkpoint.json"


class DamagedError(Exception):
    """The message says why a checkpoint cannot be used."""


@dataclass(frozen=True)
class Record:
    """The content of `checkpoint.json`.

    Attributes:
        step: the number of steps that had been taken.
        best: whether it was better than all earlier checkpoints.
        beside: JSON that is kept beside the trees.
        files: path of every other file in the checkpoint -> its SHA-256.
    """

    step: int
    best: bool
    beside: dict
    files: dict[str, str]


def begin_writing(folder: Path, parts: Mapping[str, PyTree], beside: dict, best: bool) -> Callable[[], None]:
    """Begins to write a checkpoint; returns a function that waits for the end and gives the checkpoint its name.

    Args:
        folder: the checkpoint, named by its step. An existing one is replaced.
        parts: name -> tree of arrays.
        beside: JSON that is kept beside the trees.
        best: whether it is better than all earlier checkpoints.
    """
    temporary = _place_of_writing(folder)
    if on_bucket(folder) and hosts.is_first():
        (folder / RECORD).unlink(missing_ok=True)
    with writing_to(folder.parent):
        response = ocp.save_checkpointables_async(absolute(temporary), dict(parts), overwrite=True)

    def finish() -> None:
        with writing_to(folder.parent):
            response.result()
            if hosts.is_first():
                record = asdict(Record(int(folder.name), best, beside, _digests(temporary)))
                _publish(temporary, folder, record | {"digest": _digest_of_json(record)})

    return finish


def _place_of_writing(folder: Path) -> Path:
    """The folder in which Orbax writes. Several hosts have to write to the bucket from the beginning."""
    if not on_bucket(folder):
        return folder.with_name(f".{folder.name}")
    return Path(tempfile.mkdtemp()) / folder.name if hosts.alone() else folder


def _publish(temporary: Path, folder: Path, record: dict) -> None:
    """Turns the folder that Orbax has written into a checkpoint."""
    if on_bucket(folder):
        if temporary != folder:
            copy_files(temporary, folder, files_below(temporary))
            remove_tree(temporary.parent)
        write_json(folder / RECORD, record)
    else:
        write_json(temporary / RECORD, record)
        if folder.exists():
            remove(folder)
        temporary.rename(folder)


def is_complete(folder: Path) -> bool:
    """Whether this is a checkpoint that was written completely."""
    return folder.name.isdigit() and ((folder / RECORD).exists() if on_bucket(folder) else folder.is_dir())


def is_half_written(folder: Path) -> bool:
    """Whether this is the rest of a checkpoint whose writing or removal was interrupted."""
    return folder.name.startswith(".") or (folder.name.isdigit() and not is_complete(folder))


def read_record(folder: Path) -> Record:
    """The record of a checkpoint.

    Raises:
        DamagedError: if the record is damaged.
    """
    try:
        content = json.loads(read_file(folder / RECORD))
        if content.pop("digest") == _digest_of_json(content):
            return Record(**content)
    except FileNotFoundError:
        raise DamagedError(f"it has no {RECORD}; an earlier version of this program may have written it") from None
    except OSError as error:
        raise _unreadable(RECORD, error) from None
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise DamagedError(f"{RECORD} is not what was written")


def load(folder: Path, wanted: Mapping[str, PyTree]) -> tuple[Record, dict[str, PyTree]]:
    """(record, wanted parts) of a checkpoint, after a check of the digests of their files.

    Args:
        folder: the checkpoint.
        wanted: name -> abstract tree (shapes, types, shardings), with `model` among them. The shardings say where the
            arrays are put.

    Raises:
        DamagedError: if the checkpoint is damaged, or the model has values that are not finite.
        RunError: if the checkpoint is of another network.
    """
    record = read_record(folder)
    with _near(folder, record, wanted) as near:
        _verify(near, record, wanted)
        with _reading():
            stored = ocp.checkpointables_metadata(near.absolute()).metadata["model"]
        _compare(folder, _shapes(stored), _shapes(wanted["model"]))
        with _reading():
            loaded = ocp.load_checkpointables(near.absolute(), dict(wanted))
    _require_finite(loaded["model"])
    return record, loaded


def verify(folder: Path) -> None:
    """Reads a checkpoint back as a check.

    Raises:
        DamagedError: if the checkpoint is damaged, or the model has values that are not finite.
    """
    record = read_record(folder)
    with _near(folder, record) as near:
        _verify(near, record)
        with _reading():
            model = ocp.load_checkpointables(near.absolute(), {"model": None})["model"]
    _require_finite(model)


@contextlib.contextmanager
def _near(folder: Path, record: Record, parts: Collection[str] = ()) -> Iterator[Path]:
    """The checkpoint, or parts of it, on this machine: itself, or a copy of files on a bucket."""
    if not on_bucket(folder):
        yield folder
        return
    with tempfile.TemporaryDirectory() as copy:
        with contextlib.suppress(FileNotFoundError):  # which file is missing is seen later
            copy_files(folder, Path(copy), _files_of(record, parts))
        yield Path(copy)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """A context in which the many errors of Orbax become a DamagedError."""
    try:
        yield
    except Exception as error:
        if as_user_error(error):
            raise
        raise DamagedError(f"Orbax cannot read it ({type(error).__name__})") from None


def _verify(folder: Path, record: Record, parts: Collection[str] = ()) -> None:
    """Raises DamagedError if a file of these parts, or of all parts, has changed since it was written."""
    for name in _files_of(record, parts):
        try:
            same = _digest_of_file(folder / name) == record.files[name]
        except OSError as error:
            raise _unreadable(name, error) from None
        if not same:
            raise DamagedError(f"{name} is not what was written")


def _files_of(record: Record, parts: Collection[str]) -> list[str]:
    """The files of these parts, or of all parts, and the files that belong to no part."""
    return [name for name in record.files if not parts or "/" not in name or name.partition("/")[0] in parts]


def _unreadable(name: str, error: OSError) -> Exception:
    """The error to raise for a file of a checkpoint that cannot be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return DamagedError(f"{name} is missing")
    return as_user_error(error) or DamagedError(f"{name} cannot be read, {error.strerror}")


def _require_finite(tree: PyTree) -> None:
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if getattr(leaf, "is_fully_addressable", True):  # other hosts check their own values
            values = np.asarray(leaf)
            if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
                raise DamagedError(f"{path_of(path)} has values that are NaN or infinite")


def _compare(folder: Path, stored: dict[str, tuple], wanted: dict[str, tuple]) -> None:
    for name in sorted(stored.keys() | wanted.keys()):
        if stored.get(name) != wanted.get(name):

            def shape(found):
                return "absent" if found is None else " x ".join(map(str, found)) or "a scalar"

            raise RunError(
                f"the checkpoint {folder} is of another network: {name} is {shape(stored.get(name))} there and "
                f"{shape(wanted.get(name))} here; use the config and classes that it was trained with"
            )


def _shapes(tree: PyTree) -> dict[str, tuple]:
    return {path_of(path): tuple(leaf.shape) for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]}


def _digests(folder: Path) -> dict[str, str]:
    return {name: _digest_of_file(folder / name) for name in files_below(folder)}


def _digest_of_file(file: Path) -> str:
    with open_file(file) as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _digest_of_json(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def remove(folder: Path) -> None:
    """Removes a checkpoint. If that is interrupted, the rest does not look like a checkpoint."""
    if on_bucket(folder):
        (folder / RECORD).unlink(missing_ok=True)
        remove_tree(folder)
    else:
        remove_tree(folder.rename(folder.with_name(f".{folder.name}.old")))
