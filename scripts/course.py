"""Runs the commands of all lessons in order, and ends with one table.

scripts/course.sh [--folder=DIR] [--only=NAME,NAME] [--short]

The commands are those that the docstrings of configs/lessons/ give under COMMAND, in the order of the map of that
folder. A command with a word in capitals, such as FOLDER, needs data of the reader and is left out. The output of each
command goes to DIR/NAME-NUMBER.log. The script goes on where it was stopped.
"""

import argparse
import ast
import csv
import re
import shlex
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from study_classification.reports.trials import format_table
from study_classification.system.console import complete_streams, say

ROOT = Path(__file__).resolve().parents[1]
LESSONS = ROOT / "configs" / "lessons"
OWN = re.compile(r"\b[A-Z]{4,}\b")  # FOLDER, FILE: data that only the reader has
# the lines that tell the result of a command; the last of them counts
RESULT = re.compile(r"^(Best: |Suggested: |After step |(train|validation|test): )", re.MULTILINE)
WIDTH = 100


@dataclass(frozen=True)
class Row:
    """A row of the table: a command, its time, and its result."""

    lesson: str
    name: str
    command: str
    seconds: float
    result: str
    exit_code: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("runs/course"), help="of all runs; default: %(default)s")
    parser.add_argument("--only", default="", help="names of lessons, such as mnist,cures")
    parser.add_argument("--short", action="store_true", help="trains everything as little as `runlocal` does")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in options.only.split(",") if options.only else names():
        lesson, commands = read_lesson(name)
        for number, command in enumerate(commands, 1):
            say(f"\n== Lesson {lesson}, {name}: {command}")
            row = run(lesson, name, number, command, options)
            say(f"   {row.seconds:.0f} s: {row.result}")
            rows.append(row)
            write_csv(options.folder / "course.csv", rows)
    header = ["command", "lesson", "seconds", "result"]
    table = [[f"{row.name}: {verb(row.command)}", row.lesson, f"{row.seconds:.0f}", row.result[:WIDTH]] for row in rows]
    say(f"\n{format_table(header, table)}")
    say(f"{len(rows)} commands in {sum(row.seconds for row in rows):.0f} s; {options.folder / 'course.csv'}")
    return int(any(row.exit_code for row in rows))


def names() -> list[str]:
    """The names of all lessons, in the order of the map in the docstring of the folder."""
    return re.findall(r"^(\w+)\.py  ", docstring(LESSONS / "__init__.py"), re.MULTILINE)


def read_lesson(name: str) -> tuple[str, list[str]]:
    """(number of a lesson, commands in its docstring that need no data of the reader)."""
    text = docstring(LESSONS / f"{name}.py")
    block = re.search(r"^COMMAND(.*?)^[A-Z]", text, re.DOTALL | re.MULTILINE)
    number = re.match(r"Lesson (\d+)", text)
    lines = [line.strip() for line in block[1].splitlines()] if block else []
    commands = [
        re.sub(r"\s{2,}\(.*", "", line) for line in lines if line.startswith(("study-classification ", "python "))
    ]
    return number[1] if number else "", [command for command in commands if not OWN.search(command)]


def docstring(file: Path) -> str:
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def arguments_of(command: str, folder: Path, short: bool) -> list[str]:
    """The arguments of a command. Its runs/ becomes the folder of the course."""
    program, *rest = shlex.split(command)
    rest = [re.sub(r"(^|[=])runs/", lambda found: f"{found[1]}{folder.as_posix()}/", argument) for argument in rest]
    rest = [str(ROOT / argument) if argument.startswith("scripts/") else argument for argument in rest]
    if short:
        rest = [re.sub(r"^(--config=configs/lessons/\w+\.py):?", r"\1:runlocal,", each).rstrip(",") for each in rest]
    return [sys.executable, *(["-m", "study_classification.main"] if program != "python" else []), *rest]


def run(lesson: str, name: str, number: int, command: str, options: argparse.Namespace) -> Row:
    """Runs a command, and keeps its output."""
    began = time.monotonic()
    arguments = arguments_of(command, options.folder, options.short)
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
    (options.folder / f"{name}-{number}.log").write_text(done.stdout, encoding="utf-8")
    return Row(lesson, name, command, round(time.monotonic() - began, 1), result_of(done.stdout), done.returncode)


def result_of(words: str) -> str:
    """The line of the output that tells the result, or else the last line."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if RESULT.match(line)), lines[-1] if lines else "")


def verb(command: str) -> str:
    """The verb of a command, or the script that it starts."""
    first = command.split()[1]
    return "train" if first.startswith("-") else Path(first).stem


def write_csv(file: Path, rows: list[Row]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


if __name__ == "__main__":
    complete_streams()
    sys.exit(main())
