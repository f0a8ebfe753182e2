"""An entry of the cache is whole, or it is made again, whatever happened to it."""

import os
import shutil
import time

import pytest

from study_classification.system import entries
from study_classification.system.entries import SEAL, abandoned, damage, is_whole, publish, remove, workplace


def make(folder, content="content"):
    with workplace(folder) as temporary:
        (temporary / "sub").mkdir()
        (temporary / "sub" / "file").write_text(content)
        (temporary / "empty").touch()
        publish(temporary, folder)


@pytest.fixture
def entry(tmp_path):
    make(tmp_path / "entry")
    return tmp_path / "entry"


def test_a_published_entry_is_whole_and_alone(entry):
    assert damage(entry) == ""
    assert [path.name for path in entry.parent.iterdir()] == ["entry"]
    assert (entry / "sub" / "file").read_text() == "content"


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda entry: (entry / "sub" / "file").write_text("contant"), "sub/file is not what was written"),
        (lambda entry: (entry / "sub" / "file").write_text("content+"), "sub/file is not what was written"),
        (lambda entry: (entry / "empty").write_text("x"), "empty is not what was written"),
        (lambda entry: (entry / "sub" / "file").unlink(), "file is missing"),
        (lambda entry: (entry / SEAL).unlink(), "sealed.json is missing"),
        (lambda entry: (entry / SEAL).write_bytes(b"\0" * 20), "sealed.json is damaged"),
        (lambda entry: (entry / SEAL).write_text("null"), "sealed.json is damaged"),
        (lambda entry: (entry / SEAL).write_text('{"empty": 0}'), "sealed.json is damaged"),
        (lambda entry: (shutil.rmtree(entry), entry.touch()), "Not a directory"),
    ],
)
def test_every_damage_is_noticed_said_and_mended(entry, harm, reason, capsys):
    harm(entry)
    assert damage(entry) == reason
    assert not is_whole(entry)
    assert capsys.readouterr().out == f"{entry} is damaged ({reason}): it is made again\n"
    make(entry)
    assert damage(entry) == ""
    assert [path.name for path in entry.parent.iterdir()] == ["entry"]


def test_what_is_not_there_is_no_damage_to_speak_of(tmp_path, capsys):
    assert not is_whole(tmp_path / "entry")
    assert capsys.readouterr().out == ""


def test_a_file_of_several_blocks_is_compared_whole(tmp_path):
    make(tmp_path / "entry", "x" * (2**20 + 10))
    with (tmp_path / "entry" / "sub" / "file").open("r+b") as file:
        file.write(b"y")  # in the first block
    assert damage(tmp_path / "entry") == "sub/file is not what was written"


def test_whoever_finds_it_whole_uses_it(entry):
    os.utime(entry / SEAL, (0, 0))
    assert damage(entry) == ""
    assert time.time() - (entry / SEAL).stat().st_mtime < 60


def test_of_a_very_large_entry_the_large_files_are_compared_by_size(entry, monkeypatch):
    monkeypatch.setattr(entries, "COMPARED", 6)
    (entry / "sub" / "file").write_text("contant")
    assert damage(entry) == ""
    for content in ("conten", "content+"):
        (entry / "sub" / "file").write_text(content)
        assert damage(entry) == "sub/file is not what was written"


def test_the_first_of_two_keeps_the_name(entry):
    make(entry, "of the second")
    assert (entry / "sub" / "file").read_text() == "content"


def test_what_cannot_be_published_says_so(tmp_path):
    with pytest.raises(OSError, match="No such file"), workplace(tmp_path / "entry") as temporary:
        publish(temporary, tmp_path / "absent" / "name")
    assert list(tmp_path.iterdir()) == []


def test_only_what_has_no_owner_any_more_is_abandoned(tmp_path):
    with workplace(tmp_path / "living"):
        (tmp_path / ".dead.1234").mkdir()
        (tmp_path / ".dead.1234.lock").touch()
        (tmp_path / ".perhaps.1234").mkdir()  # without a lock its age tells
        (tmp_path / ".old.1234").mkdir()
        (tmp_path / ".old.1234" / "file").touch()
        (tmp_path / ".busy.1234").mkdir()
        (tmp_path / ".busy.1234" / "file").touch()  # which has just been written
        yesterday = time.time() - 25 * 3600
        os.utime(tmp_path / ".busy.1234", (yesterday, yesterday))
        for path in (tmp_path / ".old.1234" / "file", tmp_path / ".old.1234"):
            os.utime(path, (yesterday, yesterday))
        assert {path.name for path in abandoned(tmp_path)} == {".dead.1234", ".old.1234"}
    make(tmp_path / "entry")  # whoever makes the next one clears up
    assert {path.name for path in tmp_path.iterdir()} == {".busy.1234", ".perhaps.1234", "entry"}


def test_a_removed_entry_is_gone(entry):
    remove(entry)
    assert list(entry.parent.iterdir()) == []
