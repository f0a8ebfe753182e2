"""Files and folders as users name them: where they lie, which may be opened, how their names are printed."""

import contextlib
import errno
import functools
import importlib.util
import io
import logging
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from study_classification.errors import ConfigError, EnvironmentFault, UserError

# scheme of an address -> the package that reaches it, and the extra that installs that
BUCKETS = {"gs": ("gcsfs", "gcs"), "s3": ("s3fs", "s3")}
_STARTS = tuple(f"{scheme}://" for scheme in BUCKETS)
RUN_FILES = ("config.json", "classes.json")  # a run directory is known by them
MADE_HERE = ".made_by_study_classification"  # in a folder that this program has made for what it draws
LONGEST_NAME, LONGEST_PATH = 255, 4095  # bytes, on the usual file systems
os.environ.setdefault("EPATH_USE_TF", "false")  # else etils would take TensorFlow where that happens to be installed

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def on_bucket(path: str | os.PathLike[str]) -> bool:
    """Whether a path lies on a bucket. There files are written whole; nothing is appended, renamed or locked."""
    return os.fspath(path).startswith(_STARTS)


def refuse_address(text: str | os.PathLike[str]) -> None:
    """Raises ConfigError for an unknown kind of address, which would become a folder of that name."""
    if reason := _why_refused(os.fspath(text)):
        raise ConfigError(f"the path '{printable(os.fspath(text))}' cannot be used: {reason}")


def _why_refused(text: str) -> str:
    address = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):(//?)([^/]*)", text)
    if not address or (address[2] == "/" and address[1].lower() not in BUCKETS):
        return ""
    if address[1] in BUCKETS and address[2] == "//" and address[3]:
        return ""
    known = ", ".join(f"{scheme}://BUCKET/..." for scheme in BUCKETS)
    return f"{address[1]}:{address[2]} is no known kind of address; give a path, {known}"


def user_path(text: str | os.PathLike[str]) -> Path:
    """The path that a user means. `~` and `~NAME` are home directories. A path on a bucket has the same interface.

    Raises:
        ConfigError: if there is no such user, no file can have such a name, the kind of address is unknown, or the path
            is written as on Windows.
        EnvironmentFault: if the bucket cannot be reached.
    """
    text = os.fspath(text)
    refuse_address(text)
    if not _is_possible(text):
        raise ConfigError(f"the path '{printable(text)}' holds a character that no file name can have: correct it")
    if len(os.fsencode(text)) > LONGEST_PATH or any(len(os.fsencode(part)) > LONGEST_NAME for part in Path(text).parts):
        raise ConfigError(f"the path '{printable(text[:40])}...' is longer than a file system takes: correct it")
    if on_bucket(text):
        return _bucket_path(text)
    path = os.path.expanduser(text)
    if path == text and text.startswith("~") and not os.path.lexists(text):
        home = text.partition("/")[0]
        raise ConfigError(
            f"the path '{printable(text)}' begins with {home}, but no home directory is known by that name"
        )
    here = path.replace("\\", "/")
    if here != path and not os.path.lexists(path) and os.path.lexists(here):
        raise ConfigError(f"the path '{printable(text)}' does not exist, but '{printable(here)}' does: give that one")
    return Path(path)


def user_folder(text: str | os.PathLike[str]) -> Path:
    """The folder that a user means, which may be made later; see `user_path` for the paths.

    Raises:
        ConfigError: also if it, or what it would lie in, is something other than a folder.
    """
    folder = user_path(text)
    for place in () if on_bucket(folder) else (folder, *folder.parents):
        if os.path.isdir(place):
            break
        if os.path.lexists(place):
            kind = _kind(os.stat(place).st_mode) if os.path.exists(place) else "a link to what does not exist"
            raise ConfigError(
                f"'{printable(str(place))}' is {kind}, not a folder: give a folder, or a name that is not taken yet"
            )
    return folder


def require_storable(folder: Path) -> Path:
    r"""The folder itself, if libraries can write there: they take paths of UTF-8, and TensorStore a `\` for a `/`.

    Raises:
        ConfigError: otherwise.
    """
    text = str(absolute(folder))
    if re.search("[\ud800-\udfff]", text):
        raise ConfigError(
            f"the path '{printable(text)}' is no UTF-8 text, and checkpoints and prepared data can only lie on such a "
            "path: rename it, or choose another one"
        )
    if "\\" in text:
        raise ConfigError(
            f"the path '{printable(text)}' holds a backslash, and checkpoints and prepared data cannot lie on such a "
            "path: write / between folders, or rename the folder"
        )
    return folder


def absolute(path: Path) -> Path:
    """The path as it is found from any directory."""
    return path if on_bucket(path) else path.absolute()


def _bucket_path(text: str) -> Path:
    """The path by etils, after the client that it needs was found and the bucket answered."""
    _reach("/".join(text.split("/", 3)[:3]))
    from etils import epath

    return cast(Path, epath.Path(text))


@functools.cache
def _reach(bucket: str) -> None:
    """Asks for a bucket once. Later, what cannot be reached would be taken for what does not exist."""
    package, extra = BUCKETS[bucket.partition("://")[0]]
    if importlib.util.find_spec(package) is None:
        raise EnvironmentFault(f"{bucket} needs the package {package}: pip install 'study-classification[{extra}]'")
    import fsspec

    logging.getLogger(package).setLevel(logging.CRITICAL)  # its complaints are raised as well
    for scheme in ("gcs", "s3"):  # Orbax writes past the list that a client would keep
        fsspec.config.conf.setdefault(scheme, {}).setdefault("use_listings_cache", False)
    with reaching(bucket), contextlib.suppress(FileNotFoundError):
        file_system(bucket).info(f"{bucket}/a")


def file_system(path: str | os.PathLike[str]) -> Any:
    """The fsspec client for a path on a bucket, for operations that paths do not have."""
    import fsspec

    return fsspec.filesystem(os.fspath(path).partition("://")[0])


def version_on_bucket(path: str | os.PathLike[str]) -> str:
    """A text that changes with the content of a file on a bucket; '' if there is no such file."""
    with reaching(path), contextlib.suppress(FileNotFoundError):
        return file_system(path).ukey(os.fspath(path))
    return ""


@contextlib.contextmanager
def reaching(path: str | os.PathLike[str]) -> Iterator[None]:
    """A context in which any error of a bucket's client is an EnvironmentFault, except for an absent file."""
    try:
        yield
    except (FileNotFoundError, UserError):
        raise
    except Exception as error:  # of several libraries
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise EnvironmentFault(
            f"{path} cannot be reached ({reason}): look at the address, the network, and the credentials"
        ) from None


def open_file(path: str | os.PathLike[str]) -> io.BufferedReader | io.BytesIO:
    """Opens a regular file for reading. A pipe or device is not opened, for it may never answer.

    Raises:
        OSError: of every kind; `why` puts it into words.
    """
    if not _is_possible(os.fspath(path)):
        raise OSError(errno.EINVAL, "its name holds a character that no file name can have")
    if reason := _why_refused(os.fspath(path)):
        raise OSError(errno.EINVAL, reason)
    if on_bucket(path):
        with reaching(path):
            return io.BytesIO(user_path(path).read_bytes())
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        os.scandir(path).close()  # so that the reason is said if it cannot be read
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"it is {_kind(mode)}, not a file")
    return open(path, "rb")


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The content of a regular file; see `open_file`. It is an OSError, too, if a share gives only a part."""
    with open_file(path) as file:
        content = file.read()
    if not on_bucket(path) and len(content) < os.stat(path).st_size:
        raise OSError(errno.EIO, "only a part of it could be read")
    return content


def why(error: OSError) -> str:
    """The words for why a file cannot be read."""
    return "it does not exist" if isinstance(error, FileNotFoundError) else error.strerror or str(error)


def printable(name: str) -> str:
    r"""A name as text that can be written anywhere: bytes that are no UTF-8 and control characters become escapes.

    >>> printable("caf\udce9\n.png")
    'caf\\xe9\\x0a.png'
    """
    if name.isprintable():  # nearly all, and there may be millions
        return name

    def escape(match: re.Match) -> str:
        code = ord(match[0])
        if 0xDC80 <= code <= 0xDCFF:  # how Python writes the byte 80..FF where it fits into no character
            code -= 0xDC00
        return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"

    return re.sub("[\0-\x1f\x7f-\x9f\ud800-\udfff]", escape, name)


def is_run(folder: str | os.PathLike[str]) -> bool:
    """Whether a training run has written this folder, so that it holds no data."""
    path = user_path(folder) if on_bucket(folder) else Path(folder)
    return all(_holds(path, name) for name in RUN_FILES)


def is_made_here(folder: str | os.PathLike[str]) -> bool:
    """Whether this program has made a folder, for a run or for what it draws: what lies in it is no data."""
    path = user_path(folder) if on_bucket(folder) else Path(folder)
    return _holds(path, MADE_HERE) or is_run(folder)


def _holds(folder: Path, name: str) -> bool:
    """Whether a file lies in a folder; nothing does in a folder that cannot be read, whoever finds that out later."""
    return (folder / name).is_file() if on_bucket(folder) else os.path.isfile(folder / name)


def _is_possible(path: str) -> bool:
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half of a surrogate pair, as JSON can write it
        return False
