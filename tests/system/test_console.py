import os
import sys

from study_classification.system import console


def test_the_log_gets_every_line_with_the_time(tmp_path, capsys):
    with console.logging_to(tmp_path / "log.txt"):
        console.say("one\ntwo")
    console.say("three")
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [line[20:] for line in lines] == ["one", "two"]
    assert capsys.readouterr().out == "one\ntwo\nthree\n"


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
