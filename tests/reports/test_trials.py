import pytest

from study_classification.reports import trials
from study_classification.reports.lettering import drawable
from study_classification.reports.trials import (
    compared_figure,
    draw_along,
    draw_history,
    draw_importances,
    draw_settings,
    format_spread,
    format_table,
    mean_and_spread,
)
from study_classification.runs.history import Epoch


def test_columns_are_aligned_also_of_japanese():
    table = format_table(["name", "value"], [["猫", "1.5"], ["a dog", "10"]])
    assert table == "  name   value\n  猫       1.5\n  a dog     10"


def test_the_spread_is_that_of_a_sample():
    assert mean_and_spread([1.0, 3.0]) == (2.0, pytest.approx(2**0.5)) and mean_and_spread([4.0]) == (4.0, "")
    assert [format_spread(2.0, 0.5), format_spread(4.0, "")] == ["2.0000 +- 0.5000", "4.0000"]


def drawn(monkeypatch, draw, *arguments):
    figures = []
    monkeypatch.setattr(trials, "save_figure", lambda figure, file: figures.append(figure))
    draw(*arguments, None)
    (axes,) = figures[0].axes
    assert axes.get_xlabel() and axes.get_ylabel() and axes.get_title()
    return axes


def lines_of(axes):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}


def test_the_history_has_the_best_value_so_far(monkeypatch):
    complete, pruned = {3: 0.75, 0: 0.5, 1: 0.25}, {2: 0.125}
    assert lines_of(drawn(monkeypatch, draw_history, complete, pruned, True, "val_accuracy")) == {
        "best so far": ([0, 1, 3], [0.5, 0.5, 0.75]),
        "complete": ([3, 0, 1], [0.75, 0.5, 0.25]),
        "pruned": ([2], [0.125]),
    }
    of_losses = lines_of(drawn(monkeypatch, draw_history, complete, {}, False, "val_loss"))
    assert of_losses["best so far"] == ([0, 1, 3], [0.5, 0.25, 0.25])
    assert "pruned" not in of_losses


def test_importances_are_bars(monkeypatch):
    axes = drawn(monkeypatch, draw_importances, {"batch_size": 0.75, "seed": 0.25}, "val_accuracy")
    assert [bar.get_width() for bar in axes.patches] == [0.75, 0.25]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["batch_size", "seed"]


def test_settings_have_a_dot_a_run(monkeypatch):
    axes = drawn(monkeypatch, draw_settings, {"a": [0.5, 0.75], "b": [0.25]}, {"a": 0.625, "b": 0.25}, "val_accuracy")
    points = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert points == [([0.5, 0.75], [0, 0]), ([0.625], [0]), ([0.25], [1]), ([0.25], [1])]


def epochs(*values):
    return [
        Epoch(number, number, {"loss": value / 2}, {"loss": value}, 0.1, 1.0, 1.0)
        for number, value in enumerate(values, 1)
    ]


def test_settings_are_compared_by_their_curves():
    figure = compared_figure({"a": [epochs(1.0, 0.5), epochs(3.0, 1.5, 9.0)], "猫": [epochs(100.0)]})
    training, validation = figure.axes
    assert (training.get_title(), validation.get_title()) == ("loss, training", "loss, validation")
    lines = [list(line.get_ydata()) for line in validation.lines]
    assert lines == [[1.0, 0.5], [3.0, 1.5, 9.0], [2.0, 1.0], [100.0]]  # two runs and their mean; a run by itself
    assert [list(line.get_ydata()) for line in training.lines][2] == [1.0, 0.5]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", drawable("猫")]


def test_one_curve_that_leaps_does_not_press_the_others_flat():
    figure = compared_figure({"a": [epochs(2.0, 1.0)], "b": [epochs(4.0, 400.0, 3.0)], "c": [epochs(5.0, 1.0)]})
    # of all first values, 1, 2, 2.5 of training and 2, 4, 5 of validation, the median is 2.25; the highest end is 3,
    # the lowest value 0.5
    assert figure.axes[1].get_ylim() == pytest.approx((0.5 - 0.125, 3 + 0.125))


def test_what_rises_is_cut_off_below():
    figure = compared_figure({"a": [epochs(0.1, 0.5, *[0.8] * 17, 0.9)]})
    # after 2 of 20 epochs 0.4 of training and 0.8 of validation, at the end 0.45 and 0.9: from 0.45 to 0.9
    assert figure.axes[1].get_ylim() == pytest.approx((0.45 - 0.0225, 0.9 + 0.0225))


def test_settings_along_a_field_have_a_curve_and_a_dot_a_run(monkeypatch):
    axes = drawn(monkeypatch, draw_along, {"a": {50: [0.5], 10: [0.25, 0.75]}}, "data.per_class", "val_accuracy")
    points = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert points == [([10, 50], [0.5, 0.5]), ([10, 10, 50], [0.25, 0.75, 0.5])]
    assert axes.get_xscale() == "log" and [label.get_text() for label in axes.get_xticklabels()] == ["10", "50"]
