import pytest
from PIL import Image

from study_classification.reports import curves
from study_classification.reports.curves import draw_curves
from study_classification.runs.history import Epoch, History


def test_a_picture_of_the_stated_size_is_drawn(tmp_path):
    history = History("val_loss", False, 0.0)
    for n in (1, 2, 3):
        history.add(Epoch(n, n, *2 * [{"loss": 1 / n, "accuracy": 0.5}], 0.1, 1.0, 1.0))
    draw_curves(history, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (1000, 400)
        assert len(image.convert("RGB").getcolors(2**20)) > 100  # something was drawn on it


@pytest.mark.parametrize(("epochs", "marker"), [(1, "o"), (2, "o"), (3, "None"), (4, "None")])
def test_few_epochs_are_marked_since_a_point_has_no_line(epochs, marker, monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(curves, "_save", lambda figure, file: drawn.append(figure))
    history = History("val_loss", False, 0.0)
    for n in range(1, epochs + 1):
        history.add(Epoch(n, n, {"loss": 2.0, "accuracy": 0.5}, {"loss": 1 / n, "accuracy": 0.5}, 0.1, 1.0, 1.0))
    draw_curves(history, tmp_path / "curves.png")
    training, validation, best = drawn[0].axes[0].lines
    assert training.get_marker() == validation.get_marker() == marker
    assert list(training.get_ydata()) == [2.0] * epochs
    assert list(validation.get_ydata()) == [1 / n for n in range(1, epochs + 1)]
    assert list(best.get_xdata()) == [epochs, epochs]
