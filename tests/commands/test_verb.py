"""What a user gives to a verb reaches whoever does it: nothing is declared and then dropped."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from run_helpers import changed

from study_classification.commands import check, compare, evaluate, lr_find, predict, prepare, preview, report, tune
from study_classification.commands.verb import Given
from study_classification.configs import default
from study_classification.data import dataset, prune
from study_classification.data.prepare import cache_directory
from study_classification.errors import ConfigError
from study_classification.inference import evaluate as evaluation
from study_classification.inference import predict as prediction
from study_classification.inference import report as reports
from study_classification.runs import directory
from study_classification.studies import compare as comparison
from study_classification.studies import tune as tuning
from study_classification.training import lr_find as finder
from study_classification.training import preview as previews


@pytest.fixture
def handed(monkeypatch):
    """(module, name) -> the calls of this function, each with its arguments by position and by name."""

    def watch(module, name):
        calls = []
        monkeypatch.setattr(module, name, lambda *given, **named: calls.append((given, named)))
        return calls

    monkeypatch.setattr(directory, "load", lambda workdir: f"the run in {workdir}")
    return watch


def test_evaluate(handed):
    calls = handed(evaluation, "evaluate")
    named = {"split": "train", "checkpoint": "7", "tta": "flip", "assert_accuracy": 0.5, "worst": 3}
    assert evaluate.run(Given({"workdir": "x", "data": "photos", **named})) == 0
    assert calls == [(("the run in x",), {"source": "photos", **named})]


def test_predict(handed):
    calls = handed(prediction, "predict")
    named = {"checkpoint": "last", "tta": "flip", "top_k": 3, "threshold": 0.5, "calibrated": True}
    predict.run(Given({"workdir": "x", "format": "csv", "shard": "1/4", **named}, ("a.png",)))
    assert calls == [(("the run in x", ("a.png",)), {"output_format": "csv", "shard": (1, 4), **named})]


def test_report(handed):
    calls = handed(reports, "report")
    assert report.run(Given({"workdir": "x", "split": "test", "explain": True})) == 0
    assert calls == [(("the run in x", "test", True), {})]


def test_compare(handed):
    calls = handed(comparison, "compare")
    for out, folder in (("", None), ("y", Path("y"))):
        assert compare.run(Given({"out": out}, ("a", "b"))) == 0
        assert calls.pop() == ((("a", "b"), folder), {})


def test_preview(handed):
    config, calls = default.get_config(), handed(previews, "preview")
    for out, folder in (("", Path()), ("y", Path("y"))):
        assert preview.run(Given({"out": out}, config=config)) == 0
        assert calls.pop() == ((config, folder), {})


def test_lr_find(handed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, calls = default.get_config(), handed(finder, "find_learning_rate")
    assert lr_find.run(Given({"workdir": "y", "steps": 30}, config=config)) == 0
    assert calls == [((config, Path("y"), 30), {})]
    lr_find.run(Given({"workdir": "", "steps": 30}, config=config, config_name="mine"))
    assert calls[1][0][1].parent.name == "runs" and calls[1][0][1].name.startswith("lr_find-mine-")


def test_tune(handed):
    config, calls = default.get_config(), handed(tuning, "tune")
    assert tune.run(Given({"study": "s", "trials": 3, "sweep": True}, config=config, config_text="x.py:a=1")) == 0
    assert calls == [((config, "x.py:a=1", Path("s"), 3, True), {})]


def test_prepare(handed, monkeypatch, tmp_path):
    config, calls = default.get_config(), handed(prune, "prune")
    config.data.cache_dir = str(tmp_path)
    for days, meant in ((None, 30), (0.0, 0.0), (2.5, 2.5)):
        assert prepare.run(Given({"prune": True, "older_than": days}, config=config)) == 0
        assert calls.pop() == ((tmp_path, meant), {})
    with pytest.raises(ConfigError, match="--older_than belongs to --prune"):
        prepare.run(Given({"prune": False, "older_than": 2.5}, config=config))
    opened, described = [], SimpleNamespace(describe=lambda: "what is in it")
    monkeypatch.setattr(dataset, "open_dataset", lambda *given, **named: opened.append((given, named)) or described)
    config.task.name = "regression"
    assert prepare.run(Given({"prune": False, "older_than": None}, config=config)) == 0
    assert opened == [((config.data,), {"numbers": True})]


@pytest.mark.parametrize(
    "take",
    [
        lambda file: Given({"workdir": file}).workdir,
        lambda file: check.run(Given({"out": file}, ("photos",))),
        lambda file: preview.run(Given({"out": file}, config=default.get_config())),
        lambda file: compare.run(Given({"out": file}, ("runs",))),
        lambda file: tune.run(Given({"study": file, "trials": 1, "sweep": False}, config=default.get_config())),
        lambda file: cache_directory(changed(data__cache_dir=file).data),
    ],
)
def test_a_file_is_refused_where_a_folder_is_needed_before_any_work(tmp_path, take):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ConfigError, match=r"notes.txt' is a file, not a folder"):
        take(str(tmp_path / "notes.txt"))
