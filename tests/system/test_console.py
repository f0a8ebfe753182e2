import os
import sys
import unicodedata

import pytest

from study_classification.system import console


def test_the_log_gets_every_line_with_the_time(tmp_path, capsys):
    with console.logging_to(tmp_path / "log.txt"):
        console.say("one\ntwo")
    console.say("three")
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [line[20:] for line in lines] == ["one", "two"]
    assert capsys.readouterr().out == "one\ntwo\nthree\n"


def test_a_resumed_run_goes_on_in_its_log(tmp_path):
    for text in ("one", "two"):
        with console.logging_to(tmp_path / "log.txt"):
            console.say(text)
    assert [line[20:] for line in (tmp_path / "log.txt").read_text().splitlines()] == ["one", "two"]


def test_messages_leave_stdout_to_the_data(capsys):
    with console.saying_to_stderr():
        console.say("message")
    assert capsys.readouterr() == ("", "message\n")


def test_silence(capsys):
    with console.saying_nothing():
        console.say("message")
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_goes_away_does_not_stop_the_work(tmp_path, monkeypatch):
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        os.close(read_end)
        with console.logging_to(tmp_path / "log.txt"):
            console.say("one")
            console.say("two")
    assert (tmp_path / "log.txt").read_text().count("\n") == 2


def test_progress_without_a_terminal_is_plain(capsys):
    assert list(console.progress(iter([1, 2]), "counting", total=2)) == [1, 2]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("cat", 3),
        ("猫", 2),
        ("ネコ", 4),
        ("ﾈｺ", 2),
        ("café", 4),
        ("が", 2),
        ("한국", 4),
        ("a\u200bb", 2),
        ("q\u0303", 1),
        ("ＡＢ", 4),
        ("", 0),
    ],
)
def test_the_columns_that_a_text_takes(text, width):
    assert console.display_width(text) == width
    assert console.display_width(unicodedata.normalize("NFD", text)) == width  # as file names come on a Mac


def test_padding_goes_by_columns():
    assert console.pad("猫", 4) == "猫  "
    assert console.pad("猫", 4, ">") == "  猫"
    assert console.pad("wider", 2) == "wider"


def test_cutting_goes_by_columns():
    assert console.cut("ゴールデンレトリバー", 10) == "ゴールデン"
    assert console.cut("aゴールデン", 10) == "aゴールデ"  # half a character is none
    assert console.cut("short", 10) == "short"
