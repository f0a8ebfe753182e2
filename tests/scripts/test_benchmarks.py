from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study_classification.config_rules import validate

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts/benchmarks"


@pytest.fixture
def script(script, monkeypatch, cache):
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return script


@pytest.fixture
def pipelines(script):
    return script("pipelines")


@pytest.mark.parametrize(("canvas_size", "size"), [(16, (96, 64)), (0, (300, 257))])
def test_the_peers_images_are_ours(pipelines, tmp_path, canvas_size, size):
    for number in range(33):
        pixels = np.random.default_rng(number).integers(0, 256, (*size[::-1], 3), np.uint8)
        path = tmp_path / "pictures" / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    job = pipelines.Job(str(tmp_path / "pictures"), canvas_size, 2, str(tmp_path / "cache"))
    files = pipelines.PillowFiles(job, scaled=True)  # 64 = 2 x 2 x 16, so the canvas is decoded at 1/2
    peer, labels = zip(*(files[index] for index in range(len(files))), strict=True)
    ((ours, our_labels),) = pipelines.study_classification(job, mode="streaming")()
    np.testing.assert_array_equal(ours, np.stack(peer))
    np.testing.assert_array_equal(our_labels, labels)
    assert ours.shape == (32, *2 * [canvas_size or 224], 3)
    assert sorted(set(labels)) == [0, 1]


def test_epochs_beyond_the_measured_ones_take_as_long_as_the_median_of_all_but_the_first(script):
    transfer = script("transfer_learning")
    peer = transfer.Training(
        "", [50.0, 60.0, 74.0, 86.0], [0.5, 0.6, 0.7, 0.8], process_seconds=90.0, cpu_seconds=180.0
    )
    assert [peer.seconds(epochs) for epochs in (1, 2, 4, 10)] == [50, 60, 86, 86 + 6 * 12]  # of 10, 14 and 12
    assert peer.process_seconds_for(10) == 158 + 4
    assert peer.cpu_seconds_for(10) == 2 * 162
    ours = transfer.Training("", transfer.ends_of([3.0, 1.0, 1.0], 20.0), [0.9, 0.9, 0.9], 20.0, 30.0)
    assert ours.epoch_ends == [18, 19, 20]  # 15 seconds of other things, then the epochs
    assert transfer.measures(peer, ours, 3) == {
        "epochs": 3,
        "measured_epochs": 3,
        "over_ours": 74 / 20,
        "process_over_ours": 78 / 20,
        "cpu_over_ours": 156 / 30,
        "seconds": 74,
        "process_seconds": 78,
        "cpu_seconds": 156,
        "epoch_seconds": 12,
        "val_accuracy": 0.7,
    }
    assert transfer.measures(peer, ours, 10)["measured_epochs"] == 4
    assert transfer.measures(peer, ours, 10)["val_accuracy"] == 0.8


def test_the_peers_get_our_splits(script, tmp_path):
    transfer = script("transfer_learning")
    for number in range(40):
        path = tmp_path / "pictures" / "ab"[number % 2] / f"{number:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 6 * number, np.uint8)).save(path)
    transfer.copy_images(tmp_path / "pictures", tmp_path / "some", 20)
    copied = sorted(path.relative_to(tmp_path / "some") for path in tmp_path.glob("some/*/*"))
    assert [len(list((tmp_path / "some" / label).iterdir())) for label in "ab"] == [10, 10]
    counts = transfer.lay_out(tmp_path / "some", tmp_path / "split", tmp_path / "cache")
    assert counts == {"train": 16, "validation": 2, "test": 2}  # 8 : 1 : 1 of each class
    assert sorted(path.relative_to(path.parents[1]) for path in tmp_path.glob("split/*/*/*")) == copied
    assert len(list((tmp_path / "split" / "validation").glob("*/*"))) == 2


def test_the_ratio_is_of_the_medians(script):
    train_step = script("train_step")
    job = train_step.Job("resnet20", 32, 4, "float32", 10, 2)

    class Worker:
        def __init__(self, rates, flops):
            self.rates = {"train": rates, "infer": [10 * rate for rate in rates]}
            self.host_shares = {"train": [0.5, 0.1, 0.3], "infer": [0.2]}
            self.about = {"flops": flops, "start_seconds": 1.0, "versions": ""}
            self.peak_bytes = 0

    workers = {train_step.OURS: Worker([30.0, 10.0, 20.0], 8e9), "PyTorch": Worker([5.0, 80.0, 40.0], 0.0)}
    rows = train_step.rows_of(job, workers, peak_flops=1e12)
    assert [(row["kind"], row["library"], row["ours_over_it"]) for row in rows] == [
        ("train", train_step.OURS, 1.0),
        ("train", "PyTorch", 0.5),
        ("infer", train_step.OURS, 1.0),
        ("infer", "PyTorch", 0.5),
    ]
    assert [row["host_share"] for row in rows] == [0.3, 0.3, 0.2, 0.2]
    assert rows[0]["share_of_peak_flops"] == 8e9 * 20 / 4 / 1e12  # 5 steps of 4 images in a second


@pytest.mark.parametrize("network", ["original", "resnet20"])
def test_ours_makes_the_steps_that_are_asked_for(script, network):
    workers = script("step_workers")
    timed = workers.study_classification(workers.Job(network, 16, 2, "float32", 3, 2))
    timed.train(2)()
    timed.infer(1)()
    assert timed.flops() > 0


def test_recipes_are_fields_and_their_spread_is_over_the_seeds(script):
    recipes = script("recipes")
    for recipe in recipes.RECIPES.values():
        config = recipes.cifar10.get_config()
        config.update_from_flattened_dict(recipe)
        validate(config)
    rows = [
        {"recipe": recipe, "seed": seed, "val_accuracy": accuracy}
        for recipe, seed, accuracy in (
            ("plain", 0, "0.40"),
            ("Mixup", 0, "0.45"),
            ("plain", "1", "0.42"),  # as read from a file
            ("Mixup", "1", "0.49"),
        )
    ]
    assert recipes.spread(rows)[2:] == ["| plain | 41.0 ± 1.4 | +0.0 ± 0.0 |", "| Mixup | 47.0 ± 2.8 | +6.0 ± 1.4 |"]


def test_scaling_is_the_ratio_to_the_first_layout(script):
    scaling = script("scaling")
    one, four = scaling.Layout.named("1x1"), scaling.Layout.named("2x2")
    rows = scaling.rows_of({one: [90.0, 100.0, 300.0], four: [50.0, 80.0, 70.0]}, "resnet20", 16, 0)
    assert [(row["processes"], row["devices"], row["over_first"]) for row in rows] == [(1, 1, "1.000"), (2, 4, "0.700")]
    alone, third = scaling.environment(one, 0, "host:1"), scaling.environment(four, 1, "host:1")
    assert alone["XLA_FLAGS"].endswith("=1") and third["XLA_FLAGS"].endswith("=2")
    assert "JAX_PROCESS_ID" not in alone
    assert [third[f"JAX_{name}"] for name in ("COORDINATOR_ADDRESS", "NUM_PROCESSES", "PROCESS_ID")] == [
        "host:1", "2", "1",
    ]  # fmt: skip


def test_a_worker_of_scaling_takes_the_steps_that_it_is_asked_for(script, cache, capsys):
    worker = script("scaling_worker")
    training = worker.Training(worker.Job("mlp", 16, 0, str(cache)))
    assert training.take(2) > 0
    assert training.take(1) > 0
    assert int(training._state.step) == 3
