"""The harness that does faults to the program; and, in short, what it finds."""

import csv
import os
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from study_classification.config import seconds_of
from study_classification.errors import DataError

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts/faults"
TARGETS = (
    "image", "manifest.csv", "manifest.jsonl", "splits.csv", "weights.safetensors", "weights.pth", "weights.h5",
    "weights.npz", "config.json", "classes.json", "targets.json", "preprocess.json", "data_report.json", "report.json",
    "splits.csv of a run", "checkpoint.json",
)  # fmt: skip


def test_a_little_of_each_fault_comes_to_a_good_end(tmp_path):
    command = [sys.executable, str(SCRIPTS / "run.py"), "--short", f"--out={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "faults.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    faults = {row["fault"] for row in rows}
    assert {"SIGKILL while saving", "two preparations", "two trainings in one run", "full disk"} <= faults
    assert any(fault.startswith("damaged") for fault in faults)
    assert (tmp_path / "faults.md").read_text(encoding="utf-8").startswith("| fault | tried | equal | one sentence |")


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_inputs_to_each_reader(script, tmp_path, name):
    fuzz, targets = script("fuzz"), script("targets")
    assert tuple(targets.TARGETS) == TARGETS
    target, counts, found = targets.make_target(name, tmp_path / "files"), [0] * 4, tmp_path / "found"
    found.mkdir()
    for data in target.inputs:
        fuzz.try_one(target.read, data, found, counts)
    assert counts[1] == (0 if name == "weights.npz" else len(target.inputs))  # good inputs are accepted
    for number in range(150):
        fuzz.try_one(target.read, fuzz.mutated(target.inputs, random.Random(f"7 {number}")), found, counts)
    assert [path.name for path in found.iterdir()] == []
    assert counts[0] == counts[1] + counts[2] == 150 + len(target.inputs)


def test_what_is_no_error_of_the_user_is_kept_with_its_smallest_input(script, tmp_path):
    fuzz, counts = script("fuzz"), [0] * 4

    def read(data):
        if len(data) > 4:
            raise DataError("too long")
        seconds_of(data)  # which wants text

    for data in (b"12345", b"x", b"12", b"1"):
        fuzz.try_one(read, data, tmp_path, counts)
    assert (counts[0], counts[2]) == (4, 1)
    assert len((tmp_path / "found").read_text().splitlines()) == 3
    assert {path.read_bytes() for path in tmp_path.iterdir() if path.name != "found"} == {b"x"}


@pytest.mark.parametrize(
    ("code", "err", "same", "expected"),
    [
        (0, "", True, "equal"),
        (0, "", False, "silent difference"),
        (0, "Beware: the checkpoint 9 is damaged\n", False, "one sentence"),
        (0, "Traceback (most recent call last):\n", True, "traceback"),
        (3, "error: x cannot be read: y\n", False, "one sentence"),
        (3, "error: x cannot be read: y\nand z\n", False, "traceback"),
        (3, "", False, "traceback"),
        (1, "error: x\n", False, "traceback"),
        (-7, "", False, "traceback"),
        (143, "stopped: after step 3\n", False, "one sentence"),
        (None, "", False, "hang"),
    ],
)
def test_what_an_end_means(script, code, err, same, expected):
    program = script("program")
    assert program.verdict(program.Ended(code, "", err), same) == expected


def test_a_process_that_does_not_end_is_ended(script, tmp_path, monkeypatch):
    program = script("program")
    running = program.Running(["--help"], tmp_path)
    running.wait_for(lambda: not running.alive)  # so that it has ended before it is waited for
    done = running.ended()
    assert (done.code, done.err) == (0, "") and "lr_find" in done.out
    monkeypatch.setattr(program, "LIMIT", 2)
    hung = program.Running(["--help"], tmp_path, partial(time.sleep, 600))
    assert hung.ended().code is None
    assert not hung.alive


def test_damages(script, tmp_path):
    damages = script("damages")
    content = bytes(range(100))
    found = {}
    for how in damages.DAMAGES:
        file = tmp_path / how
        file.write_bytes(content)
        damages.damage(file, how)
        found[how] = file.read_bytes() if file.exists() else None
    assert found["truncated"] == content[:50]
    assert found["zeroed"] == bytes(100)
    assert found["deleted"] is None
    assert 1 <= sum((a ^ b).bit_count() for a, b in zip(found["flipped"], content, strict=True)) <= 3
    assert len(found["garbage"]) == 100 and found["garbage"] != content


def test_one_file_of_each_kind_is_damaged_the_latest_of_several(script, tmp_path):
    damages = script("damages")
    digests = (f"{number:032x}" for number in range(10, 14))
    for name in ("9/model/d/", "12/model/d/", "12/training/d/"):
        file = tmp_path / "checkpoints" / name / next(digests)
        file.parent.mkdir(parents=True)
        file.touch()
    assert {kind: str(file.parent) for kind, file in damages.kinds_of(tmp_path).items()} == {
        "checkpoints/*/model/d/*": "checkpoints/12/model/d",
        "checkpoints/*/training/d/*": "checkpoints/12/training/d",
    }


def test_the_table_counts(script):
    cases = script("cases")
    found = [
        cases.Case("a", "1", "equal"),
        cases.Case("a", "2", "hang", "x"),
        cases.Case("b", "", "skipped", "no root"),
        cases.Case("c", "", "one sentence", "", 2000),
    ]
    assert cases.to_markdown(found).splitlines()[2:] == [
        "| a | 2 | 1 | 0 | 0 | 1 | 0 |",
        "| b | skipped: no root | | | | | |",
        "| c | 2,000 | 0 | 2,000 | 0 | 0 | 0 |",
    ]
    assert [case.bad for case in found] == [False, True, False, False]


def test_the_slope_is_that_of_the_second_half(script):
    soak = script("soak")
    assert soak.slope([0, 1, 2, 3, 4, 5], [90, 50, 10, 7, 9, 11]) == pytest.approx(2.0)
    assert soak.slope([], []) == 0
    assert "nan" in soak.to_markdown([soak.Soaked("epochs", 0, 1, *soak._slopes(os.getpid(), lambda: False, int))])
