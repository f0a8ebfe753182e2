import csv
import sys
from pathlib import Path

import pytest


@pytest.fixture
def compare(monkeypatch, cache):
    """(arguments) -> the rows of the table, from the script as a user runs it."""
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "scripts")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(cache / "hub"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    import compare_learning

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["compare_learning.py", *map(str, arguments)])
        compare_learning.main()
        workdir = Path(arguments[arguments.index("--workdir") + 1])
        with (workdir / "comparison.csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    yield run
    del sys.modules["compare_learning"]


def test_a_row_for_each_network_and_learning(compare, digits, tmp_path, capsys):
    arguments = (digits, "--workdir", tmp_path / "runs", "--models", "original", "--from_scratch", "size=16,epochs=2")
    scratch, tuned, transferred = compare(*arguments)
    assert (scratch["model"], scratch["learning"]) == ("original", "from_scratch")
    assert 0 <= float(scratch["test_accuracy"]) <= 1
    assert (scratch["epochs"], scratch["image_size"], scratch["note"]) == ("2", "16", "")
    with (tmp_path / "runs" / "original-from_scratch" / "history.csv").open(encoding="utf-8", newline="") as stream:
        accuracies = [round(float(epoch["val_accuracy"]), 4) for epoch in csv.DictReader(stream)]
    assert float(scratch["val_accuracy"]) == max(accuracies)
    assert int(scratch["best_epoch"]) == 1 + accuracies.index(max(accuracies))
    for row in (tuned, transferred):
        assert row["val_accuracy"] == ""
        assert row["note"].startswith("nobody has published ImageNet weights of original")
    before = capsys.readouterr().out
    assert "| original | from scratch | " in (tmp_path / "runs" / "comparison.md").read_text(encoding="utf-8")
    assert compare(*arguments)[0] == scratch  # what is there is not trained again
    assert "epoch 1/2" in before
    assert "epoch 1/2" not in capsys.readouterr().out
    rows = compare(*arguments[:3], "--models", "resnet", "--learning", "fine_tuning")  # another part of the table
    assert [row["model"] for row in rows] == ["original", "original", "original", "resnet"]
    assert rows[0] == scratch


def test_weights_that_are_not_at_hand_are_named_with_the_command_that_fetches_them(compare, digits, tmp_path):
    (row,) = compare(digits, "--workdir", tmp_path / "runs", "--models", "resnet", "--learning", "transfer_learning")
    assert row["val_accuracy"] == ""
    assert "is not in the cache" in row["note"]
    assert "hf download timm/resnet50" in row["note"]


def test_weights_from_a_folder(compare, digits, tmp_path, shared):
    (row,) = compare(
        digits, "--workdir", tmp_path / "runs", "--models", "mobilenet", "--learning", "transfer_learning",
        "--weights", shared / "data" / "weights", "--transfer_learning", "size=32,epochs=1",
    )  # fmt: skip
    assert (row["weights"], row["image_size"]) == ("mobilenet_v2_imagenet.safetensors", "32")
    assert float(row["val_accuracy"]) >= 0
