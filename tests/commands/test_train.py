import json

import pytest

from study_classification.commands import train
from study_classification.commands.verb import Given
from study_classification.errors import DataError, RunError
from study_classification.runs.directory import load
from study_classification.training import loop


@pytest.fixture
def trained(monkeypatch):
    """What train_and_evaluate is called with; nothing is trained."""
    calls = []
    monkeypatch.setattr(loop, "train_and_evaluate", lambda *arguments: calls.append(arguments))
    return calls


def test_a_workdir_alone_resumes_its_run(run, trained):
    assert train.run(Given({"workdir": str(run.workdir)})) == 0
    ((config, workdir, typed),) = trained
    assert config == load(run.workdir).config
    assert (workdir, typed) == (run.workdir, ())


def test_a_run_whose_data_have_moved_says_how_it_is_resumed(run, trained, tmp_path):
    gone, content = tmp_path / "gone", json.loads((run.workdir / "config.json").read_text())
    content["data"]["source"] = str(gone)
    (run.workdir / "config.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=rf"no longer lie at {gone}: .* the run with --config.data.source=PLACE"):
        train.run(Given({"workdir": str(run.workdir)}))
    assert not trained


def test_a_workdir_may_begin_with_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Given({"workdir": "~/runs/a"}).workdir == tmp_path / "runs" / "a"


def test_where_there_is_no_run_a_config_is_asked_for(tmp_path, trained):
    with pytest.raises(RunError, match=r"does not exist: give one .*, or --config=FILE\.py to begin a new one there"):
        train.run(Given({"workdir": str(tmp_path / "absent")}))
    assert not trained


def test_what_was_typed_reaches_the_training(config, tmp_path, trained, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train.run(Given({"workdir": "x"}, config=config, config_name="mine", typed=("seed",)))
    train.run(Given({"workdir": ""}, config=config, config_name="mine"))
    (_, first, typed), (_, second, _) = trained
    assert (str(first), typed) == ("x", ("seed",))
    assert second.name.startswith("mine-tiny-")
