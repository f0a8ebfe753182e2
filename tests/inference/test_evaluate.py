import csv
import dataclasses
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from study_classification.errors import AccuracyError, DataError, DivergedError, EnvironmentFault, RunError
from study_classification.inference.evaluate import evaluate
from study_classification.inference.predict import predict
from study_classification.inference.predictor import load_predictor
from study_classification.runs import results
from study_classification.runs.checkpoints import steps_in
from study_classification.system.files import unwritable


def read_csv(file):
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


def test_evaluation_is_exact_and_agrees_with_prediction(run, digits, capsys):
    for split, count in (("train", 72), ("validation", 9), ("test", 9)):
        metrics = evaluate(run, split=split)
        assert (metrics["examples"], metrics["split"]) == (count, split)
        files = [digits / row["name"] for row in read_csv(run.workdir / "splits.csv") if row["split"] == split]
        capsys.readouterr()
        assert predict(run, list(map(str, files)), output_format="csv") == 0
        answers = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
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


def test_flipped_evaluation_agrees_with_flipped_prediction_and_has_a_name_of_its_own(run, digits, capsys):
    plain, flipped = evaluate(run), evaluate(run, tta="flip")
    assert flipped["split"] == "test, tta=flip" and flipped["loss"] != plain["loss"]
    assert json.loads((run.workdir / "report.json").read_text()).keys() == {"test", "test, tta=flip"}
    files = [digits / row["name"] for row in read_csv(run.workdir / "splits.csv") if row["split"] == "test"]
    capsys.readouterr()
    predict(run, list(map(str, files)), tta="flip", top_k=3, output_format="jsonl")
    loss = 0.0
    for file, line in zip(files, capsys.readouterr().out.splitlines(), strict=True):
        row = json.loads(line)
        by_class = {row[f"class{rank}"]: row[f"probability{rank}"] for rank in ("", "_2", "_3")}
        loss -= np.log(by_class[file.parent.name]) / len(files)
    assert flipped["loss"] == pytest.approx(loss, rel=1e-4)


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


def test_added_images_do_not_move_old_ones(run, digits, capsys):
    before = evaluate(run)
    shutil.copy(digits.parent / "digits" / "0" / sorted(p.name for p in (digits / "0").iterdir())[0], digits / "1")
    capsys.readouterr()
    assert evaluate(run)["examples"] >= before["examples"]
    assert "have changed since the training" in capsys.readouterr().out


def test_on_a_copy_of_its_data_the_run_decides_what_is_measured(run, digits, tmp_path, capsys):
    """Moved, renamed and grown."""
    before = evaluate(run)
    moved = tmp_path / "moved"
    shutil.move(digits, moved)
    with pytest.raises(DataError, match=r"lie elsewhere now: evaluate --workdir=.* --data=PLACE --split=test"):
        evaluate(run)
    for number, image in enumerate(sorted((moved / "1").iterdir())):
        image.rename(image.with_name(f"renamed_{number}.png"))
    again = evaluate(run, source=str(moved), split="test")
    assert (again["examples"], again["loss"]) == (before["examples"], pytest.approx(before["loss"], rel=1e-5))
    assert (again["trained_on"], before["trained_on"]) == (0, 0)
    for image in sorted((moved / "0").iterdir())[:20]:
        Image.open(image).transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(image.with_name(f"new_{image.name}"))
    capsys.readouterr()
    assert evaluate(run, source=str(moved), split="test")["trained_on"] == 0
    said = capsys.readouterr().out
    assert "were trained on" not in said
    assert "2 of these 11 pictures are new since the training, and were given the split test now." in said
    everything = evaluate(run, source=str(moved))
    assert (everything["examples"], everything["trained_on"]) == (110, 72)
    assert "72 of these 110 pictures were trained on" in capsys.readouterr().out
    report = json.loads((run.workdir / "report.json").read_text())
    assert report[f"all of {moved}"]["trained_on"] == 72


def test_a_splits_file_of_the_training_is_not_needed(run, capsys):
    run.config.data.splits = "gone/splits.csv"
    before = evaluate(run)
    assert (before["examples"], before["trained_on"]) == (9, 0)
    assert "have changed" not in capsys.readouterr().out


def test_the_table_is_shown_before_it_is_written(run, monkeypatch, capsys):
    def refused(file, content):
        raise unwritable(file.parent, OSError(30, "Read-only file system"))

    monkeypatch.setattr(results, "write_json", refused)
    with pytest.raises(
        EnvironmentFault, match=r"cannot be written \(Read-only file system\), so the result is not kept"
    ):
        evaluate(run)
    assert "test: accuracy" in capsys.readouterr().out
    with pytest.raises(AccuracyError):
        evaluate(run, split="validation", assert_accuracy=1.1)


def test_a_damaged_checkpoint_is_never_measured(run, capsys):
    folder = run.workdir / "checkpoints"
    steps = steps_in(folder)
    best = evaluate(run)["checkpoint_step"]
    data = max((path for path in (folder / str(best) / "model").rglob("*")), key=lambda path: path.stat().st_size)
    data.write_bytes(bytes(len(data.read_bytes())))
    capsys.readouterr()
    assert evaluate(run)["checkpoint_step"] in set(steps) - {best}
    assert f"the checkpoint {folder / str(best)} is damaged: " in capsys.readouterr().out
    with pytest.raises(RunError, match="is not what was written"):
        evaluate(run, checkpoint=str(best))


def test_a_network_that_gives_no_numbers_is_no_result(run, digits, monkeypatch):
    predictor = load_predictor(run, "best")
    broken = dataclasses.replace(predictor, predictions=lambda batch: np.full((len(batch["image"]), 3), np.nan))
    with pytest.raises(DivergedError, match="gives values that are NaN or infinite"):
        broken.evaluate()
    with pytest.raises(DivergedError, match="gives values that are NaN or infinite"):
        broken.predict([str(path) for path in sorted((digits / "0").iterdir())[:2]])


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


def test_the_worst_examples_are_named(run, digits, capsys):
    metrics = evaluate(run, split="train", worst=20)
    assert "worst" not in metrics
    rows = read_csv(run.workdir / "worst.csv")
    losses = [float(row["loss"]) for row in rows]
    assert len(rows) == 20 and losses == sorted(losses, reverse=True)
    assert all(row["label"] == row["name"].split("/")[0] for row in rows)
    # exact for one of them: its loss is -ln of the probability of its label
    predictor = load_predictor(run, "best")
    named = predictor.predict(str(digits / rows[0]["name"]))
    assert losses[0] == pytest.approx(-np.log(named.probabilities[rows[0]["label"]]), abs=1e-3)
    assert rows[0]["prediction"] == named.label
    # nothing that was left out is worse
    rest = metrics["loss"] * metrics["examples"] - sum(losses)
    assert rest <= losses[-1] * (metrics["examples"] - 20) + 1e-3
    out = capsys.readouterr().out
    assert "The 20 pictures of the largest losses" in out and rows[9]["name"] in out and rows[10]["name"] not in out
