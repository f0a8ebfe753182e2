"""The script that runs all lessons: how it reads their commands, and one of them run in its short form."""

import csv
import shlex
import sys
from pathlib import Path

import pytest

from study_classification.configs import lessons


@pytest.fixture
def course(monkeypatch, cache):
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "scripts")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    import course

    yield course
    del sys.modules["course"]


def test_every_lesson_has_commands_that_the_script_can_run(course):
    files = sorted(file.stem for file in Path(lessons.__path__[0]).glob("*.py") if file.stem != "__init__")
    assert sorted(course.names()) == files
    numbers = []
    for name in course.names():
        number, commands = course.read_lesson(name)
        numbers.append(int(number))
        assert commands or name == "vgg", name  # which needs a folder and weights of the reader's own
        for command in commands:
            assert "..." not in command and shlex.split(command)[0] in ("study-classification", "python")
    assert numbers == sorted(numbers)


def test_a_command_is_started_in_the_folder_of_the_course(course, tmp_path):
    program = [sys.executable, "-m", "study_classification.main"]
    command = "study-classification --config=configs/lessons/x.py:data=runs/a.csv --workdir='runs/a b'"
    folder = tmp_path.as_posix()
    assert course.arguments_of(command, tmp_path, short=False) == [
        *program,
        f"--config=configs/lessons/x.py:data={folder}/a.csv",
        f"--workdir={folder}/a b",
    ]
    assert course.arguments_of(command, tmp_path, short=True)[3] == (
        f"--config=configs/lessons/x.py:runlocal,data={folder}/a.csv"
    )
    plain = course.arguments_of("study-classification tune --config=configs/lessons/x.py", tmp_path, short=True)
    assert plain == [*program, "tune", "--config=configs/lessons/x.py:runlocal"]
    script = course.arguments_of("python scripts/lessons/y.py make runs/y", tmp_path, short=True)
    assert script == [sys.executable, str(course.ROOT / "scripts/lessons/y.py"), "make", f"{folder}/y"]


def test_the_result_is_the_last_line_that_tells_one(course):
    words = "Best: epoch 1\n\ntest: accuracy 0.5\nNext:\n  look at the curves\n"
    assert course.result_of(words) == "test: accuracy 0.5"
    assert course.result_of("one\ntwo\n\n") == "two" and course.result_of("") == ""


def test_the_short_form_runs_a_lesson(course, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["course.py", f"--folder={tmp_path}", "--only=mnist", "--short"])
    assert course.main() == 0
    with (tmp_path / "course.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == ["mnist", "mnist"] and {row["exit_code"] for row in rows} == {"0"}
    assert all(row["result"].startswith("Best: epoch 1, validation accuracy ") for row in rows)
    assert (tmp_path / "mnist_exercise" / "curves.png").exists() and (tmp_path / "mnist-1.log").exists()
    assert "2 commands in " in capsys.readouterr().out
