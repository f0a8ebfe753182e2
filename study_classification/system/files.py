"""Files that are written whole or not at all: whenever the program or the machine stops, what is there can be read."""

import errno
import json
import os
import uuid
from collections.abc import Iterable
from pathlib import Path

from study_classification.errors import EnvironmentFault


def write_json(file: Path, content: object) -> None:
    """Writes indented JSON as UTF-8, replacing what was there.

    Raises:
        EnvironmentFault: if the folder cannot be written.
    """
    write_text(file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_text(file: Path, text: str) -> None:
    r"""Writes text as UTF-8, replacing what was there. Bytes that are no UTF-8 become `\udcXX`, which JSON reads back.

    Raises:
        EnvironmentFault: if the folder cannot be written.
    """
    try:
        replace_bytes(file, [text.encode(errors="backslashreplace")])
    except OSError as error:
        raise unwritable(file.parent, error) from None


def replace_bytes(file: Path, parts: Iterable[bytes]) -> None:
    """Writes a file, replacing what was there.

    Raises:
        OSError: if the folder cannot be written.
    """
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
    """The error for a folder that cannot be written: why, and what helps."""
    return EnvironmentFault(
        f"{folder} cannot be written ({error.strerror}): free space there, get the permission, or "
        "give another --workdir (or --config.data.cache_dir, if it is the cache)"
    )


def flush_to_disk(path: Path) -> None:
    """Returns when a file, or the names in a folder, would survive a stop of the machine.

    Raises:
        OSError: if what was written could not be kept.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF):  # some file systems flush no folders
            raise
    finally:
        os.close(descriptor)
