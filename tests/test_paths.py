import io
import os
import re
from pathlib import Path

import pytest

from study_classification import paths
from study_classification.errors import ConfigError, EnvironmentFault
from study_classification.paths import (
    absolute,
    is_run,
    printable,
    read_file,
    require_storable,
    user_folder,
    user_path,
    why,
)


def test_a_tilde_is_a_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/a/~b") == tmp_path / "a" / "~b"
    assert str(user_path("a/~")) == "a/~"


def test_a_file_may_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~draft.png").touch()
    assert str(user_path("~draft.png")) == "~draft.png"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("~nosuchuser/x", "begins with ~nosuchuser, but no home directory is known by that name"),
        ("a\0b", "'a.x00b' holds a character that no file name can have"),
        ("a\ud800", "'a.ud800' holds a character that no file name can have"),
        ("a" * 256, r"'a{40}\.\.\.' is longer than a file system takes: correct it"),
        ("猫" * 86 + "/b", r"'猫{40}\.\.\.' is longer than a file system takes: correct it"),
        ("a/" * 2048, "is longer than a file system takes: correct it"),
    ],
)
def test_impossible_paths_are_one_sentence(text, message):
    with pytest.raises(ConfigError, match=message):
        user_path(text)


@pytest.mark.parametrize("text", ["ftp://h/x", "https://h/x.png", "hdfs://h/x", "file:///x", "GS://b/x", "azure+x://y"])
def test_addresses_of_other_kinds_are_one_sentence(text):
    with pytest.raises(
        ConfigError, match=f"the path '{re.escape(text)}' cannot be used: .* is no known kind of address"
    ):
        user_path(text)
    with pytest.raises(OSError) as caught:
        read_file(text)
    assert "is no known kind of address" in why(caught.value)


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"x")
    assert read_file(tmp_path / "file") == b"x"
    for name, reason in (
        ("pipe", "it is a pipe, not a file"),
        ("link", "it is a pipe, not a file"),
        (".", "it is a folder, not a file"),
        ("/dev/zero", "it is a device, not a file"),
        ("absent", "it does not exist"),
        ("a\0b", "its name holds a character that no file name can have"),
    ):
        with pytest.raises(OSError) as caught:
            read_file(os.path.join(tmp_path, name))
        assert why(caught.value) == reason


def test_a_run_directory_is_known_by_both_of_its_files(tmp_path):
    found = []
    for name in ("config.json", "classes.json"):
        (tmp_path / name).touch()
        found.append(is_run(tmp_path))
    (tmp_path / "config.json").unlink()
    assert found == [False, True] and not is_run(tmp_path)


def test_printable_leaves_text_alone():
    assert printable("a\n\0b") == "a\\x0a\\x00b"
    assert printable("猫 é\u3000\\x.png") == "猫 é\u3000\\x.png"
    assert printable("caf\udce9\x1b[31m\ud800") == "caf\\xe9\\x1b[31m\\ud800"


@pytest.mark.parametrize("text", ["gs:/b/x", "gs://", "gs:///x", "s3:/b"])
def test_an_address_names_its_bucket(text):
    with pytest.raises(ConfigError, match=r"give a path, gs://BUCKET/\.\.\., s3://BUCKET/"):
        user_path(text)


def test_a_path_on_a_bucket_has_the_interface_of_pathlib(bucket):
    bucket["bucket/a/b.png"] = b"x"
    path = user_path("gs://bucket/a") / "b.png"
    assert (str(path), path.name, path.is_file(), path.parent.is_dir()) == ("gs://bucket/a/b.png", "b.png", True, True)
    assert absolute(path) == path
    assert read_file("gs://bucket/a/b.png") == b"x"
    with pytest.raises(OSError, match="png") as caught:
        read_file("gs://bucket/a/c.png")
    assert why(caught.value) == "it does not exist"


def test_what_a_bucket_needs_is_named(bucket, monkeypatch):
    monkeypatch.setitem(paths.BUCKETS, "gs", ("no_such_package", "gcs"))
    with pytest.raises(EnvironmentFault, match=r"needs the package no_such_package: pip install 'study-.*\[gcs\]'"):
        user_path("gs://bucket/a")


def test_a_bucket_out_of_reach_is_no_empty_one(bucket, monkeypatch):
    def refuse(*_, **__):
        raise ValueError("401\nwho are you")

    monkeypatch.setattr("buckets.Bucket.ls", refuse)
    with pytest.raises(EnvironmentFault, match=r"gs://bucket cannot be reached \(401 who are you\): look at"):
        user_path("gs://bucket/a")


def test_what_libraries_write_lies_on_a_path_of_utf8(tmp_path, monkeypatch):
    assert require_storable(tmp_path / "猫") == tmp_path / "猫"
    with pytest.raises(ConfigError, match=r"the path '.*/C:\\x' holds a backslash, .*: write / between folders"):
        require_storable(tmp_path / r"C:\x")
    (odd := tmp_path / "caf\udce9").mkdir()
    monkeypatch.chdir(odd)
    with pytest.raises(ConfigError, match=r"caf\\xe9/run' is no UTF-8 text"):
        require_storable(Path("run"))


def test_a_path_as_windows_writes_it_is_offered_as_it_is_here(tmp_path, monkeypatch):
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"'photos\\cat' does not exist, but 'photos/cat' does: give that one"):
        user_path("photos\\cat")
    assert str(user_path("photos\\dog")) == "photos\\dog"
    (tmp_path / "photos\\cat").mkdir()
    assert str(user_path("photos\\cat")) == "photos\\cat"


def test_what_is_to_be_a_folder_is_no_file(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    for name, kind in (("file", "a file"), ("pipe", "a pipe"), ("link", "a link to what does not exist")):
        for folder in (tmp_path / name, tmp_path / name / "a" / "b"):
            with pytest.raises(ConfigError, match=rf"'{tmp_path / name}' is {kind}, not a folder: give a folder"):
                user_folder(folder)
    assert user_folder(tmp_path / "new" / "one") == tmp_path / "new" / "one"


def test_a_file_of_which_a_share_gives_a_part_could_not_be_read(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"whole")
    monkeypatch.setattr(paths, "open_file", lambda path: io.BytesIO(b"who"))
    with pytest.raises(OSError, match="only a part of it could be read"):
        read_file(tmp_path / "file")
