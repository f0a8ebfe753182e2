import numpy as np
import pytest
from PIL import Image

from study_classification.reports import curves
from study_classification.reports.curves import draw_curves, draw_learning_rates, plot_rates
from study_classification.runs.history import Epoch, History


def test_a_image_of_the_stated_size_is_drawn(tmp_path):
    history = History("val_loss", False, 0.0)
    for n in (1, 2, 3):
        history.add(Epoch(n, n, *2 * [{"loss": 1 / n, "accuracy": 0.5}], 0.1, 1.0, 1.0))
    draw_curves(history, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (1000, 400)
        assert len(image.convert("RGB").getcolors(2**20)) > 100  # something was drawn on it


def test_each_curve_has_the_values_that_its_label_says(tmp_path, monkeypatch):
    history = History("val_loss", False, 0.0)
    for n, train, val in ((1, 0.9, 0.8), (2, 0.5, 0.6), (3, 0.2, 0.7)):
        accuracies = {"accuracy": 1 - train}, {"accuracy": 1 - val}
        history.add(Epoch(n, n, {"loss": train} | accuracies[0], {"loss": val} | accuracies[1], 0.1, 1.0, 1.0))
    figures = []
    monkeypatch.setattr(curves, "save_figure", lambda figure, file: figures.append(figure))
    draw_curves(history, tmp_path / "curves.png")
    drawn = {
        axes.get_title(): {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
        for axes in figures[0].axes
    }
    best = {"best: epoch 2": ([2, 2], [0, 1])}
    assert drawn == {
        "loss": {"training": ([1, 2, 3], [0.9, 0.5, 0.2]), "validation": ([1, 2, 3], [0.8, 0.6, 0.7])} | best,
        "accuracy": {
            "training": ([1, 2, 3], [1 - 0.9, 1 - 0.5, 1 - 0.2]),
            "validation": ([1, 2, 3], [1 - 0.8, 1 - 0.6, 1 - 0.7]),
        }
        | best,
    }


@pytest.mark.parametrize(("epochs", "marker"), [(1, "o"), (2, "o"), (3, "None"), (4, "None")])
def test_few_epochs_are_marked_since_a_point_has_no_line(epochs, marker, monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(curves, "save_figure", lambda figure, file: drawn.append(figure))
    history = History("val_loss", False, 0.0)
    for n in range(1, epochs + 1):
        history.add(Epoch(n, n, {"loss": 2.0, "accuracy": 0.5}, {"loss": 1 / n, "accuracy": 0.5}, 0.1, 1.0, 1.0))
    draw_curves(history, tmp_path / "curves.png")
    training, validation, best = drawn[0].axes[0].lines
    assert training.get_marker() == validation.get_marker() == marker
    assert list(training.get_ydata()) == [2.0] * epochs
    assert list(validation.get_ydata()) == [1 / n for n in range(1, epochs + 1)]
    assert list(best.get_xdata()) == [epochs, epochs]


def test_rates_stand_at_their_epochs():
    history = History("val_loss", False, 0.0)
    for n, rate in ((1, 0.1), (2, 0.4), (3, 0.2)):
        history.add(Epoch(n, n, {"loss": 1.0}, {"loss": 1.0}, rate, 1.0, 1.0))
    (axes,) = plot_rates(history).axes
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[1, 0.1], [2, 0.4], [3, 0.2]] and axes.get_ylim()[0] == 0


def test_the_suggested_rate_is_marked(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(curves, "save_figure", lambda figure, file: drawn.append(figure))
    rates, losses, smoothed = np.array([0.001, 0.01, 0.1]), np.array([3.0, 2.0, 1.0]), np.array([3.0, 2.5, 2.0])
    draw_learning_rates(rates, losses, smoothed, 1, tmp_path / "lr_find.png")
    draw_learning_rates(rates, losses, smoothed, None, tmp_path / "lr_find.png")
    loss, curve, mark = drawn[0].axes[0].lines
    assert (list(loss.get_ydata()), list(curve.get_ydata())) == ([3, 2, 1], [3, 2.5, 2])
    assert (list(mark.get_xdata()), mark.get_label()) == ([0.01, 0.01], "suggested: 1.0e-02")
    assert len(drawn[1].axes[0].lines) == 2
