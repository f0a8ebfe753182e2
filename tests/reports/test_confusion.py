import numpy as np
import pytest
from PIL import Image

from study_classification.reports.confusion import draw_confusion, largest_confusions, plot_confusion


def test_rows_are_true_classes_and_shades_their_shares():
    axes = plot_confusion(np.array([[3, 1], [0, 0]]), ("cat", "dog"), "3 of 4 right").axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0.75, 0.25], [0, 0]])  # no dog is no division by 0
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {
        ((0, 0), "3\n75%"), ((1, 0), "1\n25%"), ((0, 1), "0"), ((1, 1), "0")
    }  # fmt: skip
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("predicted class", "true class", "3 of 4 right")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]


@pytest.mark.parametrize("number", [2, 20])
def test_it_is_drawn(number, tmp_path):
    draw_confusion(np.eye(number, dtype=int), [f"a long class {i}" for i in range(number)], "all", tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as image:
        assert min(image.size) > 300


@pytest.mark.parametrize(("number", "texts", "names"), [(10, 100, 10), (20, 400, 20), (60, 0, 60), (200, 0, 0)])
def test_many_classes_stay_legible(number, texts, names):
    figure = plot_confusion(np.eye(number, dtype=int), [f"class{i}" for i in range(number)], "all right")
    axes, width = figure.axes[0], figure.get_size_inches()[0]
    assert len(axes.texts) == texts and width < 16
    assert "%" in axes.texts[0].get_text() if texts == 100 else True
    labels = axes.get_yticklabels()
    if names:
        assert [label.get_text() for label in labels] == [f"class{i}" for i in range(number)]
        assert labels[0].get_size() * number < 72 * figure.get_size_inches()[1]  # they do not overlap
    else:
        assert not any(label.get_text().startswith("class") for label in labels)


def test_the_largest_confusions_come_first():
    counts = np.array([[5, 1, 0], [4, 0, 0], [0, 2, 8]])
    assert largest_confusions(counts, "abc") == [("b", "a", 4, 1.0), ("c", "b", 2, 0.2), ("a", "b", 1, 1 / 6)]
    assert largest_confusions(counts, "abc", most=1) == [("b", "a", 4, 1.0)]
    assert largest_confusions(np.eye(3, dtype=int), "abc") == []
