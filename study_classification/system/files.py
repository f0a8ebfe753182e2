"""Writes files whole or not at all, so that they can be read whenever the program or the machine stops."""

import contextlib
import csv
import errno
import io
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from study_classification.errors import NO_SPACE, EnvironmentFault, UserError
from study_classification.paths import MADE_HERE, file_system, on_bucket, reaching


def write_json(file: Path, content: object) -> None:
    """Writes indented JSON as UTF-8. An existing file is replaced.

    Raises:
        EnvironmentFault: if the folder cannot be written.
    """
    write_text(file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_text(file: Path, text: str) -> None:
    r"""Writes text as UTF-8. An existing file is replaced. Bytes that are not UTF-8 become `\udcXX`, which JSON reads
    back.

    Raises:
        EnvironmentFault: if the folder cannot be written.
    """
    try:
        replace_bytes(file, [text.encode(errors="backslashreplace")])
    except OSError as error:
        raise unwritable(file.parent, error) from None


def csv_text(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV, with the same line ends on every system."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def replace_bytes(file: Path, parts: Iterable[bytes]) -> None:
    """Writes a file. An existing file is replaced.

    Raises:
        OSError: if the folder cannot be written.
        EnvironmentFault: if the bucket cannot be written.
    """
    if on_bucket(file):
        try:
            with reaching(file):
                file.write_bytes(b"".join(parts))
            return
        except FileNotFoundError:
            raise EnvironmentFault(
                f"{file} cannot be written, for its bucket does not exist: make the bucket, or correct the address"
            ) from None
    temporary = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as handle:
            handle.writelines(parts)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def unwritable(folder: Path, error: OSError) -> EnvironmentFault:
    """The error to raise for a folder that cannot be written, with the reason and the remedy."""
    if isinstance(error, FileExistsError):
        place = error.filename or folder
        return EnvironmentFault(
            f"{place} is a file, and no folder can be made in its place: rename it, or give another"
        )
    return EnvironmentFault(
        f"{folder} cannot be written ({error.strerror or error}): free space there, get the permission, or give "
        "another place (--out for figures, --workdir for a run, --config.data.cache_dir for the cache)"
    )


@contextlib.contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """A context in which what keeps a folder from being written is an EnvironmentFault, whichever library says it."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):  # the fault is not in the folder
            raise
        raise unwritable(folder, error) from None
    except UserError:
        raise
    except Exception as error:
        if NO_SPACE in str(error):
            raise unwritable(folder, OSError(errno.ENOSPC, NO_SPACE)) from None
        raise


def make_folder(folder: Path) -> None:
    """Makes a folder, if need be. A bucket needs no folders, and is not made itself.

    Raises:
        OSError: if the folder cannot be made.
    """
    if not on_bucket(folder):
        folder.mkdir(parents=True, exist_ok=True)


def make_output(folder: Path) -> None:
    """Makes a folder for what is drawn, if need be. A new or empty one is marked, so that it is never taken for data.

    Raises:
        EnvironmentFault: if that cannot be done.
    """
    try:
        is_new = not folder.is_dir() or not any(folder.iterdir())
        make_folder(folder)
        if is_new:
            replace_bytes(folder / MADE_HERE, [])
    except OSError as error:
        raise unwritable(folder, error) from None


def files_below(folder: Path) -> list[str]:
    """All files in a folder, at any depth, by their paths in it, sorted."""
    if on_bucket(folder):
        with reaching(folder):
            own = f"{folder}/".partition("://")[2]
            return sorted(path.removeprefix(own) for path in file_system(folder).find(str(folder)))
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def copy_files(source: Path, target: Path, names: Sequence[str]) -> None:
    """Copies files between a folder of this machine and one on a bucket, many at a time.

    Raises:
        FileNotFoundError: if a file is absent.
    """
    ends = [[f"{folder}/{name}" for name in names] for folder in (source, target)]
    with reaching(source if on_bucket(source) else target):
        if on_bucket(source):
            file_system(source).get(*ends)
        else:
            file_system(target).put(*ends)


def remove_tree(folder: Path) -> None:
    """Removes a folder with everything in it, as far as possible."""
    if on_bucket(folder):
        with reaching(folder):
            folder.rmtree(missing_ok=True)  # type: ignore[attr-defined]  # etils has it
    else:
        shutil.rmtree(folder, ignore_errors=True)


def flush_to_disk(path: Path) -> None:
    """Waits until a file, or the names in a folder, would survive a stop of the machine.

    Raises:
        OSError: if the data could not be written to disk.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF):  # some file systems flush no folders
            raise
    finally:
        os.close(descriptor)
