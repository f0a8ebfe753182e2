"""The docs name tests that exist; the examples of docs/python.md and docs/own_network.md are run as they stand."""

import ast
import importlib.util
import json
import re
import shlex
import shutil
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import study_classification as sc
from study_classification import main
from study_classification.commands import VERBS

pytestmark = pytest.mark.filterwarnings("ignore:the load_module.. method is deprecated:DeprecationWarning")
ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"


def blocks(page, language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def test_every_test_that_a_page_names_exists():
    for page in (ROOT / "README.md", *DOCS.rglob("*.md")):
        for file, name in re.findall(r"\b(tests/[\w/]+\.py)(?:::(\w+))?", page.read_text(encoding="utf-8")):
            assert (ROOT / file).exists(), f"{page.name}: {file}"
            assert f"def {name}" in (ROOT / file).read_text(encoding="utf-8"), f"{page.name}: {file}::{name}"


def test_every_link_within_the_project_leads_somewhere():
    pages = [ROOT / "README.md", *DOCS.rglob("*.md"), *ROOT.glob("scripts/*/README.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert "://" in link or (page.parent / link).exists(), f"{page.relative_to(ROOT)}: {link}"


def rows_of(page, heading):
    """The cells of the table below a heading, but for its first row."""
    section = (DOCS / page).read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def test_the_page_of_commands_has_every_verb_flag_and_argument():
    assert {re.findall(r"`(\w+)`", row[0])[0] for row in rows_of("commands.md", "Verbs")} == set(VERBS)
    verbs = defaultdict(set)
    for flags, owners, *_ in rows_of("commands.md", "Flags"):
        for flag in re.findall(r"`--(\w+)`", flags):
            verbs[flag] |= set(re.findall(r"`(\w+)`", owners))
    taken = defaultdict(set)
    for verb in VERBS.values():
        for flag in verb.flags:
            taken[flag.name].add(verb.name)
    assert taken.pop("lang") == set(VERBS)  # a paragraph below the table has it
    assert verbs == taken
    for config, _, arguments in rows_of("commands.md", "Configs")[:-1]:
        tree = ast.parse((ROOT / config.strip("`")).read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        (call,) = [call for call in calls if getattr(call.func, "id", "") == "parse_arguments"]
        assert re.findall(r"`(\w+)=?`", arguments) == [keyword.arg for keyword in call.keywords], config


@pytest.mark.parametrize(
    ("html", "count"),
    [
        ('<a href="https://a.org"><img src="data:image/png;base64,"><script src="_static/a.js"></script>', 0),
        ('<script async src="https://cdn.org/a.js"></script><img alt="" src=//b.org/c.png>', 2),
        ('<link rel="stylesheet" href="https://fonts.org/a.css"><style>@import "http://b.org/c.css"</style>', 2),
    ],
)
def test_a_page_that_would_ask_another_host_is_found(tmp_path, html, count):
    spec = importlib.util.spec_from_file_location("no_requests", DOCS / "site" / "no_requests.py")
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    no_requests = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(no_requests)
    assert len(no_requests.find_requests(tmp_path)) == count


@pytest.fixture
def here(tmp_path, cache, monkeypatch):
    """An empty working directory, with the cache of all tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return tmp_path


def test_python(here):
    names = {}
    for number, block in enumerate(blocks("python.md", "python")):
        exec(compile(block, f"python.md, block {number}", "exec"), names)
    assert names["same"] == names["also"] and names["same"].label == "0"
    assert names["labels"] == [prediction.label for prediction in names["predictions"][:8]]
    assert names["probabilities"].shape == (100, 10) and names["features"].shape == (100, 128)
    assert json.loads((here / "runs/digits/report.json").read_text()) == {"validation": names["validation"]}
    assert str(names["classifier"].evaluate(split="validation")) == str(names["validation"])


def run_line(line, capsys):
    """Runs a command in this process; gives its exit code, stdout and stderr."""
    program, *arguments = shlex.split(line)
    assert program == "study-classification"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [program, *arguments])
        for name in ("excepthook", "unraisablehook"):
            patch.setattr(sys, name, getattr(sys, name))
        with pytest.raises(SystemExit) as left:
            main.run()
    return left.value.code or 0, *capsys.readouterr()


def test_own_network(here, capsys):
    """All verbs find the network in the run directory, when the original is gone and the run has moved."""
    (source,) = blocks("own_network.md", "python")
    train, *others = blocks("own_network.md", "sh")[0].splitlines()
    (here / "my_network.py").write_text(source)
    Image.fromarray((load_digits().images[0] * 255 / 16).astype(np.uint8)).save("zero.png")
    code, _, error = run_line(train, capsys)
    assert code == 0, error
    assert (here / "runs/own/network.py").read_text() == source
    recorded = json.loads((here / "runs/own/config.json").read_text())["model"]["name"]
    assert recorded == f"{here / 'my_network.py'}:MyNetwork"
    (here / "my_network.py").unlink()
    shutil.move("runs", "elsewhere")
    for line, expected in zip(others, ("MyNetwork", "accuracy", "zero.png"), strict=True):
        code, out, error = run_line(line.replace("runs/own", "elsewhere/own"), capsys)
        assert code == 0 and expected in out, error
    resume = train.replace("runs/own", "elsewhere/own").replace("total_epochs=1", "total_epochs=2")
    code, out, error = run_line(resume, capsys)
    assert code == 0 and "Resuming elsewhere/own after step" in out, error
    assert json.loads((here / "elsewhere/own/config.json").read_text())["model"]["name"] == recorded
    assert sc.load("elsewhere/own").predict("zero.png").label in "0123456789"

    (here / "my_network.py").write_text(source.replace("width: int = 16", "width: int = 8"))
    code, _, error = run_line(resume, capsys)
    assert code == 4 and "my_network.py has changed since elsewhere/own began" in error


def test_the_chapters_that_findings_name_exist():
    named = re.findall(r'"(\d\d_\w+)"', (ROOT / "study_classification/reports/diagnosis.py").read_text("utf-8"))
    assert len(named) > 5
    for language in ("en", "ja"):
        assert set(named) <= {page.stem for page in (DOCS / "course" / language).glob("*.md")}


def test_the_notebook_runs_from_top_to_bottom(here, drawn, monkeypatch):
    """With a network that is trained in a moment; the build of the site runs it as it stands."""
    get_config = sc.get_config
    small = "learning=from_scratch,model=original,size=16"
    monkeypatch.setattr(sc, "get_config", lambda text: get_config(f"{text.replace('epochs=5', 'epochs=1')},{small}"))
    names = {}
    for cell in json.loads((DOCS / "own_photos.ipynb").read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert names["measured"]["examples"] == len(list((here / "photos").rglob("*.png"))) // 10
    assert len(names["rows"]) == 4 and names["prediction"].label in ("3", "5", "8")
