"""The whole loop on real digits with a tiny network: what is learnt, kept, resumed and refused."""

import csv
import inspect
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import flax.linen as nn
import jax
import numpy as np
import pytest
from run_helpers import assert_same_run, last_checkpoint, stop_and_resume, stop_at

from study_classification import load, models
from study_classification.configs import quickstart
from study_classification.data.order import TrainingOrder
from study_classification.errors import ConfigError, DataError, DivergedError, Interrupted, RunError
from study_classification.inputs.images import preprocess
from study_classification.inputs.images.preprocess import normalize
from study_classification.paths import MADE_HERE, user_path
from study_classification.runs.checkpoints import Checkpointer, steps_in
from study_classification.runs.json_files import read_json
from study_classification.runs.lock import locked
from study_classification.training import compiled_step as memory
from study_classification.training import feed
from study_classification.training import loop as train
from study_classification.training.loop import train_and_evaluate


def test_a_run_learns_and_leaves_its_directory(config, tmp_path, drawn):
    config.total_epochs = 12.0
    config.optimizer.learning_rate = 3e-3
    train_and_evaluate(config, tmp_path / "run")
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert files == {
        MADE_HERE,
        "config.json",
        "classes.json",
        "preprocess.json",
        "environment.json",
        "data_report.json",
        "splits.csv",
        "history.csv",
        "curves.png",
        "confusion.png",
        "report.html",
        "figures",
        "predictions_validation.csv",
        "calibration.json",
        "log.txt",
        "checkpoints",
    }
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000
    assert read_json(tmp_path / "run" / "classes.json", list) == ["0", "1", "2"]
    with (tmp_path / "run" / "history.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    # 72 training images in batches of 16: 4.5 steps an epoch, so the epochs end after 5, 9, 14, 18, ... steps.
    assert [int(row["step"]) for row in rows[:4]] == [5, 9, 14, 18]
    assert len(rows) == 12
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"]) / 3
    assert max(float(row["val_accuracy"]) for row in rows) == 1.0


def test_the_best_weights_are_returned_and_kept_and_all_others_are_saved_when_due(config, tmp_path, monkeypatch):
    config.total_epochs = 5.0  # which end after 5, 9, 14, 18 and 23 steps
    config.checkpoint_every_epochs, config.checkpoint_every_steps = 0.0, 3
    config.monitor = "val_loss"
    losses = iter([0.5, 0.7, 0.6, 0.4, 0.45])
    monkeypatch.setattr(train, "validate", lambda t, state: {"loss": next(losses), "accuracy": 0.5})
    saved, best_of = [], {}
    save = Checkpointer.save

    def noting(checkpointer, step, parts, beside, best):
        assert int(parts["training"]["step"]) == step
        saved.append(step)
        best_of[step] = best
        save(checkpointer, step, parts, beside, best)
        checkpointer.wait()

    monkeypatch.setattr(Checkpointer, "save", noting)
    state = train_and_evaluate(config, tmp_path / "run")
    # Every third step, also the end of the second epoch; an improvement after 5 and 18; the end; 14 is none of these.
    assert saved == [3, 5, 6, 9, 12, 15, 18, 21, 23]
    assert [step for step in saved if best_of[step]] == [5, 18]
    _, rows, best = last_checkpoint(config, tmp_path / "run")
    assert ([row[1] for row in rows], best) == ([5, 9, 14, 18, 23], 3)
    assert int(state.step) == 18
    assert steps_in(tmp_path / "run" / "checkpoints") == [18, 21, 23]


@pytest.mark.parametrize("step", [7, 8, 9], ids=["in the middle", "before the last step", "at the end of an epoch"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_resumed_equals_uninterrupted(config, tmp_path, monkeypatch, step, number):
    handler = signal.getsignal(number)
    train_and_evaluate(config, tmp_path / "whole")
    assert signal.getsignal(number) is handler  # a run has its own, and gives the old one back
    stopped = stop_and_resume(monkeypatch, config, tmp_path / "parts", step, number)
    assert stopped.exit_code == 128 + number
    assert signal.getsignal(number) is handler
    assert_same_run(config, tmp_path / "whole", tmp_path / "parts")


class AnySize(nn.Module):
    """A backbone that takes images of every size."""

    @nn.compact
    def __call__(self, x, train):
        return nn.relu(nn.Conv(16, (3, 3))(x)).mean((1, 2))


def test_a_run_of_mixed_and_growing_images_is_resumed_exactly(config, tmp_path, monkeypatch):
    monkeypatch.setitem(models.MODELS, "any_size", lambda config, dtype, conventions: AnySize())
    config.model.name = "any_size"
    config.augment.update(random_erasing=0.5, mixup=0.2, cutmix=1.0, progressive=(0.5,))
    sizes = []
    monkeypatch.setattr(
        preprocess, "normalize", lambda images, p: sizes.append(images.shape[1]) or normalize(images, p)
    )
    train_and_evaluate(config, tmp_path / "whole")
    assert sizes == [4, 8, 8]  # traced for the 7 steps of each stage, and, during the first, for evaluation
    stop_and_resume(monkeypatch, config, tmp_path / "parts", 5)
    assert_same_run(config, tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize("progressive", [(), (0.5,)])
def test_steps_that_are_dispatched_together(config, tmp_path, monkeypatch, progressive):
    """Epochs of 5, 4 and 5 steps, as 3 + 1 + 1, 3 + 1 and 3 + 1 + 1; growing images grow within the second."""
    monkeypatch.setitem(models.MODELS, "any_size", lambda config, dtype, conventions: AnySize())
    config.model.name, config.augment.progressive = "any_size", progressive
    config.optimizer.name = "sgd"
    train_and_evaluate(config, tmp_path / "one by one")
    config.steps_per_dispatch = 3
    train_and_evaluate(config, tmp_path / "whole")
    arrays, rows, _ = last_checkpoint(config, tmp_path / "one by one")
    together, other_rows, _ = last_checkpoint(config, tmp_path / "whole")
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), arrays, together)
    np.testing.assert_allclose(rows, other_rows, rtol=1e-4)
    for asked, stopped in ((5, 6 if progressive else 8), (12, 13)):  # Ctrl-C within a group, and in a step of its own
        found = stop_and_resume(monkeypatch, config, tmp_path / f"parts {asked}", asked)
        assert f"after step {stopped} of 14" in str(found)
        assert_same_run(config, tmp_path / "whole", tmp_path / f"parts {asked}")


def test_a_network_of_one_size_takes_no_growing_images(config, tmp_path):
    config.augment.progressive = (0.5,)
    with pytest.raises(ConfigError, match=r"pictures of 4 pixels, but the network's parameters fit those of 8 alone"):
        train_and_evaluate(config, tmp_path / "run")


def test_early_stopping_counts_on_after_a_resume(config, tmp_path, monkeypatch):
    config.total_epochs = 30.0
    config.optimizer.learning_rate = 1e-9  # nothing changes, so nothing gets better after the first epoch
    config.early_stopping.patience = 3
    config.early_stopping.min_delta = 0.5
    config.monitor = "val_loss"
    stop_and_resume(monkeypatch, config, tmp_path / "run", 12)
    _, rows, best = last_checkpoint(config, tmp_path / "run")
    assert (len(rows), best) == (4, 0)
    train_and_evaluate(config, tmp_path / "run")  # a run that has stopped stays so
    assert len(last_checkpoint(config, tmp_path / "run")[1]) == 4


def test_whoever_watches_a_run_ends_it_and_is_told_of_its_earlier_epochs(config, tmp_path):
    told = []

    def watch(history):
        told.append(len(history.epochs))
        return "enough" if told[-1] == 2 else ""

    train_and_evaluate(config, tmp_path / "run", watch=watch)
    assert told == [0, 1, 2]
    assert len(last_checkpoint(config, tmp_path / "run")[1]) == 2
    assert "Stopped early: enough" in (tmp_path / "run" / "log.txt").read_text()
    train_and_evaluate(config, tmp_path / "run", watch=watch)
    assert told == [0, 1, 2, 2]


def test_streaming_equals_resident(config, tmp_path):
    config.data.mode = "resident"
    train_and_evaluate(config, tmp_path / "resident")
    config.data.mode = "streaming"
    train_and_evaluate(config, tmp_path / "streaming")
    assert_same_run(config, tmp_path / "resident", tmp_path / "streaming")


def test_the_training_step_is_compiled_once_while_images_are_prepared(config, tmp_path, monkeypatch):
    traced_by = []
    make = memory.make_train_step

    def noting(*arguments, **keywords):
        step = make(*arguments, **keywords)

        def traced(state, batch):
            traced_by.append(threading.current_thread())
            return step(state, batch)

        return traced

    monkeypatch.setattr(memory, "make_train_step", noting)
    for mode in ("resident", "streaming"):
        config.data.mode = mode
        train_and_evaluate(config, tmp_path / mode)
    assert len(traced_by) == 2
    assert threading.main_thread() not in traced_by


def test_classes_that_are_rare_are_seen_more_often_or_weigh_more(config, digits, tmp_path, monkeypatch):
    for number, image in enumerate(sorted((digits / "0").iterdir())):
        if number % 3:
            image.unlink()  # 10 of 30 stay, 8 of them in training
    weights, seen = [], []
    make, planned = memory.make_train_step, TrainingOrder.__getitem__
    monkeypatch.setattr(memory, "make_train_step", lambda *a, **k: weights.append(a[5].class_weights) or make(*a, **k))
    monkeypatch.setattr(
        TrainingOrder,
        "__getitem__",
        lambda plan, step: seen.append(plan.labels[planned(plan, step)["index"]]) or planned(plan, step),
    )
    config.data.sampling = config.class_weights = "balanced"
    config.total_epochs, config.total_steps = 0.0, 7  # 2 epochs of 56 images
    train_and_evaluate(config, tmp_path / "run")
    np.testing.assert_allclose(weights[0], 56 / (3 * np.array([8, 24, 24])), rtol=1e-6)
    assert sorted(np.bincount(np.concatenate(seen))) == [37, 37, 38]


def test_classes_without_a_training_example_cannot_be_balanced():
    """Only a TFDS data set can have one: a folder's classes all have training examples."""
    labels = np.array([0, 0, 2])
    with pytest.raises(DataError, match="the class b has no picture in the split train, so the classes cannot be bal"):
        feed._require_every_class(labels, ("a", "b", "c"))
    feed._require_every_class(np.array([1, 0]), ("a", "b"))


def test_a_time_budget_ends_training_properly(config, tmp_path, monkeypatch, capsys):
    clock = [1000.0]
    original = TrainingOrder.__getitem__

    def taking_ten_seconds(self, step):
        clock[0] += 10
        return original(self, step)

    monkeypatch.setattr(TrainingOrder, "__getitem__", taking_ten_seconds)
    monkeypatch.setattr(train, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    config.time_budget = "75s"
    with monkeypatch.context() as patch:
        stop_at(patch, 6, signal.SIGINT)  # the history has 50 s of the first epoch, the checkpoint 20 s of the second
        with pytest.raises(Interrupted):
            train_and_evaluate(config, tmp_path / "run")
    for _ in range(2):  # the second time nothing is left to do
        train_and_evaluate(config, tmp_path / "run")
        arrays, rows, _ = last_checkpoint(config, tmp_path / "run")
        assert [row[1] for row in rows] == [5, 8]
        assert int(arrays["training"]["step"]) == 8
    config.time_budget = "1.7m"
    train_and_evaluate(config, tmp_path / "run")
    assert [row[1] for row in last_checkpoint(config, tmp_path / "run")[1]] == [5, 8, 11]
    assert "Stopped early: the time budget of 1.7m is used up" in capsys.readouterr().out
    config.time_budget = ""
    train_and_evaluate(config, tmp_path / "run")
    assert [row[1] for row in last_checkpoint(config, tmp_path / "run")[1]] == [5, 8, 11, 14]


def test_divergence_names_the_step_and_the_last_good_checkpoint(config, tmp_path, monkeypatch):
    config.optimizer.name = "sgd"
    config.optimizer.learning_rate = 1e30
    config.schedule.warmup_epochs, config.schedule.warmup_steps = 0.0, 8  # rates of 0, 1.25e29, ...: step 2 overflows
    config.schedule.name = "constant"
    with pytest.raises(DivergedError, match=r"between steps 2 and 3; there is no checkpoint yet"):
        train_and_evaluate(config, tmp_path / "run")


def test_a_measure_that_is_not_finite_ends_the_run(config, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "validate", lambda t, state: {"loss": 0.5, "accuracy": float("nan")})
    with pytest.raises(DivergedError, match="the validation accuracy became nan by step 5; there is no checkpoint yet"):
        train_and_evaluate(config, tmp_path / "run")


def test_a_run_directory_is_trained_by_one_process(config, tmp_path):
    (tmp_path / "run").mkdir()
    with ThreadPoolExecutor(1) as other, locked(tmp_path / "run"):
        training = other.submit(train_and_evaluate, config, tmp_path / "run")
        with pytest.raises(RunError, match="is being trained by process"):
            training.result()
    assert [path.name for path in (tmp_path / "run").iterdir()] == []


def test_a_batch_larger_than_the_data_shrinks(config, tmp_path, capsys):
    config.batch_size = 500
    config.total_epochs, config.total_steps = 0.0, 2
    train_and_evaluate(config, tmp_path / "run")
    assert "batch_size 500 is more than the 72 training pictures: using 72" in capsys.readouterr().out
    assert [row[1] for row in last_checkpoint(config, tmp_path / "run")[1]] == [1, 2]
    assert read_json(tmp_path / "run" / "config.json")["batch_size"] == 500  # more devices may fit less


def test_another_setting_is_not_resumed(config, tmp_path):
    config.total_epochs, config.total_steps = 0.0, 2
    train_and_evaluate(config, tmp_path / "run")
    config.optimizer.learning_rate = 0.5
    with pytest.raises(RunError, match=r"optimizer\.learning_rate=0\.001, not 0\.5"):
        train_and_evaluate(config, tmp_path / "run")


def test_changed_images_are_not_resumed(config, digits, tmp_path):
    config.total_epochs, config.total_steps = 0.0, 2
    train_and_evaluate(config, tmp_path / "run")
    next((digits / "1").iterdir()).unlink()
    with pytest.raises(DataError, match=r"have changed since .* began"):
        train_and_evaluate(config, tmp_path / "run")


def driven_config(cache: Path, fsdp: int):
    config = quickstart.get_config("runlocal")
    config.data.cache_dir = str(cache)
    config.model.name = "mlp"
    config.total_epochs, config.total_steps = 0.0, 60
    config.fsdp = fsdp
    config.precision = "float32"
    return config


@pytest.fixture(scope="module")
def whole(cache, tmp_path_factory):
    """The run of `driven_config` on one device, from beginning to end."""
    workdir = tmp_path_factory.mktemp("whole") / "run"
    train_and_evaluate(driven_config(cache, 1), workdir)
    return workdir


DRIVER = f"""
import sys
from study_classification.configs import quickstart
from study_classification.training.loop import train_and_evaluate
from pathlib import Path
{inspect.getsource(driven_config)}
train_and_evaluate(driven_config(Path(sys.argv[1]), int(sys.argv[3])), Path(sys.argv[2]))
"""


def drive(cache: Path, workdir: Path, devices: int = 1, fsdp: int = 1) -> subprocess.Popen:
    environment = os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(cache), str(workdir), str(fsdp)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_kill_9_loses_at_most_the_work_since_the_last_checkpoint(config, cache, whole, tmp_path):
    with drive(cache, tmp_path / "killed") as killed:
        for line in killed.stdout:
            while line.startswith("epoch 2/") and not steps_in(tmp_path / "killed" / "checkpoints"):
                time.sleep(0.01)
            if line.startswith("epoch 2/"):
                killed.kill()
    assert len(last_checkpoint(config, tmp_path / "killed")[1]) in (1, 2)
    resumed = drive(cache, tmp_path / "killed").communicate()[0]
    assert "Resuming" in resumed
    assert "Trained for" in resumed
    assert_same_run(config, whole, tmp_path / "killed")


def test_several_devices_compute_what_one_computes(config, cache, whole, tmp_path):
    output = drive(cache, tmp_path / "four", devices=4, fsdp=2).communicate()[0]
    assert "Trained for" in output, output
    one, four = (last_checkpoint(config, workdir)[0]["model"] for workdir in (whole, tmp_path / "four"))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-4), one, four)


def test_a_prepared_tfds_directory_trains(config, tmp_path):
    config.total_epochs, config.total_steps = 0.0, 2
    train_and_evaluate(config, tmp_path / "folder")
    key = read_json(tmp_path / "folder" / "data_report.json")["key"]
    config.data.source = str(Path(config.data.cache_dir) / "prepared" / key / "prepared_images" / "1.0.0")
    train_and_evaluate(config, tmp_path / "tfds")
    assert read_json(tmp_path / "tfds" / "classes.json", list) == ["0", "1", "2"]


def test_a_class_without_a_readable_image_is_named(config, digits, tmp_path):
    for image in (digits / "2").iterdir():
        image.write_bytes(b"nonsense")
    with pytest.raises(DataError, match="no picture of 2 can be read"):
        train_and_evaluate(config, tmp_path / "run")


def test_a_run_on_a_bucket_is_resumed_and_used(bucket, config, digits, capsys):
    workdir = user_path("gs://bucket/run")
    config.total_epochs = 1.0
    train_and_evaluate(config, workdir)
    config.total_epochs = 2.0
    train_and_evaluate(config, workdir)
    assert "Resuming gs://bucket/run after step 5, epoch 1" in capsys.readouterr().out
    assert bucket["bucket/run/history.csv"].count(b"\n") == 3
    assert bucket["bucket/run/log.txt"].count(b"Device: ") == 2
    trained = load("gs://bucket/run")
    metrics = trained.evaluate(write_report=True)
    assert 0 <= metrics["accuracy"] <= 1
    assert "bucket/run/report.json" in bucket
    image = next(digits.rglob("*.png"))
    bucket["bucket/image.png"] = image.read_bytes()
    assert trained.predict("gs://bucket/image.png") == trained.predict(image)
    assert not Path("gs:").exists()
