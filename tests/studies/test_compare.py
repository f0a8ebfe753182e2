"""Finished runs side by side: copies of one tiny run, whose files are changed where the copies are to differ."""

import csv
import hashlib
import json
import shutil
from dataclasses import replace

import pytest

from study_classification.errors import ConfigError, RunError
from study_classification.reports.metrics import wilson_interval
from study_classification.runs.directory import load, read_history, write_history
from study_classification.runs.history import History
from study_classification.runs.results import add_to_report
from study_classification.studies import comparison
from study_classification.studies.comparable import comparable_runs
from study_classification.studies.compare import _remarks, compare
from study_classification.studies.finished import LABEL, NAME, PREDICTION, find_runs, read_finished
from study_classification.training.describe import count_network

NINE = 9  # validation examples of the tiny run: three of each class


def change(file, **values):
    content = json.loads(file.read_text())
    for name, value in values.items():
        group = content
        *groups, last = name.split("__")
        for part in groups:
            group = group[part]
        group[last] = value
    file.write_text(json.dumps(content))


@pytest.fixture
def copies(run, tmp_path):
    """(name, correct of each epoch's nine validation examples, fields) -> the directory of a run that differs so."""

    def make(name, right, **fields):
        workdir = tmp_path / "runs" / name
        shutil.copytree(run.workdir, workdir)
        change(workdir / "config.json", **fields)
        rows = read_history(workdir)[: len(right)]
        history = History("val_accuracy", True, 0.0)
        for row, correct in zip(rows, right, strict=True):
            row.val["accuracy"] = correct / NINE
            history.add(row)
        write_history(workdir, history)
        return workdir

    return make


def predictions(workdir, answers, wrong=()):
    rows = [f"{name},{label},{said}" for name, (label, said) in answers.items()]
    (workdir / "predictions_test.csv").write_text("\n".join([f"{NAME},{LABEL},{PREDICTION}", *rows]) + "\n")


def test_runs_are_found_by_directory_folder_and_pattern(copies, tmp_path):
    one, two = copies("a", [3]), copies("deep/b", [3])
    assert find_runs([str(one), str(tmp_path / "runs")]) == [one, two]
    assert find_runs([str(tmp_path / "*s")]) == [one, two]
    assert find_runs([str(tmp_path / "runs" / "dee?")]) == [two]
    (tmp_path / "link").symlink_to(one)
    assert find_runs([str(tmp_path / "link"), str(one), str(two)]) == [tmp_path / "link", two]  # each once
    with pytest.raises(RunError, match="'nothing/\\*' is no run directory"):
        find_runs(["nothing/*"])


def test_seeds_and_settings_are_told_apart(copies):
    runs = [
        read_finished(copies("x-seed0", [3, 6]), "x-seed0"),
        read_finished(
            copies(
                "x-seed1", [6, 3, 3], seed=1, data__workers=3, data__source="/moved", log__wandb=True, log_every_steps=7
            ),
            "x-seed1",
        ),
        read_finished(copies("y", [9], batch_size=8), "y"),
    ]
    assert comparison.differing_fields(runs) == ["batch_size", "seed"]  # workers, places and loggers change nothing
    assert {name: len(group) for name, group in comparison.groups_by_seed(runs).items()} == {"x": 2, "y": 1}
    (row,) = comparison.table_of_seeds(runs).rows
    assert row[:3] == ["x", "2", "0.6667 +- 0.0000"]  # the best epochs, of two seeds: 6 and 6 of 9
    assert comparison.table_of_seeds(runs[1:]) is None
    assert [run.best.epoch for run in runs] == [2, 1, 1]
    twin = replace(runs[2], name="x-seed2")
    assert list(comparison.groups_by_seed([*runs[:2], twin])) == ["x", "x-seed2"]  # two settings under two names
    epochs = runs[1].history.epochs
    looked = [replace(runs[1], test={"checkpoint_step": epoch.step}).test_is_of_best for epoch in epochs]
    assert looked == [True, False, False]


def test_a_network_of_ones_own_is_what_it_does(copies, tmp_path):
    file = tmp_path / "net.py"
    file.write_text("import flax.linen as nn\n\n\nclass Net(nn.Module):\n    pass\n")
    run = read_finished(copies("a", [3]), "a")
    run.run.config.model.name = f"{file}:Net"
    assert run.fields["model.name"] == f"Net@{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}"


def test_the_best_epoch_decides_the_order_and_each_network_has_its_cost(copies, capsys):
    loss = {"monitor": "val_loss"}
    runs = {
        "a": copies("a", [3, 6], **loss),
        "b": copies("b", [9], model__name="mlp", model__hidden=[8], preprocess__channels=1, **loss),
    }
    for name, losses in (("a", (0.25, 1.0)), ("b", (0.5,))):
        rows = read_history(runs[name])
        for row, value in zip(rows, losses, strict=True):
            row.val["loss"] = value
        write_history(runs[name], History("val_loss", False, 0.0, rows))
    compare([str(runs["b"]), str(runs["a"])])
    table = capsys.readouterr().out.partition("Results, the best first:")[2].splitlines()
    assert [line.split()[0] for line in table[2:4]] == ["a", "b"]  # 0.25 is below 0.5, and 1.0 came later
    assert "  8,355  " in table[2] and f"  {8 * 64 + 8 + 3 * 8 + 3}  " in table[3]


def test_the_table_has_intervals_and_the_size_of_the_network(copies):
    run = read_finished(copies("a", [3, 6]), "a")
    assert run.num_validation == NINE
    cost = count_network(run.run.config, run.run.preprocess, run.run.class_names)
    assert cost[0] == 80 + 8 * 2 + (512 * 16 + 16) + (
        16 * 3 + 3
    )  # 3 x 3 conv of 8 maps, BatchNorm, 8 x 8 x 8, 3 classes
    assert cost[1] == 2 * (64 * 72 + 512 * 16 + 16 * 3)
    low, high = wilson_interval(6, NINE)
    (row,) = comparison.table_of_results([run], [cost]).rows
    assert row[1] == f"0.6667 ({low:.3f} .. {high:.3f})"
    assert row[3:] == ["2 of 2", f"{run.history.seconds():,.1f}", "8,355", "0.0257"]


def test_pairs_need_the_same_test_examples(copies):
    runs = [read_finished(copies(name, [3]), name) for name in "abc"]
    answers = {f"{number}.png": ("cat", "cat") for number in range(6)}
    predictions(runs[0].run.workdir, answers)
    predictions(runs[1].run.workdir, dict.fromkeys(reversed(answers), ("cat", "dog")))
    predictions(runs[2].run.workdir, {f"other{number}.png": ("cat", "cat") for number in range(6)})
    table = comparison.table_of_pairs(runs)
    assert table.rows == [["a / b", "6", "0", "0.031"]]  # 2 of 2**6
    assert "of 1 pairs of such, 0.05 come below 0.05 by chance" in table.note
    assert comparison.table_of_pairs(runs[1:]) is None
    assert "are of other examples, so they are not tested for chance" in _remarks(runs)[-1]
    assert len(_remarks(runs)) - len(_remarks(runs[:2])) == 1


def test_versions_are_told_apart(copies):
    run = read_finished(copies("a", [3]), "a")
    one, other = (
        replace(run, name=name, environment={"python": "3.13", "devices": ["cpu"] * count, "packages": {"jax": jax}})
        for name, count, jax in (("a", 2, "0.12"), ("b", 2, "0.10"))
    )
    table = comparison.table_of_versions([one, other])
    assert (table.header, table.rows) == (["run", "jax"], [["a", "0.12"], ["b", "0.10"]])
    assert table.note == "The same of all: python 3.13, devices 2 x cpu"
    assert comparison.table_of_versions([one, one]).rows == []


@pytest.mark.parametrize(
    ("file", "values", "reason"),
    [
        ("config.json", {"task__name": "sigmoid"}, "its task is sigmoid, that of a is softmax"),
        ("classes.json", ["0", "1", "9"], "its classes differ from those of a in 2, 9"),
        ("data_report.json", {"key": "0" * 20}, "its data, or their splits, differ from those of a"),
    ],
)
def test_a_run_that_cannot_be_compared_is_left_out_with_the_reason(copies, file, values, reason):
    workdirs = [copies(name, [3]) for name in "abz"]
    odd = workdirs[-1]
    runs = [read_finished(workdir, workdir.name) for workdir in workdirs]
    if isinstance(values, list):
        (odd / file).write_text(json.dumps(values))
        runs[-1] = read_finished(odd, "z")
    elif "key" in values:
        change(odd / file, **values)
        splits = odd / "splits.csv"
        splits.write_text(splits.read_text().replace(",validation,", ",train,"))
        change(odd / file, splits_sha256=hashlib.sha256(splits.read_bytes()).hexdigest())
        runs[-1] = read_finished(odd, "z")
    else:
        runs[-1].run.config.task.name = values["task__name"]
    assert comparable_runs(runs) == (runs[:2], [f"z is left out: {reason}"])
    assert comparable_runs(runs[::-1])[0] == runs[1::-1]  # the larger group, whichever comes first


def test_everything_is_written(copies, tmp_path, capsys):
    best = copies("best", [9], seed=3)
    copies("other", [3, 6])
    copies("broken", [3]).joinpath("history.csv").unlink()
    metrics = {"checkpoint_step": load(best).config.seed, "accuracy": 0.5, "accuracy_interval_95": [0.25, 0.75]}
    add_to_report(best, "test", metrics)
    compare([str(tmp_path / "runs")], tmp_path / "out")
    out = capsys.readouterr().out
    assert "broken is left out: " in out and "has no epoch yet" in out
    assert "The test result of best is that of step 3, not of its best epoch." in out
    assert "Not measured on the test split yet (evaluate --workdir=RUN does): other" in out
    with (tmp_path / "out" / "compare.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["run"], row["seed"], row["val_accuracy"]) for row in rows] == [
        ("best", "3", "1.0"),
        ("other", "0", str(6 / NINE)),
    ]
    assert (rows[0]["test_accuracy"], rows[0]["test_accuracy_low"], rows[1]["test_accuracy"]) == ("0.5", "0.25", "")
    text = (tmp_path / "out" / "compare.md").read_text()
    assert "broken is left out: " in text and "Not measured on the test split yet" in text
    assert "| best | 1.0000 (0.701 .. 1.000) |" in text and "0.5000 (0.250 .. 0.750)" in text
    page = (tmp_path / "out" / "compare.html").read_text()
    assert "0.5000 (0.250 .. 0.750)" in page and "<svg" in page
    assert (tmp_path / "out" / "compare.png").read_bytes().startswith(b"\x89PNG")


def test_one_run_is_no_comparison(copies):
    with pytest.raises(ConfigError, match="compare needs run directories"):
        compare([])
    with pytest.raises(RunError, match="no two of these runs"):
        compare([str(copies("a", [3]))])
