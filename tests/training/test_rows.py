"""Whole runs on a table and on texts, each of a second: learnt, kept, resumed, measured, used."""

import csv
import json

import numpy as np
import pytest
from run_helpers import assert_same_run, stop_and_resume

from study_classification import load
from study_classification.configs import table, text
from study_classification.errors import ConfigError, DataError
from study_classification.inference.evaluate import evaluate
from study_classification.inference.predict import predict
from study_classification.runs import directory
from study_classification.training.describe import describe_network
from study_classification.training.loop import train_and_evaluate


@pytest.fixture
def config(tmp_path, cache):
    """A table of two columns, one of which lacks numbers; the class is whether the number is above 20."""
    with (tmp_path / "ships.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["age", "port", "name", "survived"])
        for number in range(40):
            writer.writerow(["" if number % 8 == 0 else number, "SCQ"[number % 3], f"n{number}", number > 20])
    config = table.get_config(f"data={tmp_path / 'ships.csv'},target=survived,dropped=name,epochs=3")
    config.data.cache_dir = str(cache)
    config.model.hidden = (8,)
    config.batch_size = 16
    config.early_stopping.patience = 0
    return config


@pytest.fixture
def run(config, tmp_path):
    config.total_epochs, config.optimizer.learning_rate = 30.0, 0.03
    train_and_evaluate(config, tmp_path / "run")
    return directory.load(tmp_path / "run")


def test_a_table_is_resumed_exactly(config, tmp_path, monkeypatch):
    config.model.batch_norm = True
    train_and_evaluate(config, tmp_path / "whole")
    stop_and_resume(monkeypatch, config, tmp_path / "parts", 3)
    assert_same_run(config, tmp_path / "whole", tmp_path / "parts")


def test_what_was_learnt_is_kept_and_used_when_a_run_goes_on(config, tmp_path):
    train_and_evaluate(config, tmp_path / "run")
    file = tmp_path / "run" / "preprocess.json"
    kept = json.loads(file.read_text())
    assert [column["name"] for column in kept["columns"]] == ["age", "port"]
    assert kept["columns"][1]["categories"] == ["C", "Q", "S"] and kept["columns"][0]["indicator"]
    kept["columns"][0]["mean"] += 1e-9  # as of another version's arithmetic
    file.write_text(json.dumps(kept))
    config.total_epochs = 4.0
    train_and_evaluate(config, tmp_path / "run")
    assert json.loads(file.read_text()) == kept

    source = tmp_path / "ships.csv"
    source.write_text(source.read_text().replace("5,", "6,", 1))
    with pytest.raises(DataError, match=r"the rows of .*ships\.csv, or their splits, have changed"):
        train_and_evaluate(config, tmp_path / "run")


def test_a_run_on_a_table_is_measured_and_used(run, tmp_path, capsys):
    assert evaluate(run)["accuracy"] >= 0.75
    (tmp_path / "new.csv").write_text("port,age,survived\nS,35,x\nZ,3,\nS,old,\n")
    (tmp_path / "other.csv").write_text("port,years\nS,35\n")
    capsys.readouterr()
    assert predict(run, [str(tmp_path / "new.csv"), str(tmp_path / "other.csv")], output_format="csv") == 3
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [(row["line"], row["class"]) for row in rows] == [("2", "True"), ("3", "False"), ("4", ""), ("", "")]
    assert "the column age holds 'old'" in rows[2]["error"] and "the column age is missing" in rows[3]["error"]
    assert rows[3]["file"] == str(tmp_path / "other.csv")

    with pytest.raises(ConfigError, match="tta is flip, but the network sees rows"):
        load(run.workdir, tta="flip")
    predictor = load(run.workdir)
    assert predictor.predict({"age": 35, "port": "S"}).label == "True"
    assert predictor.predict([{"age": 3.0, "port": "S"}, {"age": None, "port": "S"}])[0].label == "False"
    assert predictor.probabilities({"age": 35, "port": "S"})[0, 1] == np.float32(rows[0]["probability"])
    assert predictor.features([]).shape == (0, 8)
    (tmp_path / "new.csv").write_text("port,age\nS,35\nZ,3\n")
    assert [row.label for row in predictor.predict(tmp_path / "new.csv")] == ["True", "False"]


def test_texts_are_learnt(tmp_path, cache, capsys):
    with (tmp_path / "films.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["text", "target"])
        for number in range(60):
            good = number % 2
            writer.writerow([f"film {number} was {'great fun' if good else 'so dull'}", "good" if good else "poor"])
    config = text.get_config(f"data={tmp_path / 'films.csv'},vocabulary=6,length=0,epochs=12")
    config.data.cache_dir, config.batch_size = str(cache), 16
    config.optimizer.learning_rate = 0.03
    train_and_evaluate(config, tmp_path / "run")
    assert "of 5 words at most; 48 of 240 words unknown" in capsys.readouterr().out  # the numbers of 48 films
    run = directory.load(tmp_path / "run")
    kept = json.loads((run.workdir / "preprocess.json").read_text())
    assert kept["words"][:2] == ["film", "was"] and set(kept["words"][2:]) == {"great", "fun", "so", "dull"}
    assert evaluate(run)["accuracy"] == 1
    predictor = load(run.workdir)
    assert [row.label for row in predictor.predict(["great!", "Dull.", {"text": "so so", "id": 3}])] == [
        "good",
        "poor",
        "poor",
    ]
    assert predictor.predict("what fun").label == "good"
    assert "texts of 5 words" in describe_network(run.config, run.preprocess, run.class_names)


def test_the_number_in_a_column_is_learnt(tmp_path, cache, capsys):
    (tmp_path / "line.csv").write_text("x,y\n" + "".join(f"{x},{2 * x + 1}\n" for x in range(60)))
    config = table.get_config(f"data={tmp_path / 'line.csv'},target=y,epochs=60")
    config.task.name, config.model.hidden, config.model.dropout = "regression", (), 0.0
    config.data.cache_dir, config.batch_size = str(cache), 16
    config.optimizer.learning_rate, config.optimizer.weight_decay = 0.05, 0.0
    config.monitor = ""
    train_and_evaluate(config, tmp_path / "run")
    said = capsys.readouterr().out
    assert "60 rows, each with a number: 48 train, 6 validation, 6 test" in said
    assert "mean of the training rows" in said and "pictures" not in said
    run = directory.load(tmp_path / "run")
    assert evaluate(run)["mae"] < 0.1
    said = capsys.readouterr().out
    assert "(6 rows)" in said and "pictures" not in said
    assert load(run.workdir).values([{"x": 100.0}, {"x": -1}]) == pytest.approx([201, -1], abs=0.5)
    (tmp_path / "new.csv").write_text("x\n7\nseven\n")
    assert predict(run, [str(tmp_path / "new.csv")], output_format="csv") == 3
    seven, error = csv.DictReader(capsys.readouterr().out.splitlines())
    assert float(seven["value"]) == pytest.approx(15, abs=0.2) and seven["line"] == "2"
    assert error["value"] == "" and "holds 'seven'" in error["error"]

    (tmp_path / "line.csv").write_text("x,y\n1,2\n3,no\n")
    with pytest.raises(DataError, match=r"the label 'no' of .*line\.csv is no number, but task.name is regression"):
        train_and_evaluate(config, tmp_path / "other")
