import sys
from pathlib import Path

from study_classification.reports.next_steps import next_steps, program


def test_next_steps_are_commands_that_can_be_typed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "study_classification" / "main.py")])
    lines = next_steps(Path("runs/my photos"), Path("runs/my photos/curves.png")).splitlines()
    assert lines[1].endswith("runs/my photos/curves.png")
    assert lines[2].endswith("-m study_classification.main evaluate --workdir='runs/my photos'")
    assert lines[3].endswith("-m study_classification.main predict --workdir='runs/my photos' PICTURE.jpg")


def test_the_program_is_named_as_it_can_be_found_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    binaries = tmp_path / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "study-classification"):
        (binaries / name).write_text("#!/bin/sh\n")
        (binaries / name).chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(binaries / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "argv", ["-m"])
    assert program() == ".venv/bin/python -m study_classification.main"
    monkeypatch.setattr(sys, "argv", [str(binaries / "study-classification")])
    assert program() == ".venv/bin/study-classification"
    monkeypatch.setenv("PATH", str(binaries))
    assert program() == "study-classification"
    monkeypatch.setattr(sys, "argv", ["-m"])
    assert program() == "python -m study_classification.main"
