"""What Windows and macOS lack is used behind a guard alone, and text has an encoding: read off the source and tried."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = [*sorted((ROOT / "study_classification").rglob("*.py")), *sorted((ROOT / "scripts").rglob("*.py"))]


def _words(text):
    return set(text.split())


LACKING = {
    "os": _words(
        "fork forkpty sched_getaffinity sched_setaffinity uname getuid geteuid getgid getegid nice posix_fallocate "
        "killpg setsid getpgid getpgrp statvfs fstatvfs mkfifo mknod getloadavg sysconf chown fchown lchown fchmod "
        "symlink wait3 wait4 waitid pipe2 sync fdatasync preadv pwritev O_NONBLOCK O_DIRECTORY O_NOFOLLOW O_CLOEXEC "
        "memfd_create sendfile WNOHANG"
    ),
    "signal": _words(
        "SIGUSR1 SIGUSR2 SIGHUP SIGKILL SIGQUIT SIGALRM SIGCHLD SIGPIPE SIGSTOP SIGCONT SIGBUS alarm setitimer pause "
        "pthread_sigmask pthread_kill sigwait siginterrupt"
    ),
    "socket": {"AF_UNIX"},
    "time": {"tzset"},
}
MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix", "crypt", "spwd", "nis"}
GUARDS = ("hasattr(", "getattr(", "sys.platform", "os.name", "ImportError", "AttributeError")


def tree_of(file):
    """The tree of a source, in which each node knows its parent."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node
    return tree


def guarded(node):
    """Whether a condition or a `try` around the node asks what there is."""
    while node := getattr(node, "parent", None):
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            asked = ast.unparse(node.test)
        elif isinstance(node, ast.BoolOp):
            asked = ast.unparse(node)
        elif isinstance(node, ast.Try):
            asked = " ".join(ast.unparse(handler.type) for handler in node.handlers if handler.type)
        else:
            continue
        if any(guard in asked for guard in GUARDS):
            return True
    return False


def lacking(tree):
    """The lines that use what another system has not, without a guard."""
    for node in ast.walk(tree):
        found = False
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found = node.attr in LACKING.get(node.value.id, ())
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            found = node.module in MODULES or bool(names & LACKING.get(node.module, set()))
        elif isinstance(node, ast.Import):
            found = bool({alias.name for alias in node.names} & MODULES)
        if found and not guarded(node):
            yield node.lineno


def vague(tree):
    """The lines that open text without saying its encoding, or in a file with CSV, what ends a line."""
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        keywords = {keyword.arg for keyword in node.keywords}
        if name in ("read_text", "write_text"):
            # our own write_text(file, text) writes UTF-8
            paths_of_others = name == "read_text" and node.args
            if isinstance(node.func, ast.Attribute) and "encoding" not in keywords and not paths_of_others:
                yield node.lineno
        elif name in ("open", "fdopen", "NamedTemporaryFile") and is_text(node, name):
            ends_of_lines = "newline" in keywords or "csv" not in imported or "devnull" in ast.unparse(node)
            if "encoding" not in keywords or not ends_of_lines:
                yield node.lineno


def is_text(node, name):
    """Whether this call opens text: its mode has no `b`, and it is a call to open a file at all."""
    owner = getattr(node.func, "value", None)
    if isinstance(owner, ast.Name) and owner.id in ("os", "Image", "zipfile", "h5py", "webbrowser") and name == "open":
        return False
    modes = [keyword.value for keyword in node.keywords if keyword.arg == "mode"]
    place = 0 if owner is not None and name == "open" else 1  # file.open(mode), or open(file, mode)
    modes += node.args[place : place + 1]
    return not any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in modes)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_what_a_system_lacks_is_asked_for_first(file):
    tree = tree_of(file)
    if file.parent.name != "faults":  # which kills and mounts, and so needs Linux
        assert not list(lacking(tree)), "used without a guard in these lines"
    assert not list(vague(tree)), "text without encoding= (with csv, newline=) in these lines"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os\nos.fork()", [2]),
        ("import fcntl", [1]),
        ("try:\n    import fcntl\nexcept ImportError:\n    pass", []),
        ("import os\nx = os.nice(1) if hasattr(os, 'nice') else 0", []),
        ("import signal\nif signal.SIGHUP:\n    pass", [2]),
        ("from signal import SIGKILL", [1]),
    ],
)
def test_the_search_itself(source, found, tmp_path):
    (tmp_path / "source.py").write_text(source, encoding="utf-8")
    assert list(lacking(tree_of(tmp_path / "source.py"))) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("open(x)", [1]),
        ("x.open('w')", [1]),
        ("open(x, 'rb')\nx.open('wb')\nx.open(mode='rb')", []),
        ("open(x, encoding='utf-8')", []),
        ("import csv\nopen(x, encoding='utf-8')", [2]),
        ("import csv\nopen(x, encoding='utf-8', newline='')", []),
        ("x.read_text()", [1]),
    ],
)
def test_the_search_for_vague_text(source, found, tmp_path):
    (tmp_path / "source.py").write_text(source, encoding="utf-8")
    assert list(vague(tree_of(tmp_path / "source.py"))) == found


def test_few_places_rename():
    """Windows renames nothing onto what is there, so these alone rename, and know what to do then."""
    for file in [file for file in FILES if file.parent.name != "faults"]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("rename", "renames"):
                assert file.name in ("files.py", "entries.py", "checkpoint.py"), f"{file.name}, line {node.lineno}"


WINDOWS = """
import importlib, os, pkgutil, shutil, signal, sys, tempfile
import study_classification
import tensorflow_datasets as tfds
from tests_of_portability import LACKING, MODULES

def import_all():
    for module in pkgutil.walk_packages(study_classification.__path__, "study_classification."):
        importlib.import_module(module.name)

import_all()  # and all other packages, as they are on this machine
for name in [name for name in sys.modules if name.startswith("study_classification.")]:
    del sys.modules[name]
for module in (os, signal):
    for name in LACKING[module.__name__] - {"waitid", "WNOHANG"}:  # subprocess needs these
        if hasattr(module, name):
            delattr(module, name)
for name in MODULES:
    sys.modules[name] = None  # importing it fails
sys.platform = "win32"
shutil._use_fd_functions = False  # as on Windows, where rmtree has no such functions
with tfds.core.registered.skip_registration():
    import_all()

from pathlib import Path
from study_classification.system import console, devices, files, signals, threads

console.complete_streams()
console.say("said")
devices._keep_freed_memory()
assert threads.num_workers(0) >= 1
with signals.requested_stop() as asked:
    assert asked(0) == 0
with tempfile.TemporaryDirectory() as folder:
    files.write_json(Path(folder, "x.json"), {"x": 1})
    files.write_json(Path(folder, "x.json"), {"x": 2})
    assert '2' in Path(folder, "x.json").read_text(encoding="utf-8")
"""


def test_where_windows_lacks_something(tmp_path):
    (tmp_path / "tests_of_portability.py").write_text(f"LACKING = {LACKING}\nMODULES = {MODULES}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WINDOWS], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, "said\n"), done.stderr
