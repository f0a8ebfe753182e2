import contextlib
import errno

import pytest

from study_classification.errors import DataError, EnvironmentFault
from study_classification.paths import is_made_here, user_path
from study_classification.system import files
from study_classification.system.files import (
    files_below,
    make_folder,
    make_output,
    remove_tree,
    replace_bytes,
    write_json,
    writing_to,
)


def test_json_can_be_read_by_a_person(tmp_path):
    write_json(tmp_path / "classes.json", ["猫", "dog"])
    assert (tmp_path / "classes.json").read_text(encoding="utf-8") == '[\n  "猫",\n  "dog"\n]\n'
    write_json(tmp_path / "classes.json", [])
    assert [file.name for file in tmp_path.iterdir()] == ["classes.json"]
    assert (tmp_path / "classes.json").read_text() == "[]\n"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_file_that_fails_half_way_stays_as_it_was(tmp_path, error):
    def failing():
        yield b"new"
        raise error

    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(type(error)):
        replace_bytes(tmp_path / "file", failing())
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("file", b"old")]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(EnvironmentFault, match=r"absent cannot be written \(No such file or directory\)"):
        write_json(tmp_path / "absent" / "classes.json", [])


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), ValueError("array_record: No space left on device [type.x/y]")]
)
def test_a_full_disk_is_named_whichever_library_meets_it(tmp_path, error):
    with (
        pytest.raises(EnvironmentFault, match=rf"{tmp_path} cannot be written \(No space left on device\): free space"),
        writing_to(tmp_path),
    ):
        raise error


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), ValueError("a fault"), DataError("no picture")])
def test_what_is_no_fault_of_the_folder_does_not_name_it(tmp_path, error):
    with pytest.raises(type(error), match=str(error.args[-1])), writing_to(tmp_path):
        raise error


@pytest.mark.parametrize(("number", "matters"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_that_flushes_no_folders_is_none_that_fails(tmp_path, monkeypatch, number, matters):
    def fail(descriptor):
        raise OSError(number, "")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(OSError) if matters else contextlib.nullcontext():
        files.flush_to_disk(tmp_path)


def test_a_table_has_lines_that_end_alike_on_every_system():
    assert files.csv_text(["a", "b"], [[1, "x,y"]]) == 'a,b\n1,"x,y"\n'


def test_on_a_bucket_a_file_is_written_whole_or_stays_as_it_was(bucket):
    folder = user_path("gs://bucket/run")
    make_folder(folder)
    write_json(folder / "a" / "classes.json", ["猫"])
    assert bucket["bucket/run/a/classes.json"].decode() == '[\n  "猫"\n]\n'

    def failing():
        yield b"new"
        raise OSError(28, "No space left on device")

    with pytest.raises(EnvironmentFault, match=r"gs://bucket/run/a/classes\.json cannot be reached"):
        replace_bytes(folder / "a" / "classes.json", failing())
    assert files_below(folder) == ["a/classes.json"]
    remove_tree(folder)
    assert list(bucket) == ["bucket/there"]


def test_a_bucket_that_does_not_exist_is_not_made(bucket, monkeypatch):
    def absent(*_, **__):
        raise FileNotFoundError("404")

    monkeypatch.setattr("buckets.Bucket._open", absent)
    with pytest.raises(EnvironmentFault, match="cannot be written, for its bucket does not exist"):
        write_json(user_path("gs://bucket/run/classes.json"), [])


def test_only_a_folder_that_was_empty_is_marked_as_drawn(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "filled").mkdir()
    (tmp_path / "filled" / "1.png").touch()
    for name in ("new", "empty", "filled"):
        make_output(tmp_path / name)
        assert is_made_here(tmp_path / name) == (name != "filled")
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match=r"file/out cannot be written .*another place \(--out"):
        make_output(tmp_path / "file" / "out")
    with pytest.raises(EnvironmentFault, match=r"/file is a file, and no folder can be made in its place: rename it"):
        make_output(tmp_path / "file")
