import numpy as np
import pytest
from PIL import Image

from study_classification.reports import confusion
from study_classification.reports.confusion import draw_confusion


def test_rows_are_true_classes_and_shades_their_shares(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(confusion, "save_figure", lambda figure, file: figures.append(figure))
    draw_confusion(np.array([[3, 1], [0, 0]]), ("cat", "犬"), "3 of 4 right", tmp_path / "c.png")
    axes = figures[0].axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0.75, 0.25], [0, 0]])  # no dog is no division by 0
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {
        ((0, 0), "3"), ((1, 0), "1"), ((0, 1), "0"), ((1, 1), "0")
    }  # fmt: skip
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("predicted class", "true class", "3 of 4 right")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "\\u72ac"]


@pytest.mark.parametrize("number", [2, 20])
def test_it_is_drawn(number, tmp_path):
    draw_confusion(np.eye(number, dtype=int), [f"a long class {i}" for i in range(number)], "all", tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as image:
        assert min(image.size) > 300
