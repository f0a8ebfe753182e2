"""The script that writes outputs into the chapters of the course, with a runner that trains nothing; the chapters."""

import re
import sys
from pathlib import Path

import pytest
from PIL import Image

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
COURSE = SCRIPTS.parent / "docs" / "course"
CHAPTERS = sorted(file.name for file in (COURSE / "en").glob("[0-9]*.md"))
CHAPTER = """# 1
```sh
pip install x
```
What is only shown has no output.

```sh
one --study=runs/s{lang}
two{lang}
```
<!-- lines: ^epoch [13]|end -->
```text
```
<!-- figure: runs/s/curve.png -->
![a curve](../figures/curve.png)

<details>

```sh
three{lang}
```
```text
old
```
</details>
"""
EPOCHS = "epoch 1 loss 0.5  1,234 examples/s  0.5 s\nepoch 2 x\nepoch 3 loss 0.25\nbest: 1.5\n"
WORDS = {
    "one": f"Device: 4\n{EPOCHS}",
    "two": "the end\n",
    "three": "reading for the first time\n1 x cpu (8 cores), jax 0.12.0.1\nval 0.5 in 9, 3.4 s\n",
}


@pytest.fixture
def tutorial(script):
    return script("tutorial")


class Course:
    """A course of one chapter, in a folder of its own."""

    def __init__(self, folder, run_script):
        self.folder, self._run_script = folder, run_script
        self.words = dict(WORDS)  # what each command prints
        self.asked = []  # each command that was run, the language, and whether the study was there

    def run(self, *flags):
        return self._run_script(self._command, *flags)

    def _command(self, command, folder):
        study = folder / "runs" / "s"
        self.asked.append((command, folder.name, study.exists()))
        if command.startswith("one"):
            study.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 30), "red").save(study / "curve.png")
        return self.words[command.split()[0]]

    def text(self, language="en"):
        return (self.folder / language / "01_x.md").read_text(encoding="utf-8")


@pytest.fixture
def course(tutorial, tmp_path, monkeypatch):
    folder = tmp_path / "course"
    for language in tutorial.LANGUAGES:
        file = folder / language / "01_x.md"
        file.parent.mkdir(parents=True)
        file.write_text(CHAPTER.replace("{lang}", " --lang=ja" if language == "ja" else ""), encoding="utf-8")
    monkeypatch.setattr(tutorial, "COURSE", folder)
    monkeypatch.setattr(tutorial, "FIGURES", folder / "figures")

    def run_script(run, *flags):
        monkeypatch.setattr(sys, "argv", ["tutorial.py", *flags])
        return tutorial.main(run)

    return Course(folder, run_script)


def test_a_chapter_gets_what_its_commands_print(course, capsys):
    assert course.run() == 0
    shown = "```text\nepoch 1 loss 0.5  ... examples/s  ... s\n...\nepoch 3 loss 0.25\n...\nthe end\n```"
    assert shown in course.text()
    assert "```sh\nthree\n```\n```text\n1 x cpu (2 cores), jax\nval 0.5 in 9, ... s\n```\n</details>" in course.text()
    assert shown in course.text("ja") and "pip install x\n```\nWhat" in course.text()
    with Image.open(course.folder / "figures" / "curve.png") as figure:
        assert figure.size == (40, 30)
    assert "0 faults" in capsys.readouterr().out


def test_the_other_language_finds_the_study(course):
    course.run()
    assert [(command.partition(" ")[0], language, there) for command, language, there in course.asked] == [
        ("one", "en", False),
        ("two", "en", True),
        ("three", "en", True),
        ("one", "ja", True),
        ("two", "ja", True),
        ("three", "ja", True),
    ]
    assert course.asked[3][0] == "one --study=runs/s --lang=ja"


def test_a_check_notices_one_digit(course, capsys):
    course.run()
    assert course.run("--check") == 0
    assert capsys.readouterr().out.endswith("0 differences\n")
    before = course.text()
    course.words["one"] = course.words["one"].replace("0.25", "0.26")
    course.words["three"] += "more\n"
    assert course.run("--check", "--chapters=01") == 1
    said = capsys.readouterr().out
    assert "en/01_x.md: shows 'epoch 3 loss 0.25', but 'epoch 3 loss 0.26' is printed\n" in said
    assert "ja/01_x.md: shows 'epoch 3 loss 0.25', but 'epoch 3 loss 0.26' is printed\n" in said
    assert "en/01_x.md: lacks 'more'\n" in said and said.endswith("4 differences\n")
    assert course.text() == before, "a check writes nothing"


def test_a_check_notices_a_command_that_prints_less(course, capsys):
    course.run()
    course.words["three"] = course.words["three"].partition("val")[0]
    assert course.run("--check") == 1
    assert "en/01_x.md: shows 'val 0.5 in 9, ... s', which is not printed" in capsys.readouterr().out


def test_numbers_may_differ_by_the_tolerance(course, tutorial):
    course.run()
    course.words["one"] = course.words["one"].replace("0.25", "0.251")
    assert course.run("--check", "--tolerance=0.01") == 0
    course.words["one"] = course.words["one"].replace("0.251", "0.26")
    assert course.run("--check", "--tolerance=0.01") == 1
    assert tutorial.alike("a  1,000 b", "a 1,001 b", 0.01)
    assert not tutorial.alike("a 1 b", "a 1 c", 0.5) and not tutorial.alike("a 1 b 2", "a 1 b", 0.5)


def test_a_folder_keeps_what_was_run(course, tmp_path):
    folder = f"--folder={tmp_path / 'kept'}"
    assert course.run(folder) == 0 and len(course.asked) == 6
    assert course.run(folder, "--check") == 0 and len(course.asked) == 6


def test_what_fails_is_told_and_writes_nothing(course, tutorial, monkeypatch, capsys):
    def fail(command, folder):
        raise tutorial.CommandFault(f"{command}: exit code 3: broken")

    before = course.text()
    monkeypatch.setattr(sys, "argv", ["tutorial.py"])
    assert tutorial.main(fail) == 1 and course.text() == before
    assert "en/01_x.md: one --study=runs/s: exit code 3: broken" in capsys.readouterr().out


def test_a_figure_that_no_command_draws_is_told(course, capsys):
    file = course.folder / "en" / "01_x.md"
    file.write_text(course.text().replace("runs/s/curve.png", "runs/t.png"), encoding="utf-8")
    assert course.run() == 1
    assert "en/01_x.md: no command draws t.png" in capsys.readouterr().out


def test_a_command_is_run_in_the_folder(tutorial, tmp_path):
    assert tutorial.run_command("python -c 'import os; print(os.getcwd())'", tmp_path) == f"{tmp_path}\n"
    with pytest.raises(tutorial.CommandFault, match=r"exit\(3\)': exit code 3: it prints nothing"):
        tutorial.run_command("python -c 'exit(3)'", tmp_path)


def text_of(language, name):
    return (COURSE / language / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CHAPTERS)
def test_both_languages_have_the_same_commands_and_figures(tutorial, name):
    english, japanese = text_of("en", name), text_of("ja", name)
    for mark in (r"^```sh\n((?:[^`\n].*\n)*)", r"^<!-- (lines|figure): (.*) -->$", r"\.\./figures/([\w.-]+)"):
        found = [re.findall(mark, text, re.MULTILINE) for text in (english, japanese.replace(" --lang=ja", ""))]
        assert found[0] == found[1] != [], mark
    commands = [command for block in tutorial.parse(japanese) for command in block.commands]
    assert all(command.endswith(" --lang=ja") for command in commands if command.startswith("study-classification"))
    assert not re.search("--lang=ja", english)


@pytest.mark.parametrize("name", CHAPTERS)
def test_both_languages_show_the_same_numbers(tutorial, name):
    numbers = [
        [sorted(re.findall(r"\d+\.\d{2,}", " ".join(block.shown))) for block in tutorial.parse(text_of(language, name))]
        for language in ("en", "ja")
    ]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("name", CHAPTERS)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_chapter_is_whole(tutorial, language, name):
    text = text_of(language, name)
    assert all(block.shown for block in tutorial.parse(text)), "a command without its output: run scripts/tutorial.py"
    assert text.count("<details>") == text.count("</details>") == 1, "an exercise has its answer"
    assert text.count("\n```text\n") == len(tutorial.parse(text))
    for file in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (COURSE / language / file).exists(), file
    assert f"({name})" in text_of(language, "index.md")


def test_every_lesson_has_its_chapter():
    text = "".join(text_of("en", name) for name in CHAPTERS)
    lessons = sorted(file.stem for file in (SCRIPTS.parent / "configs" / "lessons").glob("*.py"))
    assert [name for name in lessons if f"configs/lessons/{name}.py" not in text] == ["__init__"]


def test_figures_are_small_and_used():
    text = "".join(text_of("en", name) for name in CHAPTERS)
    for file in (COURSE / "figures").iterdir():
        assert f"../figures/{file.name})" in text and file.stat().st_size < 60_000, file.name
