"""What other programs are told of a run. The event files are read back, record by record."""

import os
import struct
import sys
import time
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from run_helpers import stop_and_resume
from study_helpers import row
from tensorboardX.proto.event_pb2 import Event, SessionLog
from wandb.proto.wandb_internal_pb2 import Record

from study_classification.configs import default
from study_classification.errors import EnvironmentFault
from study_classification.runs import directory
from study_classification.runs.directory import read_history, read_logger_ids
from study_classification.training import loggers
from study_classification.training.loggers import Loggers, require_loggers, values_of


def asked(*names):
    config = default.get_config()
    for name in names:
        config.log[name] = True
    return config


def events(workdir):
    """What TensorBoard shows: (name, step) -> values, without those that a later process has marked as void."""
    found = {}
    for file in sorted((workdir / "tensorboard").iterdir()):
        data, place = file.read_bytes(), 0
        while place < len(data):  # length, its checksum, the event, its checksum
            (length,) = struct.unpack_from("<Q", data, place)
            event = Event.FromString(data[place + 12 : place + 12 + length])
            place += 16 + length
            if event.session_log.status == SessionLog.START:
                found = {key: values for key, values in found.items() if key[1] < event.step}
            for value in event.summary.value:
                found.setdefault((value.tag, event.step), []).append(value.simple_value)
    return found


class Failing:
    def __init__(self, workdir, config, steps_before):
        self.told = 0

    def log(self, step, values):
        self.told += 1
        if self.told == 2:
            raise OSError("the disk of others is full")

    def close(self):
        raise AssertionError("it has failed, and is not asked again")


def test_a_resumed_training_logs_each_epoch_once_and_goes_on_without_what_fails(config, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(loggers.OPEN, "wandb", Failing)
    monkeypatch.setattr(loggers, "PACKAGES", {"tensorboard": "tensorboardX"})
    config.log.tensorboard = config.log.wandb = True
    stop_and_resume(monkeypatch, config, tmp_path / "run", step=11)  # of 5, 9 and 14, where epochs end
    epochs = read_history(tmp_path / "run")
    assert [epoch.step for epoch in epochs] == [5, 9, 14]
    expected = {
        (name, epoch.step): [pytest.approx(value)] for epoch in epochs for name, value in values_of(epoch).items()
    }
    assert events(tmp_path / "run") == expected
    out = capsys.readouterr().out
    assert out.count("log.wandb has failed (the disk of others is full): the training goes on without it") == 1


def test_who_has_failed_is_not_asked_again(tmp_path, monkeypatch, capsys):
    def settings(*given):
        raise ValueError("1 validation error for Settings\nmode\n  Input should be 'online' or 'offline'")

    monkeypatch.setitem(loggers.OPEN, "wandb", settings)
    found = Loggers(tmp_path, asked("wandb"))
    for number in (1, 2, 3):
        found.add(row(number, 0.5), 0)
    found.close()
    assert capsys.readouterr().out.count("failed (1 validation error for Settings mode Input should be 'onl") == 1


def test_names_are_those_that_a_program_groups():
    assert list(values_of(row(3, 0.25))) == [
        "epoch", "train/loss", "train/accuracy", "val/loss", "val/accuracy", "learning_rate", "images_per_second",
        "seconds",
    ]  # fmt: skip


def test_what_a_killed_process_wrote_after_its_last_checkpoint_counts_no_more(tmp_path):
    killed = Loggers(tmp_path, asked("tensorboard"))
    for number in (1, 2, 3):
        killed.add(row(number, 0.5), 10 * (number - 1))
    killed.close()  # that all of it is on disk
    resumed = Loggers(tmp_path, asked("tensorboard"))
    resumed.add(row(3, 0.25), 20)
    resumed.close()
    found = {step: values for (name, step), values in events(tmp_path).items() if name == "val/loss"}
    assert found == {10: [0.5], 20: [0.5], 30: [0.25]}


def test_nothing_is_opened_before_the_first_epoch(tmp_path):
    Loggers(tmp_path, asked("tensorboard")).close()
    assert not (tmp_path / "tensorboard").exists()


def records(file):
    """What Weights & Biases has written: 7 bytes, then blocks of 32 KiB of pieces (checksum, length, kind, content)."""
    data, place, whole = file.read_bytes(), 7, b""
    while place < len(data):
        if (left := 2**15 - place % 2**15) < 7:
            place += left
        length, kind = struct.unpack_from("<4xHB", data, place)
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # all of a record, or its last piece
            yield Record.FromString(whole)
            whole = b""


def test_wandb_goes_on_with_its_run_and_is_offline(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    runs, points = [], []
    for number in (1, 2):
        found = Loggers(tmp_path, asked("wandb"))
        found.add(row(number, 0.5 / number), 0)
        found.close()
        time.sleep(1)  # it names the folder of a start by the second
    for file in sorted(tmp_path.glob("wandb/offline-run-*/*.wandb")):
        for record in records(file):
            if record.WhichOneof("record_type") == "run":
                config = {item.key: item.value_json for item in record.run.config.update}
                runs.append((record.run.run_id, record.run.project, config.get("log.wandb")))
            for item in record.history.item:
                if [*item.nested_key, item.key][0] == "val/loss":
                    points.append((record.history.step.num, float(item.value_json)))
    assert sorted(points) == [(10, 0.5), (20, 0.25)]
    assert len(runs) >= 2 and set(runs) == {(read_logger_ids(tmp_path)["wandb"], loggers.PROJECT, "true")}


def test_mlflow_is_told_no_step_twice(tmp_path, monkeypatch):
    points, params = [], []

    class Client:
        def __init__(self, place):
            assert place == f"sqlite:///{quote(str(tmp_path))}/a%3Fb/mlflow.db"

        def get_experiment_by_name(self, name):
            return None

        def create_experiment(self, name):
            return "7"

        def create_run(self, experiment, run_name):
            return SimpleNamespace(info=SimpleNamespace(run_id=f"{run_name}-{experiment}"))

        def log_param(self, run_id, name, value):
            params.append(name)

        def log_metric(self, run_id, name, value, step):
            points.append((run_id, name, step))

        def get_metric_history(self, run_id, name):
            return [SimpleNamespace(step=step) for _, key, step in points if key == name]

        def set_terminated(self, run_id):
            points.append((run_id, "ended", None))

    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(MlflowClient=Client))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    workdir = tmp_path / "a?b" / "run"
    workdir.mkdir(parents=True)
    first = Loggers(workdir, asked("mlflow"))
    first.add(row(1, 0.5), 0)
    first.add(row(2, 0.5), 10)
    again = Loggers(workdir, asked("mlflow"))
    again.add(row(2, 0.5), 10)  # after a kill
    again.add(row(3, 0.5), 20)
    again.close()
    assert [point for point in points if point[1] == "val/loss"] == [
        ("run-7", "val/loss", step) for step in (10, 20, 30)
    ]
    assert params.count("seed") == 1 and points[-1] == ("run-7", "ended", None)
    assert directory.read_logger_ids(workdir) == {"mlflow": "run-7"}


def test_mlflow_waits_for_no_store_that_cannot_be_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(MlflowClient=None))
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.delenv(name, raising=False)
    Loggers(tmp_path / "absent" / "run", asked("mlflow")).add(row(1, 0.5), 0)
    assert "log.mlflow has failed ([Errno 2] No such file or directory: " in capsys.readouterr().out
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "2"


def test_a_package_that_is_absent_is_named_with_its_extra(monkeypatch):
    require_loggers(asked("tensorboard").log)
    monkeypatch.setattr(loggers, "PACKAGES", {"wandb": "no_such_package"})
    with pytest.raises(EnvironmentFault, match=r"log.wandb needs the package no_such_package: pip install .*\[wandb\]"):
        require_loggers(asked("wandb").log)
