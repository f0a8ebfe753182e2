import hashlib
import json

import pytest
from picture_helpers import folder_of_photos, photo

from study_classification.commands import check
from study_classification.errors import ConfigError, DataError
from study_classification.main import main


def state(root):
    return {
        path: (path.stat().st_mtime_ns, path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest())
        for path in [root, *root.rglob("*")]
    }


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = folder_of_photos(tmp_path / "写真", 4)
    (root / "a").rename(root / "猫")
    photo(0, 64).save(root / "b" / "near.jpg", quality=30)
    photo(5, 20).save(root / "猫" / "<i>small.png")
    return root


def test_the_report_lies_beside_and_the_data_stay_as_they_are(data, tmp_path, capsys):
    before = state(data)
    assert main(["x", "check", str(data)]) == 0
    assert state(data) == before
    out = capsys.readouterr().out
    assert "10 pictures in 2 classes" in out and "All of it, with thumbnails: check-写真/data_report.html" in out
    folder = tmp_path / "check-写真"
    assert json.loads((folder / "data_report.json").read_text())["near_duplicates"] == [["b/near.jpg", "猫/00.png"]]
    page = (folder / "data_report.html").read_text()
    report = json.loads((folder / "data_report.json").read_text())
    kinds = ("near_duplicates", "near_under_two_labels", "near_in_two_splits")
    assert page.count("<img ") == 1 + 2 * sum(bool(report[kind]) for kind in kinds)  # a tiny one, and a pair
    assert "猫/&lt;i&gt;small.png" in page and "<i>" not in page
    assert 'style="width: 100.0%"' in page


def test_what_cannot_be_used_ends_with_the_code_of_data_and_leaves_a_report(data, tmp_path):
    (data / "猫").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="only one class, b") as raised:
        main(["x", "check", str(data), "--out=here"])
    assert raised.value.exit_code == 3
    assert "Not usable as it is" in (tmp_path / "here" / "data_report.html").read_text()


def test_no_report_is_written_into_the_data(data, monkeypatch):
    with pytest.raises(ConfigError, match=r"the report would lie in .*写真, where nothing is changed"):
        main(["x", "check", str(data), f"--out={data / 'b'}"])
    monkeypatch.chdir(data)
    with pytest.raises(ConfigError, match="the report would lie in"):
        main(["x", "check", "."])
    with pytest.raises(ConfigError, match="check needs a folder or manifest of pictures"):
        main(["x", "check"])
    with pytest.raises(ConfigError, match="check takes one folder or manifest, not 2"):
        main(["x", "check", ".", str(data)])
    with pytest.raises(DataError, match="tfds:mnist is neither"):
        main(["x", "check", "tfds:mnist"])


def test_a_report_is_named_after_the_data():
    assert str(check._folder("lists/photos.csv", "")) == "check-photos"
    assert str(check._folder("lists/photos.csv", "here")) == "here"
