"""Fetches files of weights from a URL that ends with digits of its SHA-256, as PyTorch's do, or from a bucket."""

import contextlib
import hashlib
import http.client
import os
import re
import urllib.request
from pathlib import Path

from study_classification.errors import Unreachable, WeightsError
from study_classification.paths import version_on_bucket
from study_classification.system.console import progress, say
from study_classification.system.files import copy_files, remove_tree, unwritable

CHUNK = 2**20
TIMEOUT = 30  # seconds without an answer


def download(url: str, folder: Path) -> Path:
    """Fetches the file of a URL such as https://.../alexnet-owt-7be5be79.pth, once, and keeps it in `folder`.

    Raises:
        Unreachable: if the file cannot be fetched.
        EnvironmentFault: if the folder cannot be written.
        WeightsError: if the SHA-256 of the file is not the one in its name.
    """
    file = folder / url.rpartition("/")[2]
    match = re.search(r"-([0-9a-f]{8,64})\.\w+$", file.name)
    assert match, f"{url} does not end with digits of a SHA-256"
    if not file.exists():
        say(f"Fetching {url} ...")
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _fetch(url, temporary)
            temporary.replace(file)
        except OSError as error:
            raise unwritable(folder, error) from None
        finally:
            temporary.unlink(missing_ok=True)
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if not digest.startswith(match[1]):
        raise WeightsError(f"{file} is damaged, its SHA-256 does not begin with {match[1]}: delete it, and try again")
    return file


def copy_from_bucket(file: Path, folder: Path) -> Path:
    """Copies a file on a bucket, and a `config.json` beside it, to `folder`, if it has changed; returns the copy.

    Raises:
        WeightsError: if the file does not exist.
        Unreachable: if the file cannot be fetched.
        EnvironmentFault: if the folder cannot be written.
    """
    version = version_on_bucket(file)
    if not version:
        raise WeightsError(f"{file} does not exist: give a file of weights")
    kept = folder / hashlib.sha256(f"{file} {version}".encode()).hexdigest()[:20]
    if not kept.exists():
        say(f"Fetching {file} ...")
        temporary = kept.with_name(f".{kept.name}.{os.getpid()}")
        try:
            temporary.mkdir(parents=True)
            copy_files(file.parent, temporary, [file.name])
            with contextlib.suppress(FileNotFoundError):
                copy_files(file.parent, temporary, ["config.json"])
            temporary.replace(kept)
        except OSError as error:
            raise unwritable(folder, error) from None
        finally:
            remove_tree(temporary)
    return kept / file.name


def _fetch(url: str, target: Path) -> None:
    try:
        answer = urllib.request.urlopen(url, timeout=TIMEOUT)
    except (OSError, ValueError) as error:  # URLError and time-outs are OSErrors
        raise Unreachable(f"{url} cannot be fetched ({getattr(error, 'reason', error)})") from None
    with answer, target.open("wb") as stream:
        size = int(answer.headers.get("Content-Length") or 0)
        chunks = iter(lambda: _read(answer, url), b"")
        for chunk in progress(chunks, "fetching", total=-(-size // CHUNK) or None):
            stream.write(chunk)
    if size and target.stat().st_size != size:
        raise Unreachable(f"{url} was cut off after {target.stat().st_size:,} of {size:,} bytes: try again")


def _read(answer, url: str) -> bytes:
    try:
        return answer.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{url} cannot be fetched ({error})") from None
