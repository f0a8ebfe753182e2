import csv
import io
import json
import shutil

import numpy as np
import pytest

from study_classification import predict as predict_module
from study_classification.errors import AccuracyError, ConfigError, DataError, RunError
from study_classification.evaluate import evaluate
from study_classification.predict import predict
from study_classification.run_directory import load
from study_classification.train import train_and_evaluate


@pytest.fixture
def run(config, tmp_path):
    config.total_epochs = 4.0
    train_and_evaluate(config, tmp_path / "run")
    return load(tmp_path / "run")


def read_csv(file):
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


def predicted(capsys, run, inputs, **options):
    capsys.readouterr()
    code = predict(run, [str(text) for text in inputs], **options)
    return code, capsys.readouterr().out


def test_evaluation_is_exact_and_agrees_with_prediction(run, digits, capsys):
    for split, count in (("train", 72), ("validation", 9), ("test", 9)):
        metrics = evaluate(run, split=split)
        assert (metrics["examples"], metrics["split"]) == (count, split)
        files = [digits / row["name"] for row in read_csv(run.workdir / "splits.csv") if row["split"] == split]
        code, output = predicted(capsys, run, files, output_format="csv")
        answers = list(csv.DictReader(io.StringIO(output)))
        assert code == 0
        assert [row["file"] for row in answers] == [str(file) for file in files]
        correct = sum(row["class"] == file.parent.name for row, file in zip(answers, files, strict=True))
        assert correct == metrics["correct"]
    report = json.loads((run.workdir / "report.json").read_text())
    assert report.keys() == {"train", "validation", "test"}
    assert evaluate(run)["split"] == "test"


def test_evaluation_does_not_depend_on_the_batch_size(run):
    first = evaluate(run, split="train")
    for size in (1, 7, 100):
        run.config.batch_size = size
        metrics = evaluate(run, split="train")
        assert metrics["correct"] == first["correct"]
        assert metrics["loss"] == pytest.approx(first["loss"], rel=1e-5)


def test_best_and_last_are_what_the_history_says(run):
    rows = read_csv(run.workdir / "history.csv")
    last = evaluate(run, split="validation", checkpoint="last")
    assert last["checkpoint_step"] == int(rows[-1]["step"])
    assert last["loss"] == pytest.approx(float(rows[-1]["val_loss"]), rel=1e-5)
    best = evaluate(run, split="validation")
    assert best["accuracy"] == max(float(row["val_accuracy"]) for row in rows)
    assert evaluate(run, split="validation", checkpoint=str(best["checkpoint_step"])) == best


def test_the_least_accuracy(run):
    reached = evaluate(run)["accuracy"]
    assert evaluate(run, assert_accuracy=reached)["accuracy"] == reached
    with pytest.raises(AccuracyError, match="the accuracy on test is"):
        evaluate(run, assert_accuracy=reached + 0.01)


def test_other_folders_are_matched_by_class_name(run, digits, tmp_path):
    other = tmp_path / "other"
    for label in "21":  # not all classes, and so other indices than in training
        shutil.copytree(digits / label, other / label)
    metrics = evaluate(run, source=str(other))
    assert [metrics["classes"][label]["support"] for label in "012"] == [0, 30, 30]
    own = [evaluate(run, split=split)["confusion_matrix"]["counts"] for split in ("train", "validation", "test")]
    assert metrics["confusion_matrix"]["counts"][1:] == np.sum(own, axis=0)[1:].tolist()
    shutil.move(other / "2", other / "3")
    with pytest.raises(DataError, match="class '3', which the network does not know"):
        evaluate(run, source=str(other))


def test_added_pictures_do_not_move_old_ones(run, digits, capsys):
    before = evaluate(run)
    shutil.copy(digits.parent / "digits" / "0" / sorted(p.name for p in (digits / "0").iterdir())[0], digits / "1")
    capsys.readouterr()
    assert evaluate(run)["examples"] >= before["examples"]
    assert "have changed since the training" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("which", "message"),
    [("7", "no checkpoint '7': give best, last, or one of the steps"), ("bset", "no checkpoint 'bset'")],
)
def test_an_absent_checkpoint_is_named(run, which, message):
    with pytest.raises(RunError, match=message):
        evaluate(run, checkpoint=which)


def test_a_checkpoint_of_another_network_is_named(run):
    run.config.model.name = "mlp"
    with pytest.raises(RunError, match=r"of another network: .* is 8 there and absent here"):
        evaluate(run)


def test_prediction_keeps_order_and_explains_errors(run, digits, tmp_path, capsys):
    (tmp_path / "text.jpg").write_text("hello")
    pictures = sorted((digits / "0").iterdir())[:3]
    inputs = [pictures[2], tmp_path / "text.jpg", pictures[0], tmp_path / "absent.png", pictures[1]]
    code, output = predicted(capsys, run, inputs, output_format="jsonl", top_k=2)
    rows = [json.loads(line) for line in output.splitlines()]
    assert code == 3
    assert [row["file"] for row in rows] == [str(file) for file in inputs]
    assert [row.get("error", "") for row in rows] == ["", "it is text, not a picture", "", "it does not exist", ""]
    assert rows[0]["class"] in ("0", "1", "2")
    assert rows[0]["probability"] >= rows[0]["probability_2"]
    assert "class" not in rows[1]


def test_all_formats_say_the_same(run, digits, capsys):
    file = sorted((digits / "1").iterdir())[0]
    as_json = json.loads(predicted(capsys, run, [file], output_format="json", top_k=3)[1])
    as_lines = json.loads(predicted(capsys, run, [file], output_format="jsonl", top_k=3)[1])
    as_csv = next(csv.DictReader(io.StringIO(predicted(capsys, run, [file], output_format="csv", top_k=3)[1])))
    table = predicted(capsys, run, [file], top_k=3)[1]
    assert as_json == [as_lines]
    assert as_csv == {name: str(value) for name, value in as_lines.items()} | {"error": ""}
    assert sum(as_lines[name] for name in ("probability", "probability_2", "probability_3")) == pytest.approx(
        1, abs=1e-5
    )
    assert (
        table
        == f"{file}  "
        + "  ".join(f"{as_lines[f'class{rank}']} {as_lines[f'probability{rank}']:.1%}" for rank in ("", "_2", "_3"))
        + "\n"
    )


def test_below_the_threshold_is_unknown(run, digits, capsys):
    file = sorted((digits / "1").iterdir())[0]
    row = json.loads(predicted(capsys, run, [file], output_format="jsonl", threshold=1.0)[1])
    assert row["class"] == "unknown"


def test_folders_patterns_and_stdin(run, digits, capsys, monkeypatch):
    (digits / "1" / ".hidden.png").touch()
    expected = sorted(map(str, (digits / "1").glob("[0-9]*.png")))
    for inputs in ([digits / "1"], [digits / "1" / "*.png"], ["-"]):
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(expected) + "\n"))
        code, output = predicted(capsys, run, inputs, output_format="csv")
        assert code == 0
        assert [row["file"] for row in csv.DictReader(io.StringIO(output))] == expected


def test_prediction_streams(run, digits, monkeypatch):
    """The first row comes before the last file is asked for, and only a bounded number of pictures is read ahead."""
    file = str(sorted((digits / "1").iterdir())[0])
    asked = []

    def endless():
        while True:
            asked.append(1)
            yield file

    trained = predict_module.load_trained(run, "best")
    rows = predict_module.predict_files(run, trained, endless(), 1, 0.0)
    for _ in range(3 * run.config.batch_size):
        next(rows)
    assert len(asked) < 3 * run.config.batch_size + 100


def test_nothing_to_predict(run):
    with pytest.raises(ConfigError, match="predict needs pictures"):
        predict(run, [])
