"""Fetches weights from the Hugging Face hub, through the cache of its client, which also works offline."""

import hashlib
import re
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

from study_classification.errors import Unreachable, WeightsError

FILES = ["config.json", "model.safetensors"]


def fetch(repository: str) -> Path:
    """Fetches `model.safetensors` of a repository such as `timm/resnet50.a1_in1k`, with `config.json` beside it.

    Files in the cache are not fetched again.

    Raises:
        WeightsError: if there is no such repository or file, or the file in the cache is damaged.
        Unreachable: if the cache lacks the file and the hub cannot be reached.
    """
    file = _download(repository, only_cached=True) or _download(repository, only_cached=False)
    if file is None:
        raise Unreachable(
            f"{repository} is not in the cache of the Hugging Face hub, and the hub cannot be reached: connect once, "
            "or give a file of weights"
        )
    stored = file.resolve()  # the cache keeps a file under its SHA-256 and links to that
    with stored.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if re.fullmatch("[0-9a-f]{64}", stored.name) and digest != stored.name:
        raise WeightsError(f"{stored} is damaged: delete it, and it is fetched again")
    return file


def _download(repository: str, only_cached: bool) -> Path | None:
    try:
        folder = snapshot_download(repository, allow_patterns=FILES, local_files_only=only_cached)
    except LocalEntryNotFoundError:  # the cache lacks it, and the hub was not asked or could not be reached
        return None
    except (HFValidationError, RepositoryNotFoundError):
        raise WeightsError(
            f"the Hugging Face hub shows no repository {repository}: give one such as timm/resnet50.a1_in1k"
        ) from None
    except Exception as error:  # the client lets errors of every kind through
        reason = str(error).partition("\n")[0]
        raise Unreachable(f"{repository} cannot be fetched ({reason}): try again later") from None
    file = Path(folder) / FILES[1]
    if file.is_file():
        return file
    if only_cached:
        return None
    raise WeightsError(f"the repository {repository} holds no {FILES[1]}: give one such as timm/resnet50.a1_in1k")
