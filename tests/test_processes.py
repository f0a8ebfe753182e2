"""Several processes, for real: what they do together is what one process does, and they end together."""

import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WORKER = Path(__file__).with_name("process_worker.py")
MAIN = ("-m", "study_classification.main")
CONFIG = Path(__file__).parents[1] / "configs" / "photos.py"
SMALL = ("--config.model.hidden=(16,)", "--config.batch_size=8")
PATIENCE = 240  # seconds, on a machine that has much else to do


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """20 images of three classes each: 48 of training, 6 of validation, 6 of test."""
    folder, generator = tmp_path_factory.mktemp("data") / "photos", np.random.default_rng(0)
    for channel, name in enumerate(("cat", "dog", "horse")):
        (folder / name).mkdir(parents=True)
        for number in range(20):
            image = generator.integers(0, 120, (12, 12, 3), np.uint8)
            image[..., channel] += 100
            Image.fromarray(image).save(folder / name / f"{name}_{number:02}.png")
    return folder


def training(photos, workdir, *more, learning="from_scratch", epochs=3, weights=""):
    arguments = f"data={photos},learning={learning},model=mlp,epochs={epochs}"
    arguments += f",weights={weights}" if weights else ",size=8"
    adamw = () if weights else ("--config.optimizer.name=adamw", "--config.augment.cutmix=0")
    return ["train", f"--config={CONFIG}:{arguments}", *SMALL, *adamw, f"--workdir={workdir}", *more]


@contextlib.contextmanager
def started(folder, processes, devices, command, shared_cache=True):
    """Within the context so many processes of a command run; their output goes to FOLDER/INDEX.txt."""
    folder.mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environment = os.environ | {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    running, files = [], contextlib.ExitStack()
    for index in range(processes):
        several = {
            "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}",
            "JAX_NUM_PROCESSES": str(processes),
            "JAX_PROCESS_ID": str(index),
        }
        output = files.enter_context((folder / f"{index}.txt").open("w", encoding="utf-8"))
        own = environment | {"XDG_CACHE_HOME": str(cache_of(folder, index, shared_cache))}
        own |= several if processes > 1 else {}
        running.append(subprocess.Popen([sys.executable, *command], stdout=output, stderr=output, env=own))
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()
        files.close()


def cache_of(folder, index, shared):
    return folder / ("cache" if shared else f"cache-{index}")


def done(folder, processes, devices, jobs, shared_cache=True):
    """What each process says of each job, see process_worker.py."""
    with started(folder, processes, devices, (WORKER, json.dumps(jobs), folder), shared_cache) as running:
        codes = [process.wait(PATIENCE) for process in running]
    assert codes == [0] * processes, (folder / "0.txt").read_text(encoding="utf-8")
    found = [json.loads((folder / f"{index}.json").read_text(encoding="utf-8")) for index in range(processes)]
    for process in found:
        for job, result in zip(jobs, process, strict=True):
            assert result["code"] == 0, (job, result)
    return found


def history(workdir):
    with (workdir / "history.csv").open(newline="", encoding="utf-8") as file:
        return [
            {name: float(value) for name, value in row.items() if name not in ("seconds", "images_per_second")}
            for row in csv.DictReader(file)
        ]


def assert_same_history(one, other):
    assert len(history(one)) == len(history(other)) > 0
    for row, same in zip(history(one), history(other), strict=True):
        assert row == pytest.approx(same, rel=1e-5, abs=1e-6)


def all_jobs(photos, folder):
    resident = folder / "resident"
    return {
        "prepare": ["prepare", *training(photos, "")[1:-1]],
        "resident": training(photos, resident, "--config.ema_decay=0.9", "--config.early_stopping.patience=2"),
        "streaming": training(
            photos, folder / "streaming", "--config.data.mode=streaming", "--config.steps_per_dispatch=2"
        ),
        "growing": training(photos, folder / "growing", "--config.time_budget=1h", "--config.fsdp=2"),
        "transfer": training(photos, folder / "transfer", learning="transfer_learning", weights=resident),
        "evaluate": ["evaluate", f"--workdir={resident}", f"--data={photos}"],
        "predict": ["predict", f"--workdir={resident}", "--format=csv", str(photos)],
        "lr_find": ["lr_find", *training(photos, folder / "rates")[1:], "--steps=12"],
    }


@pytest.fixture(scope="module")
def one(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    jobs = all_jobs(photos, folder)
    return folder, dict(zip(jobs, done(folder, 1, 2, list(jobs.values()))[0], strict=True))


@pytest.fixture(scope="module")
def two(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    jobs = all_jobs(photos, folder)
    return folder, [dict(zip(jobs, process, strict=True)) for process in done(folder, 2, 1, list(jobs.values()))]


@pytest.mark.parametrize("run", ["resident", "streaming", "growing", "transfer"])
def test_two_processes_train_as_one(one, two, run):
    assert_same_history(one[0] / run, two[0] / run)


def test_each_process_reads_its_share_and_each_image_counts_once(one, two):
    shares = {"resident": {"train": 24, "validation": 3}, "transfer": {"train": 24}, "evaluate": {"test": 30}}
    for process, page in zip(two[1], (9, 0), strict=True):  # the first one shows a batch, and what it is mixed with
        expected = {
            job: {name: count + page * (name == "train") for name, count in reads.items()}
            for job, reads in shares.items()
        }
        assert {job: process[job]["reads"] for job in shares} == expected
        # 3 epochs; validation in batches of 8, once more for the confusion table, and once for the layers
        assert process["streaming"]["reads"] == {"train": 72 + page, "validation": 20}
    reports = [json.loads((folder / "resident" / "report.json").read_text("utf-8")) for folder in (one[0], two[0])]
    (mine,), (same,) = (report.values() for report in reports)
    assert mine["examples"] == same["examples"] == 60
    assert mine["confusion_matrix"] == same["confusion_matrix"]
    assert mine["loss"] == pytest.approx(same["loss"], rel=1e-5)


def test_predictions_come_from_the_first_process_in_order(one, two, photos):
    tables = [list(csv.DictReader(result["predict"]["out"].splitlines())) for result in (one[1], *two[1])]
    assert [row["file"] for row in tables[0]] == sorted(map(str, photos.rglob("*.png")))
    assert tables[2] == []
    for mine, same in zip(*tables[:2], strict=True):
        assert (mine["file"], mine["class"]) == (same["file"], same["class"])
        assert float(mine["probability"]) == pytest.approx(float(same["probability"]), rel=1e-5)


def test_only_the_first_process_speaks_and_writes(two):
    first, other = two[1]
    for job, result in other.items():
        assert (result["out"], result["err"]) == ("", ""), job
        assert first[job]["out"]
    assert "on 2 hosts" in first["resident"]["out"]
    rates = (two[0] / "rates" / "lr_find.csv").read_text("utf-8").splitlines()
    assert len(rates) > 5


@pytest.mark.parametrize(("processes", "devices", "shared_cache"), [(4, 1, True), (2, 2, False)])
def test_more_processes_and_devices(one, photos, tmp_path, processes, devices, shared_cache):
    resident = all_jobs(photos, tmp_path)["resident"]
    predict = ["predict", f"--workdir={tmp_path / 'resident'}", "--format=csv", str(photos)]
    found = done(tmp_path, processes, devices, [resident, predict], shared_cache)
    assert_same_history(one[0] / "resident", tmp_path / "resident")
    assert [process[0]["reads"]["train"] for process in found] == [48 // processes + 9] + [48 // processes] * (
        processes - 1
    )
    assert found[0][1]["out"].count("\n") == 61
    prepared = [
        sorted(path.name for path in cache_of(tmp_path, index, shared_cache).rglob("dataset_info.json"))
        for index in range(processes)
    ]
    assert prepared == [["dataset_info.json"]] * processes  # of a file system of its own, each prepared its own


def said(folder, index):
    return (folder / f"{index}.txt").read_text(encoding="utf-8")


def wait_for(folder, words):
    end = time.monotonic() + PATIENCE
    while words not in said(folder, 0):
        assert time.monotonic() < end, said(folder, 0)
        time.sleep(0.05)


def test_what_the_first_refuses_all_refuse(one, photos, tmp_path):
    other = training(photos, one[0] / "resident", "--config.seed=5", "--config.ema_decay=0.9")
    with started(tmp_path, 2, 1, (*MAIN, *other)) as running:
        assert [process.wait(PATIENCE) for process in running] == [4, 4]
    last = [said(tmp_path, index).splitlines()[-1] for index in range(2)]
    assert last[0] == last[1]
    assert last[0].startswith("error: ") and "seed" in last[0]


def test_a_stop_reaches_all_and_a_lost_process_ends_the_others_and_the_run_goes_on(photos, tmp_path):
    command = (*MAIN, *training(photos, tmp_path / "run", epochs=100_000))
    for number in (signal.SIGTERM, signal.SIGINT):
        with started(tmp_path, 2, 1, command) as running:
            wait_for(tmp_path, " 2/100000" if number == signal.SIGTERM else "Resuming")
            running[1].send_signal(number)
            codes = [process.wait(PATIENCE) for process in running]
        assert codes == [143, 128 + number]
        assert all("everything is saved" in said(tmp_path, index) for index in range(2))
    with started(tmp_path, 2, 1, command) as running:
        wait_for(tmp_path, "Compiling")
        running[1].kill()
        began = time.monotonic()
        assert running[0].wait(PATIENCE) == 5
        assert time.monotonic() - began < 30
    assert "process 1 of 2 was lost" in said(tmp_path, 0).splitlines()[-1]
    assert "Traceback" not in said(tmp_path, 0)
    with started(tmp_path, 1, 1, command) as running:
        wait_for(tmp_path, "Resuming")
        running[0].terminate()
        assert running[0].wait(PATIENCE) == 143
