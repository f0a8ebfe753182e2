import functools
import hashlib
import http.server
import threading

import pytest

from study_classification.errors import EnvironmentFault, WeightsError
from study_classification.paths import user_path
from study_classification.pretrained.download import copy_from_bucket, download

CONTENT = bytes(range(256)) * 8192  # 2 MB: two chunks
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(tmp_path):
    """(base URL, folder that it serves, the paths that were asked for)."""
    folder, asked = tmp_path / "server", []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    ) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", folder, asked
        running.shutdown()


def test_a_file_is_fetched_once_and_verified(server, tmp_path):
    url, folder, asked = server
    name = f"alexnet-{DIGEST[:8]}.pth"
    (folder / name).write_bytes(CONTENT)
    for _ in range(2):
        file = download(f"{url}/{name}", tmp_path / "cache" / "weights")
        assert file.read_bytes() == CONTENT
    assert len(asked) == 1
    assert [path.name for path in file.parent.iterdir()] == [name]  # nothing half-made stays
    file.write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match=f"does not begin with {DIGEST[:8]}: delete it"):
        download(f"{url}/{name}", tmp_path / "cache" / "weights")


def test_what_cannot_be_fetched_is_said_and_leaves_nothing(server, tmp_path):
    url, _, _ = server
    with pytest.raises(EnvironmentFault, match=r"x-01234567\.pth cannot be fetched \(File not found\)"):
        download(f"{url}/x-01234567.pth", tmp_path / "weights")
    with pytest.raises(EnvironmentFault, match=r"cannot be fetched \(.*refused"):
        download("http://127.0.0.1:9/x-01234567.pth", tmp_path / "weights")
    assert not list((tmp_path / "weights").iterdir())


def test_a_transfer_that_is_cut_off(tmp_path, server, monkeypatch):
    url, folder, _ = server
    (folder / f"x-{DIGEST[:8]}.pth").write_bytes(CONTENT)
    copy = http.server.SimpleHTTPRequestHandler.copyfile
    monkeypatch.setattr(
        http.server.SimpleHTTPRequestHandler, "copyfile", lambda self, source, out: out.write(source.read(1_500_000))
    )
    with pytest.raises(EnvironmentFault, match=r"cut off after 1,500,000 of 2,097,152 bytes|cannot be fetched"):
        download(f"{url}/x-{DIGEST[:8]}.pth", tmp_path / "weights")
    assert not list((tmp_path / "weights").iterdir())
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "copyfile", copy)
    assert download(f"{url}/x-{DIGEST[:8]}.pth", tmp_path / "weights").read_bytes() == CONTENT


def test_a_file_on_a_bucket_is_copied_once_and_again_when_it_has_changed(bucket, tmp_path, capsys):
    bucket["bucket/net/model.safetensors"] = b"one"
    file = user_path("gs://bucket/net/model.safetensors")
    copy = copy_from_bucket(file, tmp_path)
    assert (copy.name, copy.read_bytes()) == ("model.safetensors", b"one")
    assert copy_from_bucket(file, tmp_path) == copy
    assert capsys.readouterr().out.count("Fetching") == 1

    bucket["bucket/net/model.safetensors"], bucket["bucket/net/config.json"] = b"two", b"{}"
    again = copy_from_bucket(file, tmp_path)
    assert (again.read_bytes(), again.with_name("config.json").read_bytes()) == (b"two", b"{}")
    with pytest.raises(WeightsError, match=r"gs://bucket/net/x\.h5 does not exist"):
        copy_from_bucket(user_path("gs://bucket/net/x.h5"), tmp_path)
    assert {path.name[0] for path in tmp_path.iterdir()}.isdisjoint(".")
