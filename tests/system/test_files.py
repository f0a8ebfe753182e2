import pytest

from study_classification.system.files import publish


def folder_with(path, content):
    path.mkdir()
    (path / "file").write_text(content)
    return path


def test_the_first_of_two_folders_keeps_the_name(tmp_path):
    for content in ("first", "second"):
        publish(folder_with(tmp_path / f".{content}", content), tmp_path / "name")
    assert (tmp_path / "name" / "file").read_text() == "first"


def test_a_folder_that_cannot_be_renamed(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        publish(folder_with(tmp_path / ".new", ""), tmp_path / "absent" / "name")
