import json
import os
import shutil

import numpy as np
import pytest

from study_classification.config import flatten
from study_classification.errors import RunError
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.models import create_model
from study_classification.runs import directory as run_directory
from study_classification.runs import own_data
from study_classification.runs.checkpoints import open_checkpoints
from study_classification.runs.directory import Run


@pytest.fixture
def run(config, tmp_path):
    return Run(tmp_path, config, ("a", "猫"), Preprocess.from_config(config.preprocess))


def test_round_trip(run):
    run_directory.begin(run, "key", {}, "")
    loaded = run_directory.load(run.workdir)
    assert flatten(loaded.config) == flatten(run.config)
    assert (loaded.class_names, loaded.preprocess) == (run.class_names, run.preprocess)


def test_what_does_not_change_the_result_may_change(run):
    run_directory.begin(run, "key", {}, "")
    run.config.total_epochs, run.config.data.mode, run.config.checkpoint_every_epochs = 9.0, "streaming", 2.0
    run_directory.begin(run, "key", {}, "")
    assert run_directory.load(run.workdir).config.total_epochs == 9.0
    run.config.seed = 3
    with pytest.raises(RunError, match="seed=0, not 3"):
        run_directory.begin(run, "key", {}, "")


def test_nothing_else_may_change(run):
    """Whoever adds a field has to decide; what is not decided is refused."""
    old = flatten(run.config)

    def is_free(field):
        try:
            run_directory._require_same_settings(run.workdir, old, old | {field: "another"}, ())
        except RunError as error:
            assert f"holds a run with {field}={old[field]}, not another: " in str(error)
            return False
        return True

    assert {field for field in old if is_free(field)} == {
        *("total_epochs", "total_steps", "total_examples", "time_budget", "log_every_steps"),
        *("early_stopping.patience", "early_stopping.min_delta", "convergence.epochs", "convergence.tolerance"),
        *("checkpoint_every_epochs", "checkpoint_every_steps", "checkpoint_every_examples"),
        *("data.source", "data.splits", "data.cache_dir", "data.mode", "data.workers"),
        *("log.tensorboard", "log.wandb", "log.mlflow"),
    }


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("split_seed", 1, r"data\.split_seed=0, not 1"),
        ("split_ratio", (7, 2, 1), r"data\.split_ratio=\(8, 1, 1\), not \(7, 2, 1\)"),
        ("sampling", "balanced", r"data\.sampling=, not balanced"),
    ],
)
def test_a_run_is_not_resumed_with_examples_chosen_otherwise(run, field, value, message):
    run_directory.begin(run, "key", {}, "")
    run.config.data[field] = value
    with pytest.raises(RunError, match=message):
        run_directory.begin(run, "key", {}, "")


def test_a_run_goes_on_where_its_data_have_moved(run):
    run_directory.begin(run, "key", {}, "")
    assert not own_data.same_data(run.workdir, "another", "")  # no splits are known of either
    run.config.data.source = "/elsewhere"
    run_directory.begin(run, "key", {}, "")
    assert run_directory.load(run.workdir).config.data.source == "/elsewhere"


def test_a_refused_resume_names_every_difference_and_first_what_was_typed(run):
    run_directory.begin(run, "key", {}, "")
    run.config.update_from_flattened_dict({"batch_size": 8, "model.dropout": 0.2, "optimizer.name": "sgd", "seed": 3})
    run.config.total_epochs = 9.0
    with pytest.raises(RunError) as raised:
        run_directory.begin(run, "key", {}, "", typed=("total_epochs", "seed", "optimizer.name"))
    assert (
        "a run with optimizer.name=adam, not sgd; seed=0, not 3; batch_size=16, not 8; model.dropout=0.1, not 0.2: "
        in str(raised.value)
    )
    assert f"train --workdir={run.workdir} alone" in str(raised.value)
    assert run_directory.load(run.workdir).config.seed == 0


def test_other_settings_are_named_before_other_data(run):
    run_directory.begin(run, "key", {}, "")
    run.config.batch_size = 8
    with pytest.raises(RunError, match="batch_size=16, not 8"):
        run_directory.begin(run, "other data", {}, "")


def test_what_follows_from_other_weights_is_not_named(run):
    run_directory.begin(run, "key", {}, "")
    run.config.model.weights, run.config.model.origin = "other", "timm"
    with pytest.raises(RunError, match=r"holds a run with model\.weights=, not other: "):
        run_directory.begin(run, "key", {}, "")
    with pytest.raises(RunError, match=r"model\.origin=, not timm; model\.weights=, not other: "):
        run_directory.begin(run, "key", {}, "", typed=["model.origin"])
    run.config.model.weights = ""
    with pytest.raises(RunError, match=r"model\.origin=, not timm: "):
        run_directory.begin(run, "key", {}, "")


def test_other_classes_are_refused(run):
    run_directory.begin(run, "key", {}, "")
    with pytest.raises(RunError, match="with the classes a, 猫, not a, b"):
        run_directory.begin(Run(run.workdir, run.config, ("a", "b"), run.preprocess), "key", {}, "")
    with pytest.raises(RunError, match="with the classes a, 猫, not 猫, a"):  # labels are places in this order
        run_directory.begin(Run(run.workdir, run.config, ("猫", "a"), run.preprocess), "key", {}, "")


@pytest.mark.parametrize(
    "content", ["", "null", "{}", "[]", "[1]", "0", '"x"', "{", "\0", '{"seed": 0}', "[" * 100_000]
)
@pytest.mark.parametrize("name", ["config.json", "classes.json", "preprocess.json", "data_report.json"])
def test_a_damaged_file_is_named(run, name, content):
    run_directory.begin(run, "key", {}, "")
    (run.workdir / name).write_text(content)
    with pytest.raises(RunError, match=rf"{name}.*(train again|preprocess\.json is damaged)"):
        run_directory.load(run.workdir)
        own_data.same_data(run.workdir, "key", "")


@pytest.mark.parametrize("content", [b"\0\0", b"epoch,step\nx,1\n", b"x" * 9, b"\xff", b'epoch,step\n"1,2\n'])
def test_a_damaged_history_is_no_run_without_epochs(tmp_path, content):
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(RunError, match=r"history\.csv is damaged, "):
        run_directory.read_history(tmp_path)


@pytest.mark.parametrize("changes", [{"seed": "x"}, {"data": None}, {"batch_size": -1}, {"learning": "by_heart"}])
def test_a_damaged_field_is_named(run, changes):
    run_directory.begin(run, "key", {}, "")
    file = run.workdir / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(RunError, match=r"config\.json (is damaged, |has no data\.[a-z_]+, so an earlier version)"):
        run_directory.load(run.workdir)


def test_a_run_of_an_earlier_version_is_called_so(run):
    run_directory.begin(run, "key", {}, "")
    file = run.workdir / "config.json"
    content = json.loads(file.read_text())
    del content["optimizer"]["sam_rho"]
    file.write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"has no optimizer\.sam_rho, so an earlier version of this program has written"):
        run_directory.load(run.workdir)


def test_data_are_the_same_by_key_or_by_the_split_of_every_image(run):
    table = "name,label,split,pixels\na/1.png,a,train,abc\n"
    run_directory.begin(run, "key", {}, table)
    assert own_data.same_data(run.workdir, "key", "")
    assert own_data.same_data(run.workdir, "another", table)
    assert not own_data.same_data(run.workdir, "another", table.replace("train", "test"))
    assert not own_data.same_data(run.workdir, "another", "")
    assert own_data.splits_of_pixels(run.workdir) == {"abc": "train"}


@pytest.mark.parametrize("content", [b"\xff", bytes(40), b"", b"name,label,split,pixels\na/1.png,a,train,abd\n"])
def test_a_damaged_table_of_splits_is_named(run, content):
    run_directory.begin(run, "key", {}, "name,label,split,pixels\na/1.png,a,train,abc\n\udcff")
    assert own_data.splits_of_pixels(run.workdir) == {"abc": "train"}
    (run.workdir / "splits.csv").write_bytes(content)
    with pytest.raises(RunError, match=r"splits\.csv"):
        own_data.splits_of_pixels(run.workdir)


def test_files_of_the_training_that_are_gone(run, tmp_path):
    """Given weights and splits are not needed to resume, and are in config.json where they were."""
    for name in ("w.pth", "s.csv"):
        (tmp_path / name).write_text("")
    run.config.learning = "transfer_learning"
    run.config.model.weights, run.config.data.splits = str(tmp_path / "w.pth"), str(tmp_path / "s.csv")
    run.config.data.cache_dir = str(tmp_path / "gone")
    run_directory.begin(run, "key", {}, "")
    assert run_directory.with_kept_files(run.config, tmp_path) == run.config
    loaded = run_directory.load(tmp_path)
    assert loaded.config.data.cache_dir == ""  # that of the user
    for name in ("w.pth", "s.csv"):
        (tmp_path / name).unlink()
    assert run_directory.with_kept_files(loaded.config, tmp_path).model.weights == str(tmp_path / "w.pth")
    with open_checkpoints(run_directory.checkpoints_folder(tmp_path)) as checkpointer:
        checkpointer.save(1, {"model": {"a": np.zeros(2)}}, {}, best=True)
    kept = run_directory.with_kept_files(loaded.config, tmp_path)
    assert (kept.model.weights, kept.data.splits) == (str(tmp_path), str(tmp_path / "splits.csv"))
    run_directory.begin(Run(tmp_path, kept, run.class_names, run.preprocess), "key", {}, "")
    written = run_directory.load(tmp_path).config
    assert (written.model.weights, written.data.splits) == (str(tmp_path / "w.pth"), str(tmp_path / "s.csv"))


@pytest.mark.parametrize(
    ("learning", "typed", "own"),
    [("transfer_learning", "", True), ("from_scratch", "", False), ("fine_tuning", "x", False)],
)
def test_published_weights_need_not_be_fetched_to_resume(run, tmp_path, learning, typed, own):
    run.config.learning, run.config.model.weights = "transfer_learning", "imagenet"
    run_directory.begin(run, "key", {}, "")
    with open_checkpoints(run_directory.checkpoints_folder(tmp_path)) as checkpointer:
        checkpointer.save(1, {"model": {"a": np.zeros(2)}}, {}, best=True)
    run.config.learning, run.config.model.weights = learning, typed
    assert run_directory.with_kept_files(run.config, tmp_path).model.weights == (str(tmp_path) if own else typed)


def test_paths_are_made_absolute_and_names_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.pth").write_text("")
    assert [run_directory.absolute(text) for text in ("w.pth", "imagenet", "")] == [
        str(tmp_path / "w.pth"),
        "imagenet",
        "",
    ]


def test_damaged_directories_are_named(run, tmp_path):
    with pytest.raises(RunError, match="does not exist"):
        run_directory.load(tmp_path / "absent")
    with pytest.raises(RunError, match=r"has no config\.json"):
        run_directory.load(tmp_path)
    run_directory.begin(run, "key", {}, "")
    (tmp_path / "classes.json").write_text("[")
    with pytest.raises(RunError, match=r"classes\.json cannot be read"):
        run_directory.load(tmp_path)
    (tmp_path / "classes.json").write_text(json.dumps(["a", "b"]))
    (tmp_path / "preprocess.json").write_text("{}")
    with pytest.raises(RunError, match=r"preprocess\.json"):
        run_directory.load(tmp_path)


@pytest.mark.parametrize("content", ["null", "3", "[" * 100000, "{}", '{"data": null}'])
@pytest.mark.parametrize("name", ["config.json", "classes.json", "preprocess.json"])
def test_json_of_another_kind_is_named(run, tmp_path, name, content):
    run_directory.begin(run, "key", {}, "")
    (tmp_path / name).write_text(content)
    with pytest.raises(RunError, match=name.replace(".", r"\.")):
        run_directory.load(tmp_path)


def test_a_name_of_any_bytes_comes_back_from_config_json(run):
    run.config.data.source = "d\udce4ta"
    run_directory.begin(run, "key", {}, "")
    assert run_directory.load(run.workdir).config.data.source == "d\udce4ta"


NET = "import flax.linen as nn\nclass Net(nn.Module):\n    def __call__(self, x, train):\n        return x\n"


@pytest.fixture
def own(run, tmp_path, monkeypatch):
    """A run of a network in net.py, named by a relative path, that has begun."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    run.config.model.name = "net.py:Net"
    workdir = tmp_path / "run"
    workdir.mkdir()
    assert run_directory.with_kept_files(run.config, workdir) is run.config
    own = Run(workdir, run.config, run.class_names, run.preprocess)
    run_directory.begin(own, "key", {}, "")
    return own


def test_a_network_of_the_users_own_is_kept_with_the_run(own, tmp_path):
    recorded = json.loads((own.workdir / "config.json").read_text())["model"]["name"]
    assert recorded == f"{tmp_path}/net.py:Net"
    (tmp_path / "net.py").unlink()
    moved = tmp_path / "elsewhere" / "run"
    shutil.copytree(own.workdir, moved)
    shutil.rmtree(own.workdir)
    assert run_directory.load(moved).config.model.name == f"{moved}/network.py:Net"
    resumed = run_directory.with_kept_files(own.config, moved)
    assert resumed.model.name == f"{moved}/network.py:Net" and own.config.model.name == "net.py:Net"
    for config in (own.config, resumed):
        run_directory.begin(Run(moved, config, own.class_names, own.preprocess), "key", {}, "")
        assert json.loads((moved / "config.json").read_text())["model"]["name"] == recorded
    (moved / "network.py").unlink()
    with pytest.raises(RunError, match=r"has no network\.py, the source of its network"):
        run_directory.load(moved)


def test_what_is_kept_is_what_was_run(own, tmp_path):
    create_model(own.config.model, 2)
    (tmp_path / "net.py").write_text(NET + "# edited while the data were read\n")
    again = tmp_path / "again"
    again.mkdir()
    run_directory.begin(Run(again, own.config, own.class_names, own.preprocess), "key", {}, "")
    assert (again / "network.py").read_text() == NET


def test_a_run_is_not_resumed_with_another_network(own, tmp_path):
    (tmp_path / "net.py").write_text(NET + "\n\nclass Other(Net):\n    pass\n")
    for change in (run_directory.with_kept_files, lambda config, workdir: run_directory.begin(own, "key", {}, "")):
        with pytest.raises(RunError, match=r"net\.py has changed since .*/run began: restore it from"):
            change(own.config, own.workdir)
    (tmp_path / "net.py").write_text(NET)
    for name in ("net.py:Other", "resnet18"):
        own.config.model.name = name
        with pytest.raises(RunError, match=r"holds a run with model\.name=.*network\.py:Net, not "):
            run_directory.begin(own, "key", {}, "")
    assert (own.workdir / "network.py").read_text() == NET


def test_a_new_directory_is_named_after_the_class_and_is_no_other_one(own, monkeypatch):
    monkeypatch.setattr(run_directory.time, "strftime", lambda form: "20260131-093015")
    names = [str(run_directory.new_workdir(own.config, "photos")) for _ in range(3)]
    base = "runs/photos-Net-20260131-093015"
    assert names == [base, f"{base}-2", f"{base}-3"]


def test_a_pipe_is_waited_for_by_nobody(run):
    run_directory.begin(run, "key", {}, "")
    for name, read in (("splits.csv", own_data.read_splits), ("history.csv", run_directory.read_history)):
        (run.workdir / name).unlink(missing_ok=True)
        os.mkfifo(run.workdir / name)
        with pytest.raises(RunError, match=f"{name}.*it is a pipe, not a file"):
            read(run.workdir)
