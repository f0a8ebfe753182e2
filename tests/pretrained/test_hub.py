import hashlib
import json

import huggingface_hub
import pytest

from study_classification.errors import EnvironmentFault, WeightsError
from study_classification.pretrained import hub
from study_classification.pretrained.hub import fetch

FILES = {"model.safetensors": b"weights", "config.json": json.dumps({"architecture": "resnet50"}).encode()}


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """The cache of the hub's client as it leaves it: content by SHA-256, and links to it. There is no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    def store(*names):
        folder = tmp_path / "models--timm--resnet50.a1_in1k"
        snapshot = folder / "snapshots" / "c0ffee"
        for path in (folder / "refs", folder / "blobs", snapshot):
            path.mkdir(parents=True)
        (folder / "refs" / "main").write_text("c0ffee")
        for name in names:
            blob = folder / "blobs" / hashlib.sha256(FILES[name]).hexdigest()
            blob.write_bytes(FILES[name])
            (snapshot / name).symlink_to(f"../../blobs/{blob.name}")
        return snapshot

    return store


def test_the_cache_serves_without_asking_the_hub(cached, monkeypatch):
    snapshot, download = cached(*FILES), hub.snapshot_download

    def only_cached(*args, local_files_only, **kwargs):
        assert local_files_only
        return download(*args, local_files_only=True, **kwargs)

    monkeypatch.setattr(hub, "snapshot_download", only_cached)
    file = fetch("timm/resnet50.a1_in1k")
    assert file == snapshot / "model.safetensors"
    assert file.read_bytes() == b"weights"
    assert file.with_name("config.json").exists()


def test_a_damaged_file_in_the_cache(cached):
    snapshot = cached(*FILES)
    (snapshot / "model.safetensors").resolve().write_bytes(b"weightS")
    with pytest.raises(WeightsError, match=r"blobs/[0-9a-f]{64} is damaged: delete it"):
        fetch("timm/resnet50.a1_in1k")


def test_neither_network_nor_cache(cached):
    with pytest.raises(EnvironmentFault, match=r"not in the cache .* cannot be reached: connect once, or give a file"):
        fetch("timm/resnet50.a1_in1k")


def test_what_is_no_repository(cached):
    with pytest.raises(WeightsError, match="shows no repository -timm/x"):
        fetch("-timm/x")
