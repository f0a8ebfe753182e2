"""A study by the command line, with real trainings of a tiny perceptron on 90 digits."""

import csv
import json
import subprocess
import sys

import pytest

from study_classification import main
from study_classification.config import flatten, load_config
from study_classification.errors import ConfigError, RunError
from study_classification.runs.directory import load
from study_classification.studies import search
from study_classification.studies import tune as tuning
from study_classification.studies.tune import TRIALS, tune

pytestmark = pytest.mark.filterwarnings("ignore:the load_module.. method is deprecated:DeprecationWarning")

CONFIG = """
from study_classification.config import parse_arguments
from study_classification.configs import default
from study_classification.studies.grid import Sweep
from study_classification.studies.space import Choice, Range


def get_config(arguments=""):
    given = parse_arguments(arguments, epochs=2.0)
    config = default.get_config()
    config.data.source = {source!r}
    config.data.cache_dir = {cache!r}
    config.preprocess.image_size = 8
    config.preprocess.channels = 1
    config.model.name = "mlp"
    config.model.hidden, config.total_epochs = (8,), given.epochs
    return config


def search_space():
    return {{"optimizer.learning_rate": Range(1e-3, 1e-1, log=True), "model.hidden": Choice((4,), (8, 4))}}


def sweep():
    return Sweep({{"large": {{"model.hidden": (8,)}}, "dropout": {{"model.dropout": 0.5}}}}, seeds=(3,))
"""


@pytest.fixture
def file(digits, cache, tmp_path, monkeypatch):
    """A config file with a search space and a sweep, in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("excepthook", "unraisablehook"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    path = tmp_path / "tiny.py"
    path.write_text(CONFIG.format(source=str(digits), cache=str(cache)))
    return path


@pytest.fixture
def verb(monkeypatch, capfd):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["study-classification", "tune", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main.run()
        return left.value.code or 0, *capfd.readouterr()

    return run


def test_two_processes_search_together_and_the_best_is_a_config(file, verb, tmp_path):
    arguments = [f"--config={file}:epochs=1", "--study=s", "--trials=3", "--config.batch_size=16"]
    other = subprocess.Popen(
        [sys.executable, "-m", "study_classification.main", "tune", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    code, out, error = verb(*arguments)
    assert code == 0, error
    said, _ = other.communicate(timeout=120)
    assert other.returncode == 0, said
    assert sorted(path.name for path in (tmp_path / "s" / "trials").iterdir()) == ["0", "1", "2"]
    for number in range(3):  # each of them was trained by one of both, and no word of the training is on the terminal
        assert (out + said).count(f"Trial {number}: ") == 1
        assert (tmp_path / "s" / "trials" / str(number) / "log.txt").read_text().count("Trained for 1 epoch\n") == 1
    assert "epoch 1/1" not in out + said

    code, out, error = verb(*arguments)
    assert (code, error) == (0, "") and "Trial 0: " not in out
    assert "Trials: 3 complete; all of them are in s/trials.csv" in out
    with (tmp_path / "s" / "trials.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    values = [float(row["val_accuracy"]) for row in rows]
    assert values == sorted(values, reverse=True) and len(values) == 3
    best = load_config("s/best.py")
    assert flatten(best) == flatten(load(tmp_path / "s" / "trials" / rows[0]["trial"]).config)
    assert (best.total_epochs, best.batch_size) == (1, 16)
    assert not list(tmp_path.glob("s/trials/*/report.json"))  # the test split has not been opened


def test_a_sweep_by_the_same_config(file, verb, tmp_path):
    code, out, error = verb(f"--config={file}", "--study=s", "--sweep")
    assert code == 0, error
    assert (tmp_path / "s" / "trials" / "large-seed3" / "history.csv").exists()
    assert json.loads((tmp_path / "s" / "outcomes" / "large-seed3.json").read_text())["state"] == "complete"
    assert "Runs: 2 complete; val_accuracy of each setting over its seeds, the best mean first:" in out
    code, _, error = verb(f"--config={file}", "--study=s")
    assert (code, error) == (4, "error: s holds a sweep, not a search: give another --study\n")


def test_mistakes_are_said_before_anything_is_made(file, tmp_path):
    config = load_config(str(file))
    (tmp_path / "plain.py").write_text(
        file.read_text().replace("def search_space", "def s").replace("def sweep", "def t")
    )
    with pytest.raises(
        ConfigError, match=r"plain.py says nothing of what to try: define search_space\(\) or sweep\(\)"
    ):
        tune(config, "plain.py", tmp_path / "s")
    with pytest.raises(ConfigError, match=r"--trials belongs to search_space\(\): sweep\(\) trains all that it names"):
        tune(config, str(file), tmp_path / "s", trials=3, sweep=True)
    with pytest.raises(ConfigError, match="monitor is 'val_f1', which this task does not measure"):
        config.monitor = "val_f1"
        tune(config, str(file), tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_what_a_study_is_asked_for_reaches_who_does_it(file, tmp_path, monkeypatch):
    config, asked = load_config(str(file)), []
    config.seed = 7
    monkeypatch.setattr(tuning, "train_sweep", lambda *given: ([], []))
    monkeypatch.setattr(tuning, "leave_sweep", lambda study, done, along: asked.append((study.monitor, along)))
    (tmp_path / "along.py").write_text(
        file.read_text() + "from study_classification.studies.grid import along\n"
        "def sweep():\n    return along('data.per_class', [5, 9], {'a': {}})\n"
    )
    tune(config, "along.py", tmp_path / "s", sweep=True)
    tune(config, "along.py", tmp_path / "s", sweep=True)  # the monitor of the first call is found again
    assert asked == [("val_accuracy", "data.per_class")] * 2
    monkeypatch.setattr(search, "importances", lambda journal, seed: asked.append(seed))
    monkeypatch.setattr(tuning, "leave_search", lambda *given: None)
    monkeypatch.setattr(search, "search", lambda *given: asked.append(given[4]) or [])
    tune(config, str(file), tmp_path / "t", trials=3)
    tune(config, str(file), tmp_path / "t")
    assert asked[2:] == [3, 7, TRIALS, 7]


def test_a_damaged_study_is_said(file, tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "study.json").write_text("{")
    with pytest.raises(RunError, match=r"study.json cannot be read"):
        tune(load_config(str(file)), str(file), tmp_path / "s")


def test_a_path_means_the_same_in_every_directory(file, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "train_sweep", lambda *given: ([], []))
    monkeypatch.setattr(tuning, "leave_sweep", lambda *given: None)
    config = load_config(str(file))
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        (folder / "pictures").symlink_to(config.data.source)
    config.data.source = "pictures"
    monkeypatch.chdir(here)
    tune(config, str(file), tmp_path / "s", sweep=True)
    monkeypatch.chdir(there)
    with pytest.raises(RunError, match=f"holds a study with data.source={here}/pictures, not {there}/pictures"):
        tune(config, str(file), tmp_path / "s", sweep=True)
    config.data.source = str(here / "pictures")
    tune(config, str(file), tmp_path / "s", sweep=True)
