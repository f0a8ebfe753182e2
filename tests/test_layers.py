"""The rules of the house, read off the source: who may import whom, and who alone may do what."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "study_classification"
FLOORS = (
    ("errors", "language", "streams", "trees"),
    ("paths",),
    ("config", "config_effects", "config_rules", "system", "models", "inputs"),
    ("data", "optim", "tasks", "runs"),
    ("pretrained", "reports"),
    ("pages",),
    ("training", "inference"),
    ("studies",),
    ("commands",),
    ("main",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(path for path in PACKAGE.rglob("*") if path.is_dir() and path.name != "__pycache__")


def room_of(file):
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def imports_of(file):
    """The rooms of this package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "study_classification":
            names = node.module.split(".")[1:2] or [alias.name for alias in node.names]
            yield from names


def test_every_room_has_a_floor():
    assert {room_of(file) for file in FILES} == set(FLOOR) | {"__init__"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_down(file):
    room = room_of(file)
    if room == "__init__":
        return
    for imported in set(imports_of(file)) - {room}:
        if imported == "configs":
            assert room in ("config", "commands", "main"), f"{room} reads the installed configs"
        elif not {room, imported} <= {"config", "config_effects", "config_rules"}:
            assert FLOOR[imported] < FLOOR[room], f"{room} imports {imported}, which does not lie below it"


def files_imported_by(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("study_classification"):
            place = PACKAGE.parent.joinpath(*node.module.split("."))
            for found in (place.with_suffix(".py"), *(place / f"{alias.name}.py" for alias in node.names)):
                if found in FILES:
                    yield found


def test_no_file_imports_itself_by_way_of_others():
    above = []

    def visit(file):
        assert file not in above, " -> ".join(each.name for each in [*above[above.index(file) :], file])
        if file not in done:
            above.append(file)
            for imported in files_imported_by(file):
                visit(imported)
            done.add(above.pop())

    done = set()
    for file in FILES:
        visit(file)


def sources_with(pattern):
    return {room_of(file) for file in FILES if re.search(pattern, file.read_text(encoding="utf-8"))}


def test_who_alone_does_what():
    assert sources_with(r"\babsl import .*flags|config_flags|\bargparse\b") <= {"commands", "main"}
    hosts = {file.name for file in FILES if re.search(r"process_(index|count)\(", file.read_text(encoding="utf-8"))}
    assert hosts <= {"hosts.py"}
    assert sources_with(
        r"\"(classes|preprocess|report|environment|calibration)\.json\"|\"history\.csv\"|\"curves\.png\""
    ) <= {
        "runs",
        "paths",  # by two of them a run directory is known
    }
    assert sources_with(r"\"data_report\.json\"|\"splits\.csv\"") <= {"runs", "data"}  # of prepared data, too


@pytest.mark.parametrize("room", ["models", "inputs", "optim", "tasks"])
def test_these_rooms_see_no_whole_config(room):
    for file in (PACKAGE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                whole = isinstance(node.value.value, ast.Name) and node.value.value.id == "config"
                assert not whole, f"{file.name} reads config.{node.value.attr}.{node.attr}"


@pytest.mark.parametrize("folder", ROOMS, ids=lambda folder: str(folder.relative_to(PACKAGE)))
def test_each_folder_is_mapped(folder):
    """The docstring of __init__.py has a line `name   what` for each file and folder in it."""
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    mapped = set(re.findall(r"^([a-z_0-9]+)(?:\.py|/)  ", docstring, re.MULTILINE))
    inside = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path.is_dir() and path.name[0] != "_")}
    assert mapped == inside - {"__init__"}


def test_one_way_to_the_standard_streams():
    """Whoever writes past console.py can be stopped by a closed pipe, an absent stream, or a letter."""
    for file in set(FILES) - {PACKAGE / "system" / "console.py"}:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            prints = isinstance(node, ast.Name) and node.id == "print"
            writes = isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr", "__stdout__", "__stderr__")
            assert not prints and not writes, f"{file.name}, line {node.lineno}"


def test_no_function_is_too_long_to_read():
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, f"{file.name}: {node.name}"
