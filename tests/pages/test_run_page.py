"""report.html by its content: sections that fit the task, mistakes worst first, findings, and figures that fail."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from study_classification.configs import default
from study_classification.data.rows import RowSplit
from study_classification.errors import EnvironmentFault
from study_classification.inputs.tables import NumberColumn, TablePreprocess
from study_classification.language.translate import speak
from study_classification.pages import run_page
from study_classification.pages.run_page import Finished, write_page
from study_classification.reports.answers import Answers
from study_classification.runs.directory import Run
from study_classification.runs.history import Epoch, History
from study_classification.runs.results import add_to_report
from study_classification.system.files import write_json
from study_classification.tasks.regression import Regression
from study_classification.tasks.sigmoid import Sigmoid
from study_classification.tasks.softmax import Softmax

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = TablePreprocess(tuple(NumberColumn(name, 0.0, 0.0, 1.0, False) for name in ("age", "fare")), ())


def history(*measures):
    found = History("val_loss", False, 0.0)
    for number in range(1, 4):
        values = {"loss": 1.0 / number, **dict.fromkeys(measures, 0.5)}
        found.add(Epoch(number, number, values, values, 0.01 / number, 9.0, 1.0))
    return found


def finished_run(workdir, names, labels, predictions, task, params=None, split="validation"):
    config = default.get_config()
    config.data.source, config.data.target, config.model.dropout = "t.csv", "price", 0.25
    counts = {name: {"train": 7, "validation": 3} for name in names}
    numbers = {"train": {"pictures": 7, "lowest": 0, "highest": 9, "mean": 4.5, "deviation": 2}}
    lists = {key: [] for key in ("duplicates", "two_labels", "in_two_splits", "hidden")}
    found = {"classes": counts, "numbers": {} if names else numbers, "unreadable": {"x": "cut off"}} | lists
    write_json(workdir / "data_report.json", {"key": "0a1b"} | found)
    environment = {"time": "2026-01-31", "command": ["main.py", "--config=a b"], "python": "3.13", "platform": "Linux"}
    write_json(workdir / "environment.json", environment | {"devices": ["cpu"], "packages": {"jax": "0.12", "x": None}})
    run = Run(workdir, config, tuple(names), COLUMNS, {} if names else {"mean": 2.0, "std": 1.0})
    answers = Answers([f"row {i}" for i in range(len(labels))], np.array(labels), np.array(predictions))
    rows = RowSplit("t.csv", tuple(answers.names), ({},) * len(labels), answers.labels, ("age", "fare"), ())
    measure = "accuracy" if names else "mse"
    extra = () if names else ("mae",)
    return Finished(run, task, history(measure, *extra), 3, split, rows, answers, params or {})


@pytest.fixture
def classes(tmp_path):
    logs = np.log([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
    params = {"head": {"classifier": {"kernel": np.array([[1.0, 3.0], [2.0, 0.0]]), "bias": np.zeros(2)}}}
    return finished_run(tmp_path, ("ant <b>", "bee"), [0, 0, 1, 1], logs, Softmax(2), params)


def headings(text):
    return re.findall(r"<h2>(.*?)</h2>", text)


def test_a_classification_has_all_its_sections(classes):
    add_to_report(classes.run.workdir, "test", {
        "accuracy": 0.75, "accuracy_interval_95": [0.6, 0.9], "examples": 40, "loss": 0.5, "checkpoint_step": 3
    })  # fmt: skip
    file = write_page(classes)
    text = file.read_text()
    assert headings(text) == [
        "What this run shows", "Curves", "Which class is taken for which", "Each class", "Wrong, the worst first",
        "At other thresholds", "Can its probabilities be believed?", "What the weights say", "Data",
        "Settings that differ from the default", "How to repeat it",
    ]  # fmt: skip
    assert "Of 4 validation rows, which it was not trained on, the network got 2 right: 50.0%." in text
    assert "expect between 15.0% and 85.0% (95 % interval)" in text
    assert "<td>test</td>" in text and "75.00%</td>" in text and "60.0% - 90.0%" in text
    assert "80.0%" in text[text.index("row 1</td>") :][:200]  # of what was said
    assert "Too few to tell: 2 of 4 validation rows were right" in text
    assert text.index("row 1</td>") < text.index("row 2</td>")  # 0.2 of what is true, then 0.3
    assert "ant &lt;b&gt;" in text and "ant <b>" not in text
    assert "<td>model.dropout</td>" in text and "main.py &#39;--config=a b&#39;" in text
    assert "1 unreadable, left out:" in text
    assert not re.search(r"https?:|<script|<link", text)
    figures = {"confusion", "curve_accuracy", "curve_loss", "learning_rate", "precision_recall", "reliability", "roc"}
    folder = classes.run.workdir / "figures"
    assert {each.name for each in folder.iterdir()} == {
        f"{f}.{e}" for f in figures | {"weights"} for e in ("svg", "png")
    }
    assert text.count("<svg") == 8 and len(text) < 1_000_000


def test_of_two_classes_by_one_output_the_positive_one_comes_last(classes):
    for positive, expected in ((1, ("ant <b>", "bee")), (0, ("bee", "ant <b>"))):
        assert dataclasses.replace(classes, task=Sigmoid(2, positive=positive)).outputs == expected


def test_a_regression_has_no_sections_of_classes(tmp_path):
    params = {"head": {"classifier": {"kernel": np.array([[1.0], [2.0]]), "bias": np.zeros(1)}}}
    made = finished_run(tmp_path, (), [1.0, 2.0, 3.0], [1.5, 2.0, 1.0], Regression(mean=2.0), params)
    text = write_page(made).read_text()
    assert headings(text) == [
        "What this run shows", "Curves", "Predicted and true numbers", "The largest errors", "What the weights say",
        "Data", "Settings that differ from the default", "How to repeat it",
    ]  # fmt: skip
    assert "The numbers of 3 validation rows were predicted with a mean error of 0.8333." in text
    assert "Always saying 2, the mean of training, would be wrong by 0.6667 on average." in text
    assert made.outputs == ("price",)
    assert text.index("row 2</td>") < text.index("row 0</td>")
    assert made.temperature is None


def test_the_page_is_in_japanese_where_the_program_is(classes):
    speak("ja")
    try:
        text = write_page(classes).read_text()
    finally:
        speak("en")
    assert '<html lang="ja">' in text and "docs/course/ja/06_metrics.md" in text
    assert "検証用の行 4 件のうち、2 件が正解でした: 50.0%。" in text
    assert "少なすぎて判断できません: 検証用の行 4 件のうち 2 件が正解でしたが" in text
    plain = re.sub(r"(?s)<style>.*?</style>|<svg.*?</svg>|<code>.*?</code>|<pre>.*?</pre>|<[^>]*>", "\n", text)
    assert not re.findall(r"\b[A-Za-z]{2,} [a-z]{3,}\b", plain)


def test_a_figure_that_fails_is_left_out_with_a_sentence(classes, monkeypatch, capsys):
    def fail(*arguments):
        raise ValueError("no axes")

    monkeypatch.setattr(run_page, "plot_roc", fail)
    text = write_page(classes).read_text()
    assert capsys.readouterr().err == "The figure roc is left out, for drawing it failed: ValueError: no axes\n"
    assert text.count("<svg") == 7 and "At other thresholds" in text  # precision and recall are there


def test_a_figure_that_cannot_be_written_ends_the_page(classes, monkeypatch):
    def full(*arguments, **keywords):
        raise EnvironmentFault("no space")

    monkeypatch.setattr(run_page, "figure", full)
    with pytest.raises(EnvironmentFault, match="no space"):
        write_page(classes)


def test_the_matrix_says_how_many_are_right_and_the_tiles_which_epoch_was_best(classes, monkeypatch):
    titles, given = [], {}
    monkeypatch.setattr(run_page, "plot_confusion", lambda counts, names, title: titles.append(title))
    monkeypatch.setattr(run_page, "figure", lambda drawn, alt, file: "")
    monkeypatch.setattr(run_page, "render", lambda template, **values: given.update(values) or "")
    classes.history.add(dataclasses.replace(classes.history.epochs[0], epoch=4))  # of a greater loss
    write_page(dataclasses.replace(classes, answers=mostly_bees()))
    assert titles == ["1 of 4 validation rows right"]
    assert given["best"].epoch == 3


def mostly_bees():
    """Three of four are bees, and all of them are called ants."""
    return Answers([f"row {i}" for i in range(4)], np.array([0, 1, 1, 1]), np.log([[0.9, 0.1]] * 4))


def test_pictures_of_training_have_their_labels(classes):
    text = write_page(classes, [("ant <b>", np.zeros((8, 8, 3), np.uint8))]).read_text()
    shown = text[text.index("<h2>What training sees") : text.index("<h2>Data")]
    assert shown.count("data:image/jpeg;base64,") == 1 and ">ant &lt;b&gt;</li>" in shown


def test_a_chapter_is_linked_where_the_repository_is(classes, tmp_path, monkeypatch):
    text = write_page(classes).read_text()
    links = re.findall(r'href="(file:[^"]+)"', text)
    assert len(links) == len(classes.findings)
    assert links[0] == (ROOT / "docs" / "course" / "en" / "06_metrics.md").as_uri()
    monkeypatch.setattr(run_page, "REPOSITORY", tmp_path)
    text = write_page(classes).read_text()
    assert 'href="file:' not in text and "<code>docs/course/en/06_metrics.md</code>" in text


def test_every_chapter_that_a_finding_names_is_there():
    named = set()
    for name in ("diagnosis", "layers"):
        source = (ROOT / "study_classification" / "reports" / f"{name}.py").read_text(encoding="utf-8")
        named |= set(re.findall(r'"(\d\d_\w+)"', source))
    assert len(named) == 5
    for chapter in named:
        assert all((ROOT / "docs" / "course" / each / f"{chapter}.md").is_file() for each in ("en", "ja")), chapter


def test_sixty_classes_have_a_small_page(tmp_path):
    rng = np.random.default_rng(0)
    logs = np.log(rng.dirichlet(np.ones(60), size=300))
    made = finished_run(tmp_path, [f"class {i}" for i in range(60)], rng.integers(60, size=300), logs, Softmax(60))
    text = write_page(made).read_text()
    assert len(text) < 1_000_000 and "Most frequent mistakes" in text
    assert text.count("<tr><td>row ") == 24


def test_of_a_test_split_nothing_is_judged_and_the_temperature_is_the_stored_one(classes):
    classes.keep_temperature()
    classes.keep_predictions()
    assert classes.temperature > 5  # half are right whatever it says
    kept = (classes.run.workdir / "calibration.json").read_text()
    errors = json.loads(kept)["expected_calibration_error"]
    assert errors["before"] == pytest.approx(0.5) and errors["after"] < 0.1  # (0.1 + 0.8 + 0.7 + 0.4) / 4
    test = dataclasses.replace(classes, split="test", answers=mostly_bees())
    test.keep_temperature()
    assert (classes.run.workdir / "calibration.json").read_text() == kept
    assert test.temperature == classes.temperature and test.findings == []
    file = write_page(test)
    assert file.name == "report_test.html" and (file.parent / "figures_test" / "roc.png").is_file()
    text = file.read_text()
    assert "Of 4 test rows, which nothing was chosen by, the network got 1 right" in text
    assert "Always saying bee would be right for 75.0%." in text
    assert (file.parent / "predictions_validation.csv").read_text().startswith("name,label,prediction,probability,loss")
