"""Lists what lies in a folder, at any depth."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from study_classification.errors import DataError
from study_classification.inputs.images.decode import IMAGE_EXTENSIONS, is_hidden_name, looks_like_image
from study_classification.paths import MADE_HERE, RUN_FILES, is_made_here, on_bucket, open_file
from study_classification.system.files import files_below

# the kinds of entries; only a FOLDER is entered
FILE, FOLDER = "file", "folder"
HIDDEN = "hidden"
SPECIAL = "special"  # a pipe, a device, a socket
RUN = "run"  # a folder that this program has made, for a run or for what it draws
LOOP = "loop"  # a folder that holds itself, by a link to a folder above


def _refuse(folder: str, error: OSError) -> None:
    """Raises DataError for a folder that cannot be read."""
    raise DataError(f"the folder {folder} cannot be read: {error.strerror}")


def walk(root: Path, on_error: Callable[[str, OSError], None] = _refuse) -> Iterator[tuple[str, str]]:
    """(path relative to root, with `/`; what it is) of everything below root, sorted folder by folder.

    Links are followed, except a link to a folder above, which would never end.

    Args:
        root: the folder.
        on_error: is told of a folder that cannot be read. If it returns, the folder is passed over.

    Raises:
        DataError: if a folder cannot be read, unless `on_error` returns.
        EnvironmentFault: if a bucket cannot be reached.
    """
    if on_bucket(root):
        yield from _walk_bucket(root)
        return

    def visit(folder: str, relative: str, above: frozenset[str]) -> Iterator[tuple[str, str]]:
        try:
            entries = _scan(folder)
        except OSError as error:
            on_error(folder, error)
            return
        for name, kind in entries:
            path, inner = relative + name, os.path.join(folder, name)
            real = os.path.realpath(inner) if kind == FOLDER else ""
            if real in above:
                kind = LOOP
            yield path, kind
            if kind == FOLDER:
                yield from visit(inner, f"{path}/", above | {real})

    yield from visit(str(root), "", frozenset([os.path.realpath(root)]))


def _walk_bucket(root: Path) -> Iterator[tuple[str, str]]:
    """Does the same on a bucket. All objects are listed at once, and their names tell the folders."""
    files = files_below(root)
    *written, drawn = [
        {path.rpartition("/")[0] for path in files if path.endswith(f"/{name}")} for name in (*RUN_FILES, MADE_HERE)
    ]
    runs = set.intersection(*written) | drawn
    said: set[str] = set()
    for path in files:
        names = path.split("/")
        for depth in range(1, len(names) + 1):
            entry = "/".join(names[:depth])
            kind = FILE if depth == len(names) else RUN if entry in runs else FOLDER
            kind = HIDDEN if is_hidden_name(names[depth - 1]) else kind
            if entry not in said and names[depth - 1]:  # an object `FOLDER/` only stands for a folder
                said.add(entry)
                yield entry, kind
            if kind in (HIDDEN, RUN):
                break


def is_image(path: str | os.PathLike[str]) -> bool:
    """Whether a file is an image, by its extension, or else by its first bytes."""
    if os.path.splitext(path)[1].lower() in IMAGE_EXTENSIONS:
        return True
    try:
        with open_file(path) as file:
            return looks_like_image(file.read(64))
    except OSError:
        return False


def _kind(entry: os.DirEntry) -> str:
    if is_hidden_name(entry.name):
        return HIDDEN
    try:
        if entry.is_dir():
            return RUN if is_made_here(entry.path) else FOLDER
        return FILE if entry.is_file() or not os.path.exists(entry.path) else SPECIAL
    except OSError:  # a link to itself: reading it gives the error
        return FILE


def _scan(folder: str) -> list[tuple[str, str]]:
    with os.scandir(folder) as entries:
        return sorted((entry.name, _kind(entry)) for entry in entries)
