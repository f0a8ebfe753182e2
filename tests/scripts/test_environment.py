"""The set-up, up to what pip does."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """scripts/environment.py with an environment below `tmp_path`, which no pip fills."""
    spec = importlib.util.spec_from_file_location("environment_of_a_test", SCRIPTS / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(module, "MARK", tmp_path / ".venv" / "installed")
    monkeypatch.setattr(module, "find_python", lambda named: (named or "python3.13", f"version of {named}"))
    module.done = []

    def make(interpreter, version):
        module.done.append("make")
        (tmp_path / ".venv").mkdir(exist_ok=True)
        module.MARK.unlink(missing_ok=True)

    monkeypatch.setattr(module, "make_environment", make)
    monkeypatch.setattr(module, "install", module.done.append)
    (tmp_path / "setup.cfg").write_text("one", encoding="utf-8")
    return module


def steps(environment, *arguments):
    environment.done.clear()
    environment.prepare_environment(*arguments)
    return environment.done


def test_nothing_is_installed_again_until_something_changes(environment, tmp_path):
    assert steps(environment) == ["make", "."]
    assert steps(environment) == []
    assert steps(environment, "test") == [".[test]"]
    assert steps(environment) == steps(environment, "test") == []
    (tmp_path / "setup.cfg").write_text("two", encoding="utf-8")
    assert steps(environment) == ["make", "."]
    assert steps(environment, "", "another") == ["make", "."]


@pytest.mark.parametrize("extras", ["", "test"])
def test_what_was_interrupted_begins_anew(environment, extras, monkeypatch):
    def interrupted(what):
        raise KeyboardInterrupt

    if extras:
        steps(environment)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(environment, "install", interrupted)
        environment.prepare_environment(extras)
    assert steps(environment) == ["make", "."]


def test_an_environment_that_is_in_use(environment, tmp_path, monkeypatch):
    monkeypatch.undo()
    (tmp_path / "used").mkdir()
    monkeypatch.setattr(environment, "ENVIRONMENT", tmp_path / "used")

    def fails(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(environment.shutil, "rmtree", fails)
    with pytest.raises(environment.SetupFault, match=r"used cannot be removed \(Permission denied\): end what still"):
        environment.make_environment("python3.13", "3.13.0")


@pytest.mark.parametrize(
    ("there", "taken"),
    [
        ({"python3.11": "3.11", "python3.13": "3.13"}, "python3.13"),
        ({"python3.15": "3.15", "python3": "3.15", "python": "3.12"}, "python"),
        ({"python3": "3.14", "python3.11": "3.11"}, "python3.11"),
    ],
)
def test_the_newest_python_that_starts(environment, monkeypatch, there, taken):
    monkeypatch.undo()
    monkeypatch.setattr(environment, "output_of", lambda c: f"{there[c[0]]}\n{c[0]}\nfull" if c[0] in there else None)
    assert environment.find_python("") == (taken, "full")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (None, "python9 does not start, is no 64-bit Python, or lacks venv: name another with --python"),
        ("3.15\n/p\nfull", "python9 is Python 3.15, but this project takes 3.11 to 3.14: name another with --python"),
        ("3.10\n/p\nfull", "python9 is Python 3.10, but this project takes 3.11 to 3.14: name another with --python"),
        ("words of a shim", "python9 does not start"),
    ],
)
def test_a_python_that_does_not_do_is_refused(environment, monkeypatch, told, message):
    monkeypatch.undo()
    monkeypatch.setattr(environment, "output_of", lambda command: told)
    with pytest.raises(environment.SetupFault, match=message):
        environment.find_python("python9")
    with pytest.raises(environment.SetupFault, match=r"there is no Python 3\.11 to 3\.14 with the module venv here"):
        environment.find_python("")


def test_the_bounds_are_those_of_setup_cfg(environment):
    text = (SCRIPTS.parent / "setup.cfg").read_text(encoding="utf-8")
    lowest, highest = environment.VERSIONS[-1][1], environment.VERSIONS[0][1]
    assert f"python_requires = >=3.{lowest}, <3.{highest + 1}\n" in text
    assert f"3.{lowest} to 3.{highest}" == environment.RANGE


def test_an_interpreter_tells_of_itself(environment, monkeypatch):
    monkeypatch.undo()
    version, path, full = environment.describe([sys.executable])
    assert version == sys.version_info[:2]
    assert path == sys._base_executable  # never that of an environment
    assert full == " ".join(sys.version.splitlines())


def test_on_windows(environment, monkeypatch):
    monkeypatch.setattr(environment.os, "name", "nt")
    assert environment.candidates()[:2] == [["py", "-3.14"], ["py", "-3.13"]]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("Downloading jax-0.10.2-py3-none-any.whl (3.1 MB)", "downloading jax 0.10.2 (3.1 MB)"),
        ("Downloading https://host/a/numpy-2.4.0-cp311-win_amd64.whl (12 MB)", "downloading numpy 2.4.0 (12 MB)"),
        ("Using cached absl_py-2.4.0-py3-none-any.whl (135 kB)", "found absl_py 2.4.0 (135 kB)"),
        ("Using cached six-1.17.0-py3-none-any.whl (from study-classification==0.1.0)", "found six 1.17.0"),
        (r"Processing c:\wheels\six-1.17.0-py3-none-any.whl", "found six 1.17.0"),
        ("Downloading jax-0.10.2-py3-none-any.whl.metadata (13 kB)", ""),
        ("Collecting jax", ""),
    ],
)
def test_a_line_for_each_package(environment, line, shown):
    assert environment.line_to_show(line) == shown


@pytest.mark.parametrize("script", ["quickstart.py", "test.py"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--python", "nowhere"], "error: nowhere does not start, is no 64-bit Python, or lacks venv: "),
        (["--python"], "error: --python needs a value: "),
        (["--pyton=x"], "error: there is no --pyton=x: the only option is --python PYTHON"),
    ],
)
def test_mistakes_are_one_sentence(script, arguments, message):
    done = subprocess.run([sys.executable, str(SCRIPTS / script), *arguments], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(message)
