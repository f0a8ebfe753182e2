import errno
import io
import os
import struct
import subprocess
import sys
import unicodedata

import pytest
from PIL import Image

from study_classification.errors import EnvironmentFault
from study_classification.paths import user_path
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


def test_contexts_of_threads_may_end_in_any_order(tmp_path, capsys):
    first, second = console.saying_nothing(), console.logging_to(tmp_path / "log.txt")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    console.say("logged")
    second.__exit__(None, None, None)
    console.say("after")
    assert capsys.readouterr() == ("logged\nafter\n", "")
    assert (tmp_path / "log.txt").read_text()[20:] == "logged\n"


def test_the_inner_log_takes_the_place_of_the_outer_one(tmp_path):
    with console.logging_to(tmp_path / "outer.txt"):
        with console.logging_to(tmp_path / "inner.txt"):
            console.say("inner")
        console.say("outer")
    assert [(tmp_path / f"{name}.txt").read_text()[20:] for name in ("inner", "outer")] == ["inner\n", "outer\n"]


def test_what_is_silent_shows_no_progress_on_a_terminal_either(monkeypatch, capsys):
    monkeypatch.setattr(console._Outlet, "isatty", lambda outlet: True)
    with console.saying_nothing():
        assert list(console.progress(iter([1, 2]), "counting", total=2)) == [1, 2]
    assert capsys.readouterr() == ("", "")


def test_what_only_the_log_is_told(tmp_path, capsys):
    with console.saying_to_the_log(), console.logging_to(tmp_path / "log.txt"):
        console.say("message")
    console.say("after")
    assert capsys.readouterr() == ("after\n", "")
    assert (tmp_path / "log.txt").read_text()[20:] == "message\n"


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


class Limited(io.TextIOWrapper):
    """A terminal of Windows in the West."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="cp1252", newline="\n")


def test_a_letter_that_the_encoding_lacks_is_escaped(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdout", Limited())
    with console.logging_to(tmp_path / "log.txt"):
        console.say("café 猫 \udce9")
    assert sys.stdout.buffer.getvalue() == rb"caf" + "é".encode("cp1252") + rb" \u732b \udce9" + b"\n"
    assert (tmp_path / "log.txt").read_text(encoding="utf-8")[20:] == "café 猫 \\udce9\n"


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_streams_that_are_absent_or_closed(name, monkeypatch, tmp_path):
    closed = (tmp_path / "closed").open("w")
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr(sys, name, stream)
        console.say("one")
        console.complain("two")
        with console.saying_to_stderr():
            console.say("three")
        assert list(console.progress([1, 2], "counting")) == [1, 2]


@pytest.mark.parametrize("stream", [None, "closed"])
def test_data_want_a_stdout(stream, monkeypatch, tmp_path):
    if stream == "closed":
        stream = (tmp_path / "closed").open("w")
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(EnvironmentFault, match="there is no standard output for the results"), console.data_on_stdout():
        raise AssertionError


def test_the_reader_of_data_may_leave(monkeypatch):
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with console.data_on_stdout() as out:
            out.write("row\n")
            out.flush()
            raise AssertionError("this is not reached")
        pipe.write("more")


class Full(io.StringIO):
    """A file on a disk without space."""

    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_loses_messages_aloud_and_data_never(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", Full())
    console.say("message")
    assert capsys.readouterr().err == (
        "standard output cannot be written (No space left on device): what is said from now on is lost\n"
    )
    message = r"standard output cannot be written \(No space left on device\): send the results to a file"
    with pytest.raises(EnvironmentFault, match=message), console.data_on_stdout() as out:
        out.write("row")
    with pytest.raises(OSError, match="cache"), console.data_on_stdout():
        raise OSError(errno.ENOSPC, "No space left on device", "cache")


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_no_file_gets_the_number_of_a_stream(closed, tmp_path):
    program = (
        "import sys; from study_classification.system.console import complete_streams, say; complete_streams()\n"
        "with open('file', 'w') as file: print(file.fileno(), sys.stdin.read(), file=file, flush=True); say('said')"
    )
    done = subprocess.run(["sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-c", program], cwd=tmp_path, input=b"")
    assert done.returncode == 0
    assert int((tmp_path / "file").read_text()) > 2


def test_a_log_on_a_bucket_goes_on_behind_what_is_there(bucket, capsys):
    bucket["bucket/run/log.txt"] = b"before\n"
    with console.logging_to(user_path("gs://bucket/run/log.txt")):
        console.say("one")
        assert bucket["bucket/run/log.txt"].endswith(b" one\n")  # a first sign of life
        console.say("two")
        assert bucket["bucket/run/log.txt"].endswith(b" one\n")
    lines = bucket["bucket/run/log.txt"].decode().splitlines()
    assert [line.split(" ")[-1] for line in lines] == ["before", "one", "two"]


def test_pillow_says_nothing_of_an_image_that_is_refused(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "image.tif")
    data = bytearray((tmp_path / "image.tif").read_bytes())
    samples = data.find(struct.pack("<HHI", 277, 3, 1)) + 8
    data[samples : samples + 2] = struct.pack("<H", 515)
    (tmp_path / "image.tif").write_bytes(data)
    program = (
        "from PIL import Image; from study_classification.system.console import hush_libraries; hush_libraries()\n"
        "try: Image.open('image.tif')\n"
        "except OSError: raise SystemExit(3)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (3, "")
