"""One file from a URL whose name ends with the first digits of its SHA-256, as PyTorch names its weights."""

import hashlib
import http.client
import os
import re
import urllib.request
from pathlib import Path

from study_classification.errors import EnvironmentFault, WeightsError
from study_classification.system.console import progress, say
from study_classification.system.files import unwritable

CHUNK = 2**20
TIMEOUT = 30  # seconds without an answer


def download(url: str, folder: Path) -> Path:
    """The file of a URL such as https://.../alexnet-owt-7be5be79.pth, kept in `folder`.

    Raises:
        EnvironmentFault: if it cannot be fetched, or the folder cannot be written.
        WeightsError: if what was fetched, or is kept, is not what the name says.
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


def _fetch(url: str, target: Path) -> None:
    try:
        answer = urllib.request.urlopen(url, timeout=TIMEOUT)
    except (OSError, ValueError) as error:  # URLError and time-outs are OSErrors
        raise EnvironmentFault(f"{url} cannot be fetched ({getattr(error, 'reason', error)})") from None
    with answer, target.open("wb") as stream:
        size = int(answer.headers.get("Content-Length") or 0)
        chunks = iter(lambda: _read(answer, url), b"")
        for chunk in progress(chunks, "fetching", total=-(-size // CHUNK) or None):
            stream.write(chunk)
    if size and target.stat().st_size != size:
        raise EnvironmentFault(f"{url} was cut off after {target.stat().st_size:,} of {size:,} bytes: try again")


def _read(answer, url: str) -> bytes:
    try:
        return answer.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise EnvironmentFault(f"{url} cannot be fetched ({error})") from None
