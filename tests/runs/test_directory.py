import json

import pytest

from study_classification.config import flatten
from study_classification.errors import RunError
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.runs import directory as run_directory
from study_classification.runs.directory import Run


@pytest.fixture
def run(config, tmp_path):
    return Run(tmp_path, config, ("a", "猫"), Preprocess.from_config(config.preprocess))


def test_round_trip(run):
    run_directory.begin(run)
    loaded = run_directory.load(run.workdir)
    assert flatten(loaded.config) == flatten(run.config)
    assert (loaded.class_names, loaded.preprocess) == (run.class_names, run.preprocess)


def test_what_does_not_change_the_result_may_change(run):
    run_directory.begin(run)
    run.config.total_epochs, run.config.data.mode, run.config.checkpoint_every_epochs = 9.0, "streaming", 2.0
    run_directory.begin(run)
    assert run_directory.load(run.workdir).config.total_epochs == 9.0
    run.config.seed = 3
    with pytest.raises(RunError, match="seed=0, not 3"):
        run_directory.begin(run)


def test_a_refused_resume_names_every_difference_and_first_what_was_typed(run):
    run_directory.begin(run)
    run.config.update_from_flattened_dict({"batch_size": 8, "model.dropout": 0.2, "optimizer.name": "sgd", "seed": 3})
    run.config.total_epochs = 9.0
    with pytest.raises(RunError) as raised:
        run_directory.begin(run, typed=("total_epochs", "seed", "optimizer.name"))
    assert (
        "a run with optimizer.name=adam, not sgd; seed=0, not 3; batch_size=16, not 8; model.dropout=0.1, not 0.2: "
        in str(raised.value)
    )
    assert f"train --workdir={run.workdir} alone" in str(raised.value)
    assert run_directory.load(run.workdir).config.seed == 0


def test_what_follows_from_other_weights_is_not_named(run):
    run_directory.begin(run)
    run.config.model.weights, run.config.model.origin = "other", "timm"
    with pytest.raises(RunError, match=r"holds a run with model\.weights=, not other: "):
        run_directory.begin(run)
    with pytest.raises(RunError, match=r"model\.origin=, not timm; model\.weights=, not other: "):
        run_directory.begin(run, typed=["model.origin"])
    run.config.model.weights = ""
    with pytest.raises(RunError, match=r"model\.origin=, not timm: "):
        run_directory.begin(run)


def test_other_classes_are_refused(run):
    run_directory.begin(run)
    with pytest.raises(RunError, match="with the classes a, 猫, not a, b"):
        run_directory.begin(Run(run.workdir, run.config, ("a", "b"), run.preprocess))


def test_damaged_directories_are_named(run, tmp_path):
    with pytest.raises(RunError, match="does not exist"):
        run_directory.load(tmp_path / "absent")
    with pytest.raises(RunError, match=r"has no config\.json"):
        run_directory.load(tmp_path)
    run_directory.begin(run)
    (tmp_path / "classes.json").write_text("[")
    with pytest.raises(RunError, match=r"classes\.json cannot be read"):
        run_directory.load(tmp_path)
    (tmp_path / "classes.json").write_text(json.dumps(["a", "b"]))
    (tmp_path / "preprocess.json").write_text("{}")
    with pytest.raises(RunError, match=r"preprocess\.json"):
        run_directory.load(tmp_path)
