import pytest

from study_classification.system.files import publish, write_json


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


def test_json_can_be_read_by_a_person(tmp_path):
    write_json(tmp_path / "classes.json", ["猫", "dog"])
    assert (tmp_path / "classes.json").read_text(encoding="utf-8") == '[\n  "猫",\n  "dog"\n]\n'
    write_json(tmp_path / "classes.json", [])
    assert [file.name for file in tmp_path.iterdir()] == ["classes.json"]
    assert (tmp_path / "classes.json").read_text() == "[]\n"
