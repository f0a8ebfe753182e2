"""Files that are written whole or not at all: whenever the program is killed, what is there can be read."""

import json
import os
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
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise unwritable(file.parent, error) from None


def unwritable(folder: Path, error: OSError) -> EnvironmentFault:
    """The error for a folder that cannot be written: why, and what helps."""
    return EnvironmentFault(
        f"{folder} cannot be written ({error.strerror}): free space there, get the permission, or "
        "give another --workdir (or --config.data.cache_dir, if it is the cache)"
    )


def publish(temporary: Path, folder: Path) -> None:
    """Gives a finished folder its name, unless another process has finished the same meanwhile.

    Raises:
        OSError: if it cannot be renamed.
    """
    try:
        temporary.rename(folder)
    except OSError:  # of several kinds where the folder is there: Linux says "directory not empty"
        if not folder.is_dir():
            raise
