import csv
import io
import json
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from picture_helpers import without_permission
from PIL import Image

from study_classification.errors import ConfigError
from study_classification.inference import predict as predict_module
from study_classification.inference.predict import find_files, listed_files, predict, predict_examples, write_rows
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.paths import read_file


def predicted(capsys, run, inputs, **options):
    capsys.readouterr()
    code = predict(run, [str(text) for text in inputs], **options)
    return code, capsys.readouterr().out


def test_prediction_keeps_order_and_explains_errors(run, digits, tmp_path, capsys):
    (tmp_path / "text.jpg").write_text("hello")
    images = sorted((digits / "0").iterdir())[:3]
    inputs = [images[2], tmp_path / "text.jpg", images[0], tmp_path / "absent.png", images[1]]
    code, output = predicted(capsys, run, inputs, output_format="jsonl", top_k=2)
    rows = [json.loads(line) for line in output.splitlines()]
    assert code == 3
    assert [row["file"] for row in rows] == [str(file) for file in inputs]
    assert [row.get("error", "") for row in rows] == ["", "it is text, not a picture", "", "it does not exist", ""]
    assert rows[0]["class"] in ("0", "1", "2")
    assert rows[0]["probability"] >= rows[0]["probability_2"]
    assert "class" not in rows[1]


@pytest.mark.parametrize("batch_size", [2, 3, 10])
def test_an_unreadable_file_takes_no_answer_of_another(config, tmp_path, batch_size):
    """The network says how bright an image is: files are named after it, or after their fault."""
    names = ["10", "broken", "250", "absent", "broken", "130", "absent", "70"]
    (tmp_path / "broken").write_bytes(b"nonsense")
    for name in names:
        if name.isdigit():
            Image.new("L", (4, 4), int(name)).save(tmp_path / name, format="png")
    asked = []

    def brightness(images):
        asked.append(len(images))
        values = images.mean((1, 2, 3)) / 255
        return np.stack([1 - values, values], -1)

    run = SimpleNamespace(config=config, preprocess=Preprocess(4, 4, "bilinear", 1, (0.5,), (0.25,)))
    run.class_names = ("dark", "bright")
    trained = SimpleNamespace(run=run, batch_sizes=[1, batch_size], probabilities_of=brightness)
    rows = list(predict_examples(trained, [str(tmp_path / name) for name in names], 2, 0.0))
    assert [row["file"] for row in rows] == [str(tmp_path / name) for name in names]
    expected = {"10": ("dark", 245), "250": ("bright", 250), "130": ("bright", 130), "70": ("dark", 185)}
    for name, row in zip(names, rows, strict=True):
        if name in expected:
            label, value = expected[name]
            assert (row["class"], row["probability"]) == (label, pytest.approx(value / 255))
            assert row["probability_2"] == pytest.approx(1 - value / 255) and not row["error"]
        else:
            assert (row["class"], row["probability"]) == ("", "") and row["error"]
    assert sum(asked) == 4


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


@pytest.mark.parametrize(
    ("encoding", "end"), [("utf-8", "\r\n"), ("utf-8-sig", "\n"), ("utf-16", "\r\n"), ("utf-8", "\r")]
)
def test_lists_of_other_systems(tmp_path, encoding, end):
    with (tmp_path / "list").open("wb") as file:
        file.write(end.join(["猫.png", "", "a b.png "]).encode(encoding))
    with (tmp_path / "list").open(encoding="utf-8") as stream:
        assert list(listed_files(stream)) == ["猫.png", "a b.png "]


def test_a_list_holds_names_of_any_bytes(tmp_path):
    (tmp_path / "list").write_bytes(b"caf\xe9.png\n")
    with (tmp_path / "list").open(encoding="utf-8") as stream:
        assert list(listed_files(stream)) == [os.fsdecode(b"caf\xe9.png")]
    with pytest.raises(ConfigError, match="stdin is closed"):
        list(listed_files(None))


def test_what_files_are_meant(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a/1.png", "a/b/2.png", "a/run/curves.png", "[c]/3.png", "~4.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "a" / "b" / "up").symlink_to("..")
    for name in ("config.json", "classes.json"):
        (tmp_path / "a" / "run" / name).touch()
    for text, expected in {
        "a": ["a/1.png", "a/b/2.png"],
        "a\\b\\2.png": ["a/b/2.png"],
        "a\\b\\*.png": ["a/b/2.png"],
        '"a\\b\\2.png"': ["a/b/2.png"],
        '"a/1.png"': ["a/1.png"],
        '"': ['"'],
        "~/[[]c]": [f"{tmp_path}/[c]/3.png"],
        "~4.png": ["~4.png"],
        "~nosuchuser/5.png": ["~nosuchuser/5.png"],
        "[c]": ["[c]/3.png"],
        "[[]*": ["[c]/3.png"],
        "empty": ["empty"],
        "a/run": ["a/run"],
        "x\0*": ["x\0*"],
    }.items():
        assert list(find_files([text])) == expected
    said = capsys.readouterr().out
    assert (
        "a/run is a folder that this program has made: passed over" in said
        and "a/b/up is a link to a folder above" in said
    )


def test_a_folder_that_cannot_be_read_costs_no_other_row(tmp_path, monkeypatch):
    for name in ("a/1.png", "b/2.png", "c/3.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    without_permission(monkeypatch, tmp_path / "b")
    monkeypatch.chdir(tmp_path)
    assert list(find_files(["."])) == ["./a/1.png", "./c/3.png", "./b"]
    assert list(find_files(["b", "c"])) == ["b", "c/3.png"]
    with pytest.raises(PermissionError):  # which is the reason in its row
        read_file("b")


def test_rows_of_what_is_no_image(run, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / os.fsdecode(b"=\xe9.png")).touch()
    code, output = predicted(capsys, run, ["empty", "pipe.png", "x\0y", os.fsdecode(b"=\xe9.png")], output_format="csv")
    assert code == 3
    assert [(row["file"], row["error"]) for row in csv.DictReader(io.StringIO(output))] == [
        ("empty", "there are no pictures in this folder"),
        ("pipe.png", "it is a pipe, not a file"),
        ("x\\x00y", "its name holds a character that no file name can have"),
        ("'=\\xe9.png", "it is empty"),
    ]


def test_an_empty_list_is_said(run, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert predict(run, ["-"], output_format="jsonl") == 0
    out, err = capsys.readouterr()
    assert out == "" and "Nothing was predicted: the list is empty" in err


def test_shards_give_each_image_once_and_in_order(run, digits, capsys, monkeypatch):
    expected = sorted(map(str, (digits / "1").iterdir()))[:7]
    names = [str(digits / "absent.png"), *expected]
    for inputs in (names, ["-"]):
        found = []
        for index in range(3):
            monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(names) + "\n"))
            code, output = predicted(capsys, run, inputs, output_format="csv", shard=(index, 3))
            assert code == (3 if index == 0 else 0)  # of its own images alone
            found.append([row["file"] for row in csv.DictReader(io.StringIO(output))])
        assert found == [names[0::3], names[1::3], names[2::3]]
    code, output = predicted(capsys, run, names[:2], output_format="json", shard=(2, 3))  # more shards than images
    assert (code, json.loads(output)) == (0, [])


def test_prediction_streams(run, digits, monkeypatch):
    """The first row comes before the last file is asked for, and only a bounded number of images is read ahead."""
    file = str(sorted((digits / "1").iterdir())[0])
    asked = []

    def endless():
        while True:
            asked.append(1)
            yield file

    trained = predict_module.load_predictor(run, "best")
    rows = predict_module.predict_examples(trained, endless(), 1, 0.0)
    for _ in range(3 * run.config.batch_size):
        next(rows)
    assert len(asked) < 3 * run.config.batch_size + 100


def test_nothing_to_predict(run):
    with pytest.raises(ConfigError, match="predict needs pictures"):
        predict(run, [])


def test_an_address_of_another_kind_is_refused_before_anything_is_read(run):
    with pytest.raises(ConfigError, match=r"the path 'https://host/a\.png' cannot be used"):
        predict(run, ["a.png", "https://host/a.png"])


def test_the_table_has_columns_whatever_the_names_of_the_files(capsys):
    rows = [{"file": name, "class": "x", "probability": 0.5, "error": ""} for name in ("ねこ.png", "cat.png", "猫.png")]
    write_rows(rows, ["file", "class", "probability", "error"], "table", sys.stdout)
    assert capsys.readouterr().out == "ねこ.png  x 50.0%\ncat.png   x 50.0%\n猫.png    x 50.0%\n"


def test_a_class_is_unknown_below_the_threshold_and_not_at_it():
    halves = np.array([0.5, 0.5], np.float32)
    assert predict_module._classes(halves, ("a", "b"), 1, 0.5) == {"class": "a", "probability": 0.5}
    assert predict_module._classes(halves, ("a", "b"), 1, 0.501)["class"] == "unknown"
