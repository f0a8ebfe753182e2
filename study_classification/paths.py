"""Files and folders as users name them: where they lie, what may be opened, how their names are written."""

import errno
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from study_classification.errors import ConfigError

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def refuse_address(text: str | os.PathLike[str]) -> None:
    """Raises ConfigError where a path is an address of another kind, which would become a folder of that name."""
    if reason := _why_refused(os.fspath(text)):
        raise ConfigError(f"the path '{printable(os.fspath(text))}' cannot be used: {reason}")


def _why_refused(text: str) -> str:
    address = re.match("([A-Za-z][A-Za-z0-9+.-]+)://", text)
    return (
        f"{address[0]} is no address that this program knows, so give a folder or file of this machine"
        if address
        else ""
    )


def user_path(text: str | os.PathLike[str]) -> Path:
    """The path that a user means: `~` and `~NAME` are home directories.

    Raises:
        ConfigError: if there is no such user, no file can have such a name, or it is an address of another kind.
    """
    text = os.fspath(text)
    refuse_address(text)
    if not _is_possible(text):
        raise ConfigError(f"the path '{printable(text)}' holds a character that no file name can have: correct it")
    path = os.path.expanduser(text)
    if path == text and text.startswith("~") and not os.path.lexists(text):
        home = text.partition("/")[0]
        raise ConfigError(
            f"the path '{printable(text)}' begins with {home}, but no home directory is known by that name"
        )
    return Path(path)


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a regular file for reading. A pipe or a device is refused unopened, for it may never answer.

    Raises:
        OSError: of every kind; `why` has its words.
    """
    if not _is_possible(os.fspath(path)):
        raise OSError(errno.EINVAL, "its name holds a character that no file name can have")
    if reason := _why_refused(os.fspath(path)):
        raise OSError(errno.EINVAL, reason)
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(stat.S_IFMT(mode), 'something else')}, not a file")
    return open(path, "rb")


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The content of a regular file; see `open_file`."""
    with open_file(path) as file:
        return file.read()


def why(error: OSError) -> str:
    """Why a file cannot be read."""
    return "it does not exist" if isinstance(error, FileNotFoundError) else error.strerror or str(error)


def printable(name: str) -> str:
    r"""A name as text that can be written anywhere: bytes that are no UTF-8 and control characters become escapes.

    >>> printable("caf\udce9\n.png")
    'caf\\xe9\\x0a.png'
    """

    def escape(match: re.Match) -> str:
        code = ord(match[0])
        if 0xDC80 <= code <= 0xDCFF:  # how Python writes the byte 80..FF where it fits into no character
            code -= 0xDC00
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"

    return re.sub("[\0-\x1f\x7f-\x9f\ud800-\udfff]", escape, name)


def is_run(folder: str | os.PathLike[str]) -> bool:
    """Whether a training run has written this folder: what lies in it is no data."""
    return all(os.path.isfile(os.path.join(folder, name)) for name in ("config.json", "classes.json"))


def _is_possible(path: str) -> bool:
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON can write it
        return False
