"""Makes or updates .venv, a virtual environment with this project in it, and runs a script there.

    python scripts/environment.py [--python PYTHON] scripts/SCRIPT.py [arguments of the script]

It takes the newest Python of VERSIONS that really starts (some are only shims), or the one that --python names, and
installs the packages of setup.cfg. Nothing is installed again while setup.cfg and the interpreter stay the same.
Any Python from 3.6 on can run this file, so that an old one gets a sentence instead of a syntax error.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

VERSIONS = ((3, 14), (3, 13), (3, 12), (3, 11))  # newest first; setup.cfg has the same bounds
RANGE = "3.11 to 3.14"
ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venv"
MARK = ENVIRONMENT / "installed"  # written last: without it the environment is incomplete
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# What an interpreter tells of itself: its version in two forms, and its path, which is none within an environment.
PROBE = (
    "import sys, venv, ensurepip; assert sys.maxsize > 2**32; "
    "print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable), sys.version, sep='\\n')"
)
# a verb, the folder or address, the package, its version, and its size if pip prints it
PIPS_LINE = re.compile(
    r"(Downloading|Using cached|Processing) (?:\S*[/\\])?([^/\\\s-]+)-([^-\s]+)-\S+\.whl( \([\d.]+ \w+\))?"
)


class SetupFault(Exception):
    """An error that a user can mend: one sentence, and the exit code."""

    def __init__(self, message: str, exit_code: int = 2):
        super().__init__(message)
        self.exit_code = exit_code


def run_as_script(function) -> None:
    """Calls the function; a fault or Ctrl-C is one sentence on stderr and an exit code."""
    try:
        code = function()
    except SetupFault as fault:
        code = fault.exit_code
        sys.stderr.write(f"error: {fault}\n")
    except KeyboardInterrupt:
        code = 130
        sys.stderr.write("stopped: the same command begins anew what was not finished\n")
    sys.exit(code)


def say(text: str) -> None:
    """Prints a line at once. If the reader has gone, the work goes on."""
    try:
        print(text, flush=True)
    except OSError:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def prepare_environment(extras: str = "", python: str = "") -> None:
    """Makes ENVIRONMENT, if it is not ready.

    Args:
        extras: '' or 'test', as setup.cfg names them.
        python: the interpreter; '' takes the newest.
    """
    interpreter, version = find_python(python)
    digest = hashlib.sha256((ROOT / "setup.cfg").read_bytes()).hexdigest()
    identity = [interpreter, version, digest]
    made, _, made_extras = read_mark().partition("\n\n")
    fresh = made != "\n".join(identity)
    if not fresh and extras in ("", made_extras):
        return
    if fresh:
        make_environment(interpreter, version)
    else:
        MARK.unlink()
    install(f".[{extras}]" if extras else ".")
    MARK.write_text("\n".join(identity) + "\n\n" + extras, encoding="utf-8")


def read_mark() -> str:
    try:
        return MARK.read_text(encoding="utf-8")
    except OSError:
        return ""


def make_environment(interpreter: str, version: str) -> None:
    """Makes an empty environment. An existing one is replaced."""
    say(f"Making .venv with Python {version.split()[0]} ({interpreter}) ...")
    try:
        if ENVIRONMENT.exists():
            shutil.rmtree(str(ENVIRONMENT))
    except OSError as error:
        raise SetupFault(
            f"{error.filename} cannot be removed ({error.strerror}): end what still uses .venv, and try again", 5
        ) from None
    made = output_of([interpreter, "-m", "venv", str(ENVIRONMENT)])
    if made is None:
        raise SetupFault(f"{interpreter} cannot make {ENVIRONMENT}: look for space and permission there", 5)


def find_python(named: str) -> tuple:
    """(path, full version) of the named interpreter, or else of the newest one."""
    if named:
        told = describe([named])
        if told is None:
            raise SetupFault(f"{named} does not start, is no 64-bit Python, or lacks venv: name another with --python")
        if told[0] not in VERSIONS:
            version = "{}.{}".format(*told[0])
            raise SetupFault(f"{named} is Python {version}, but this project takes {RANGE}: name another with --python")
        return told[1:]
    for command in candidates():
        told = describe(command)
        if told is not None and told[0] in VERSIONS:
            return told[1:]
    raise SetupFault(
        f"there is no Python {RANGE} with the module venv here: install one (Debian: apt install python3-venv; "
        "elsewhere from python.org), or name it with --python"
    )


def candidates() -> list:
    """The commands that may start an interpreter, newest first."""
    names = ["{}.{}".format(*version) for version in VERSIONS]
    launched = [["py", f"-{name}"] for name in names] if os.name == "nt" else []
    return [*launched, *([f"python{name}"] for name in names), ["python3"], ["python"], [sys.executable]]


def describe(command: list):
    """(version, path, full version) of an interpreter; None if it does not really start."""
    lines = (output_of([*command, "-c", PROBE]) or "").splitlines()
    if len(lines) < 3:
        return None
    major, minor = lines[0].split(".")
    return (int(major), int(minor)), lines[1], " ".join(lines[2:])


def output_of(command: list):
    """The output of a command; None if it fails, or does not end."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout.decode("utf-8", "replace")


def install(what: str) -> None:
    """Installs the project in place. It prints a line for each package, with its size."""
    say("Installing the packages that setup.cfg names (about 1 GB on disk; a few minutes on a slow line) ...")
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    process = subprocess.Popen(
        [*pip, "--editable", what], cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    errors = []
    for raw in process.stdout:
        line = raw.decode("utf-8", "replace").strip()
        if line.startswith("ERROR"):
            errors.append(line)
        elif line.startswith("Installing collected packages:"):
            count_installed(process, line.count(",") + 1)
        elif line_to_show(line):
            say(f"  {line_to_show(line)}")
    if process.wait():
        say("\n".join(errors))
        raise SetupFault(
            "pip could not install the packages: look for a connection to PyPI and for space; the same command begins "
            "anew",
            5,
        )
    say("Installed.")


def line_to_show(line: str) -> str:
    """A short form of a line of pip: the package that it fetches or finds; '' for other lines."""
    match = PIPS_LINE.match(line)
    if not match or ".whl.metadata" in line:
        return ""
    verb, name, version, size = match.groups(default="")
    return f"{'downloading' if verb == 'Downloading' else 'found'} {name} {version}{size}"


def count_installed(process, total: int) -> None:
    """Prints every few seconds how many packages are unpacked, until pip ends."""
    say(f"  unpacking {total} packages")
    shown = 0
    while process.poll() is None:
        time.sleep(1)
        count = min(total, sum(1 for _ in ENVIRONMENT.rglob("*.dist-info/RECORD")))
        if count >= shown + 10:
            say(f"  {count} of {total} unpacked")
            shown = count


def take_python(arguments: list) -> tuple:
    """(interpreter of `--python PYTHON` or `--python=PYTHON`, other arguments)."""
    python, others = "", []
    rest = iter(arguments)
    for text in rest:
        if text == "--python" or text.startswith("--python="):
            python = text.partition("=")[2] or next(rest, "")
            if not python:
                raise SetupFault("--python needs a value: --python python3.13")
        else:
            others.append(text)
    return python, others


def only_python(arguments: list) -> str:
    """The interpreter that --python names, for a script without other arguments."""
    python, others = take_python(arguments)
    if others:
        raise SetupFault(f"there is no {others[0]}: the only option is --python PYTHON")
    return python


def main() -> int:
    python, arguments = take_python(sys.argv[1:])
    if not arguments:
        raise SetupFault("name a script: environment.py [--python PYTHON] SCRIPT.py ...")
    prepare_environment(python=python)
    return subprocess.call([str(PYTHON), *arguments])


if __name__ == "__main__":
    run_as_script(main)
