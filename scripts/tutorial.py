"""Runs the commands of the chapters of the course, and writes their outputs and figures into the chapters.

python scripts/tutorial.py [--check] [--chapters=01,05] [--folder=DIR] [--tolerance=SHARE]

A chapter is docs/course/LANGUAGE/NAME.md. What the script reads in it:

    ```sh                       a command, or several, one a line; they are run if a block of text follows
    ```
    <!-- lines: PATTERN -->     which lines are shown: those in which this regular expression is found; else all
    ```text                     what the command prints, which the script writes
    ```
    <!-- figure: FILE -->       the file of the run that the figure in the next line is a copy of
    ![...](../figures/NAME)

All commands of a language are run in one folder, as a reader would who follows the chapters in their order. A study of
the other language is copied there: `tune` then shows what came of it without training it again. What differs from run
to run, such as speeds, is replaced by VOLATILE.

With --check nothing is written: each line of a chapter that its command does not print is named, and the exit code is
1. Numbers have to be the same to the last digit, unless --tolerance=0.01 lets them differ by a hundredth, as on another
processor or with another jax. Figures are drawn again, but not compared.
"""

import argparse
import contextlib
import io
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from study_classification.system.console import complete_streams, say

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "docs" / "course"
FIGURES = COURSE / "figures"
LANGUAGES = ("en", "ja")  # a study is trained in the first, and shown in both
OMITTED = "..."
# What differs from run to run or from machine to machine -> what is shown.
VOLATILE = (
    (re.compile(r"[\d,]+ (examples/s|件/秒)  [\d.]+ (s|秒)\b"), r"... \1  ... \2"),  # speed and time of an epoch
    (re.compile(r", [\d.]+ (s|秒)$"), r", ... \1"),  # time of a run
    (re.compile(r"(of |空きメモリ )[\d.]+ GB"), r"\1... GB"),  # memory
    (re.compile(r"\(\d+ (cores|コア)\)"), r"(2 \1)"),
    (re.compile(r"jax [\d.]+"), "jax"),
)
_ONCE = re.compile(r"for the first time|を初めて読み込みます")  # lines that are printed while a cache is empty
_BODY = r"((?:(?!```).*\n)*)"
_BLOCK = re.compile(rf"^```sh\n{_BODY}```\n+(?:<!-- lines: (.+) -->\n)?```text\n{_BODY}```$", re.MULTILINE)
_FIGURE = re.compile(r"^<!-- figure: (.+) -->\n!\[[^\]]*\]\(\.\./figures/(.+)\)$", re.MULTILINE)
_NUMBER = re.compile(r"(\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?)")

Runner = Callable[[str, Path], str]  # command, folder -> what it prints


class CommandFault(Exception):
    """A command of a chapter has failed: one sentence."""


@dataclass(frozen=True)
class Block:
    """A block of commands and the block of what they print.

    Attributes:
        commands: one or more.
        pattern: a regular expression of the lines that are shown; '' shows all.
        shown: the lines that the chapter has.
        span: where in the chapter they stand.
    """

    commands: tuple[str, ...]
    pattern: str
    shown: tuple[str, ...]
    span: tuple[int, int]


def main(run: Runner | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="writes nothing; names what a chapter shows otherwise")
    parser.add_argument("--chapters", default="", help="beginnings of their names, such as 01,05; default: all")
    parser.add_argument("--folder", type=Path, help="keeps the runs there, and goes on with what is there")
    parser.add_argument("--tolerance", type=float, default=0.0, help="share by which numbers may differ; default: 0")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        kept = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        faults = []
        for file in chapters(options.chapters):
            try:
                faults += do_chapter(file, kept.absolute(), run or run_command, options.check, options.tolerance)
            except CommandFault as fault:
                faults.append(f"{file.relative_to(COURSE)}: {fault}")
    for fault in faults:
        say(fault)
    say(f"{len(faults)} differences" if options.check else f"{len(faults)} faults")
    return int(bool(faults))


def chapters(beginnings: str = "") -> list[Path]:
    """The chapters whose names begin so, each in all languages before the next one."""
    names = sorted(file.name for file in (COURSE / LANGUAGES[0]).glob("[0-9]*.md"))
    return [
        COURSE / language / name
        for name in names
        for language in LANGUAGES
        if name.startswith(tuple(beginnings.split(",")))
    ]


def do_chapter(file: Path, kept: Path, run: Runner, check: bool, tolerance: float) -> list[str]:
    """Runs the commands of a chapter, and gives what it shows otherwise; unless it is a check, writes what they print.

    Raises:
        CommandFault: if a command fails.
    """
    language = file.parent.name
    text = file.read_text(encoding="utf-8")
    blocks = parse(text)
    printed = []
    for block in blocks:
        words = [word for command in block.commands for word in run_once(command, kept, language, run)]
        printed.append(select(words, block.pattern))
    figures = [(kept / language / source, FIGURES / name) for source, name in _FIGURE.findall(text)]
    lacking = [
        f"{file.relative_to(COURSE)}: no command draws {source.name}" for source, _ in figures if not source.is_file()
    ]
    if check:
        where = f"{language}/{file.name}"
        return lacking + [
            f"{where}: {difference}"
            for block, lines in zip(blocks, printed, strict=True)
            for difference in differences(block.shown, lines, tolerance)
        ]
    file.write_text(rewrite(text, blocks, printed), encoding="utf-8", newline="\n")
    for source, target in figures if not lacking else []:
        copy_figure(source, target)
    return lacking


def parse(text: str) -> list[Block]:
    """The blocks of a chapter whose commands are run."""
    return [
        Block(tuple(found[1].splitlines()), found[2] or "", tuple(found[3].splitlines()), found.span(3))
        for found in _BLOCK.finditer(text)
    ]


def rewrite(text: str, blocks: list[Block], printed: list[list[str]]) -> str:
    """The chapter with what the commands have printed."""
    for block, lines in reversed(list(zip(blocks, printed, strict=True))):
        begin, end = block.span
        text = text[:begin] + "".join(f"{line}\n" for line in lines) + text[end:]
    return text


def stable(line: str) -> str:
    """The line without what differs from run to run."""
    for pattern, shown in VOLATILE:
        line = pattern.sub(shown, line)
    return line.rstrip()


def select(lines: list[str], pattern: str) -> list[str]:
    """The lines in which the pattern is found, with OMITTED in the place of those between them; without one, all."""
    if not pattern:
        return lines
    found = [(bool(re.search(pattern, line)), line) for line in lines]
    groups = [
        (is_shown, [line for _, line in group]) for is_shown, group in itertools.groupby(found, lambda each: each[0])
    ]
    kept = [line for is_shown, group in groups for line in (group if is_shown else [OMITTED])]
    return kept[kept[:1] == [OMITTED] : len(kept) - (kept[-1:] == [OMITTED])]


def differences(shown: tuple[str, ...], printed: list[str], tolerance: float = 0.0) -> Iterator[str]:
    """A sentence for each line that a chapter shows and its command does not print, or the other way round."""
    for old, new in itertools.zip_longest(shown, printed):
        if old is None:
            yield f"lacks '{new}'"
        elif new is None:
            yield f"shows '{old}', which is not printed"
        elif not alike(old, new, tolerance):
            yield f"shows '{old}', but '{new}' is printed"


def alike(old: str, new: str, tolerance: float) -> bool:
    """Whether two lines are the same, but that numbers may differ by this share, and columns by blanks with them."""
    if old == new or not tolerance:
        return old == new
    first, second = _NUMBER.split(old), _NUMBER.split(new)
    if [part.split() for part in first[::2]] != [part.split() for part in second[::2]]:
        return False
    pairs = [[float(text.replace(",", "")) for text in pair] for pair in zip(first[1::2], second[1::2], strict=True)]
    return all(abs(a - b) <= tolerance * max(abs(a), abs(b)) for a, b in pairs)


def run_once(command: str, kept: Path, language: str, run: Runner) -> list[str]:
    """What a command prints, without what differs from run to run; it is run unless its words are in the folder."""
    folder = kept / language
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "words.json"
    words = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if command not in words:
        study = re.search(r"--study=(\S+)", command)
        first = kept / LANGUAGES[0] / study[1] if study else None
        if first and first.exists() and not (folder / study[1]).exists():
            shutil.copytree(first, folder / study[1])
        began = time.monotonic()
        words[command] = run(command, folder)
        file.write_text(json.dumps(words, ensure_ascii=False, indent=1), encoding="utf-8")
        say(f"{time.monotonic() - began:5.0f} s  {command}")
    return [stable(line) for line in words[command].splitlines() if not _ONCE.search(line)]


def run_command(command: str, folder: Path) -> str:
    """Runs a command in a folder, as a reader does whose shell knows this environment.

    Raises:
        CommandFault: if its exit code is not 0.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program, *rest = shlex.split(command)
    rest = [str(ROOT / argument) if argument.startswith("scripts/") else argument for argument in rest]
    told = {"PATH": path, "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [shutil.which(program, path=path) or program, *rest],
        cwd=folder,
        env=os.environ | told | {"XDG_CACHE_HOME": str(folder / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        last = (done.stdout.strip().splitlines() or ["it prints nothing"])[-1]
        raise CommandFault(f"{command}: exit code {done.returncode}: {last}")
    return done.stdout


def copy_figure(source: Path, target: Path) -> None:
    """Copies a figure small and with few colours; a file that would be the same is left as it is."""
    drawn = io.BytesIO()
    with Image.open(source) as image:
        small = image.convert("RGB")
    small.thumbnail((1000, 1000), Image.Resampling.LANCZOS)
    # This method keeps the colours of thin lines, which are few pixels.
    few = small.quantize(64, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(drawn, format="png", optimize=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != drawn.getvalue():
        target.write_bytes(drawn.getvalue())


if __name__ == "__main__":
    complete_streams()
    sys.exit(main())
