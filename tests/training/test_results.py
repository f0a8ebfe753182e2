"""What a run leaves that depends on its data: a formula, a curve, a map, a confusion table."""

import csv

import numpy as np
import pytest

from study_classification import load
from study_classification.configs.lessons import regression, xor
from study_classification.training import results
from study_classification.training.feed import open_feed
from study_classification.training.loop import train_and_evaluate
from study_classification.training.results import formula_of, number_columns
from study_classification.training.setup import resolve_config


@pytest.fixture
def line(cache):
    config = regression.get_config("epochs=4")
    config.data.cache_dir = str(cache)
    return config


def linear(weights, bias):
    classifier = {"kernel": np.array(weights, np.float32)[:, None], "bias": np.array([bias], np.float32)}
    return {"head": {"classifier": classifier}}


def test_the_formula_is_in_the_units_of_the_columns(line):
    assert formula_of(open_feed(resolve_config(line)), linear([2.5], -1.0)) == "y = 2.5 x - 1"
    line.data.standardized = line.task.standardized = True
    feed = open_feed(resolve_config(line))  # x has the mean 3 and the variance 26 / 5, and y = 2 x + 1
    assert formula_of(feed, linear([1.0], 0.0)) == "y = 2 x + 1"
    assert formula_of(feed, linear([0.5], 0.0)) == "y = 1 x + 4"  # half the slope, through the middle (3, 7)
    assert formula_of(feed, linear([0.0], 1.0)) == f"y = 0 x + {7 + 2 * (26 / 5) ** 0.5:.3g}"
    hidden = {"backbone": {"dense1": {"kernel": np.ones((1, 1))}}} | linear([1.0], 0.0)
    assert formula_of(feed, hidden) == ""


def test_few_columns_of_numbers_alone_can_be_written(tmp_path, line):
    def columns(header, *rows):
        splits = ("train", "validation")
        lines = [f"{header},split", *(f"{row},{split}" for split in splits for row in rows)]
        (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
        line.data.source = str(tmp_path / "t.csv")
        return [column.name for column in number_columns(open_feed(resolve_config(line)))]

    assert columns("a,b,c,y", "1,2,3,4", "2,3,4,5", "4,3,2,1") == ["a", "b", "c"]
    assert columns("a,b,c,d,y", "1,2,3,4,4", "2,3,4,5,5", "4,3,2,1,1") == []
    assert columns("a,b,y", "1,2,4", "2,,5", "4,3,1") == []
    assert columns("a,b,y", "1,2,4", "2,x,5", "4,3,1") == []


def test_sgd_on_five_points_goes_as_counted_by_hand(line, tmp_path, capsys):
    """Full batches: each step takes rate x 2 x mean(error x), and rate x 2 x mean(error)."""
    drawn = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "draw_fit", lambda *arguments: drawn.update(fit=arguments))
        train_and_evaluate(line, tmp_path / "run")
    x, w, b = np.array([0, 1, 3, 5, 6.0]), -1.3524131, 0.0
    formulas = []
    for _ in range(4):
        error = w * x + b - (2 * x + 1)
        w, b = w - 0.01 * 2 * (error * x).mean(), b - 0.01 * 2 * error.mean()
        formulas.append(f"  y = {w:.3g} x + {b:.3g}")
    out = capsys.readouterr().out
    assert [text for text in out.splitlines() if text.startswith("  y = ")] == formulas
    examples, target, places, values, formula, file = drawn["fit"]
    assert (target, formula, file) == ("y", formulas[-1].strip(), tmp_path / "run" / "fit.png")
    np.testing.assert_allclose(values, w * places + b, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(examples.train[:, 0], x)
    np.testing.assert_array_equal(examples.validation_labels, 2 * x + 1)
    assert f"Drawn: {file}\nNext:" in out


def test_a_map_of_two_columns_and_a_confusion_table(tmp_path, cache, capsys):
    config = xor.get_config("epochs=2,hidden=0")
    config.seed = 4
    config.data.cache_dir = str(cache)
    drawn = {}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("draw_boundary", "draw_confusion"):
            patch.setattr(results, name, lambda *arguments, name=name: drawn.update({name: arguments}))
        train_and_evaluate(config, tmp_path / "run")
    counts, class_names, title, file = drawn["draw_confusion"]
    with (tmp_path / "run" / "history.csv").open() as lines:
        best = max(csv.DictReader(lines), key=lambda row: -float(row["val_loss"]))
    assert counts.sum(axis=1).tolist() == [2, 2] and np.trace(counts) == 4 * float(best["val_accuracy"])
    assert class_names == ("no", "yes") and file.name == "confusion.png"
    assert title.startswith(f"{np.trace(counts)} of 4 validation rows right\nyes: precision ")
    assert "Positive class yes in validation: precision" in capsys.readouterr().out

    examples, _, x, y, probabilities, file = drawn["draw_boundary"]
    np.testing.assert_allclose(examples.train, [[0, 0], [0, 1], [1, 0], [1, 1]], atol=1e-6)
    assert probabilities.shape == (len(y), len(x), 2) and file.name == "boundary.png"
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-5)
    predictor = load(tmp_path / "run")  # a runs along the columns, b along the rows
    for row, column in ((0, -1), (-1, 0), (0, 0), (3, 7)):
        one = {"a": x[column], "b": y[row]}
        np.testing.assert_allclose(probabilities[row, column], predictor.probabilities(one)[0], rtol=1e-4)

    said = [predictor.predict({"a": a, "b": b}).label for a in (0, 1) for b in (0, 1)]
    expected = np.zeros((2, 2), int)
    for true, name in zip(("no", "yes", "yes", "no"), said, strict=True):
        expected[class_names.index(true), class_names.index(name)] += 1
    np.testing.assert_array_equal(counts, expected)
    assert not np.array_equal(counts, counts.T)  # or the test would not tell rows from columns


def test_the_most_important_findings_are_said(capsys):
    results._say_first(["first", "second", "third"])
    assert capsys.readouterr().out == "first\nsecond\n"
