import numpy as np
import pytest
from matplotlib.colors import to_hex

from study_classification.reports import learned
from study_classification.reports.learned import CLASS_COLOURS, Examples, draw_boundary, draw_fit, format_formula


@pytest.mark.parametrize(
    ("factors", "constant", "text"),
    [
        ([2.0134], 0.9381, "y = 2.01 x + 0.938"),
        ([-0.5], -3.0, "y = -0.5 x - 3"),
        ([12345.6], 0.0, "y = 12346 x + 0"),
        ([1000.0], 0.0, "y = 1000 x + 0"),
        ([1.0, -2e-4], 1.0, "y = 1 x - 0.0002 z + 1"),
    ],
)
def test_formula(factors, constant, text):
    assert format_formula("y", ["x", "z"][: len(factors)], factors, constant) == text


@pytest.fixture
def figures(monkeypatch):
    found = []
    monkeypatch.setattr(learned, "save_figure", lambda figure, file: found.append(figure))
    return found


def lines_of(axes):
    return {line.get_label(): np.column_stack(line.get_data()).tolist() for line in axes.lines}


def test_fit(figures, tmp_path):
    examples = Examples(("size",), np.array([[0.0], [10]]), np.array([1, 2]), np.array([[5.0]]), np.array([3]))
    assert examples.range_of(0) == (-1, 11)
    wider = Examples(("size",), examples.train, examples.train_labels, np.array([[30.0]]), np.array([3]))
    assert wider.range_of(0) == (-3, 33)
    assert Examples(("one",), *2 * (np.array([[5.0]]), np.array([1]))).range_of(0) == (4, 6)
    draw_fit(examples, "price", np.array([-1.0, 11]), np.array([0.0, 4]), "price = 2 size", tmp_path / "fit.png")
    (axes,) = figures[0].axes
    assert lines_of(axes) == {
        "price = 2 size": [[-1, 0], [11, 4]], "training": [[0, 1], [10, 2]], "validation": [[5, 3]]
    }  # fmt: skip
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("size", "price")
    draw_fit(examples, "price", np.array([-1.0, 11]), np.array([0.0, 4]), "", tmp_path / "fit.png")
    assert "learned" in lines_of(figures[1].axes[0])


def boundary(class_names, probabilities, tmp_path, labels=(0, 1)):
    values = np.array([[0.0, 5], [1, 6]])
    examples = Examples(("a", "b"), values, np.array(labels), values[:1], np.array(labels[:1]))
    x, y = np.linspace(-1, 2, 3), np.linspace(4, 7, 2)
    draw_boundary(examples, class_names, x, y, probabilities, tmp_path / "boundary.png")


def test_boundary_of_two_classes(figures, tmp_path):
    second = np.array([[0.1, 0.4, 0.6], [0.2, 0.5, 0.9]])
    boundary(("no", "yes"), np.stack([1 - second, second], -1), tmp_path)
    axes, bar = figures[0].axes
    np.testing.assert_array_equal(axes.images[0].get_array(), second)
    assert list(axes.images[0].get_extent()) == [-1, 2, 4, 7] and axes.images[0].origin == "lower"
    assert (axes.get_xlabel(), axes.get_ylabel(), bar.get_ylabel()) == ("a", "b", "probability of yes")
    drawn = lines_of(axes)
    assert drawn["no, training"] == drawn["no, validation"] == [[0, 5]] and drawn["yes, training"] == [[1, 6]]
    assert drawn["yes, validation"] == [] and "probability 0.5" in drawn
    points = next(line for line in axes.lines if line.get_label() == "yes, training")
    assert to_hex(points.get_markerfacecolor()) == CLASS_COLOURS[1]
    (contour,) = [one for one in axes.collections if hasattr(one, "levels")]
    assert list(contour.levels) == [0.5]


def test_no_line_where_all_is_of_one_class(figures, tmp_path):
    second = np.full((2, 3), 0.2)
    boundary(("no", "yes"), np.stack([1 - second, second], -1), tmp_path)
    assert "probability 0.5" not in lines_of(figures[0].axes[0])


def test_map_of_three_classes_has_the_colour_of_the_likeliest(figures, tmp_path):
    probabilities = np.zeros((2, 3, 3))
    probabilities[..., 0], probabilities[0, 0], probabilities[1, 1] = 1, (0, 0, 1), (0.3, 0.5, 0.2)
    boundary(("a", "b", "c"), probabilities, tmp_path, labels=(2, 1))
    (axes,) = figures[0].axes
    assert to_hex(axes.images[0].get_array()[0, 0]) == learned.PALE[2]
    assert to_hex(axes.images[0].get_array()[1, 0]) == learned.PALE[0]
    half = [1 - 0.5 * (1 - part / 255) for part in (0xF1, 0xB4, 0x8F)]  # of the second class, half as strong
    np.testing.assert_allclose(axes.images[0].get_array()[1, 1], half)


def test_all_is_drawn_without_a_warning(tmp_path):
    second = np.random.default_rng(0).random((2, 3))
    boundary(("no", "猫"), np.stack([1 - second, second], -1), tmp_path)
    boundary(("a", "b", "c"), np.stack([second, second, 1 - second], -1), tmp_path)
    assert (tmp_path / "boundary.png").stat().st_size > 5000
