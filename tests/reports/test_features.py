import numpy as np
import pytest

from study_classification.reports import features
from study_classification.reports.features import MAPS, draw_features


def test_a_row_of_maps_a_layer(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(features, "save_figure", lambda figure, file: figures.append(figure))
    maps = {"conv1": np.arange(-6.0, 12).reshape(3, 2, 3), "conv2": np.zeros((1, 1, 20))}
    image = np.arange(12, dtype=np.uint8).reshape(4, 3, 1)
    draw_features(image, maps, "a.png: cat", tmp_path / "f.png")
    picture, *grid = figures[0].axes
    np.testing.assert_array_equal(picture.images[0].get_array(), image[..., 0])
    assert len(grid) == 2 * MAPS and [axes.get_ylabel() for axes in (grid[0], grid[MAPS])] == [
        "conv1\n3 x 2 x 3",
        "conv2\n1 x 1 x 20",
    ]
    np.testing.assert_allclose(grid[1].images[0].get_array(), maps["conv1"][..., 1] / 11)
    assert grid[0].images[0].get_clim() == (-1, 1)  # white is 0
    assert [len(axes.images) for axes in grid] == [1] * 3 + [0] * (MAPS - 3) + [1] * MAPS
    assert figures[0].subfigs[0]._suptitle.get_text() == "a.png: cat"


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_drawn(channels, tmp_path):
    draw_features(np.zeros((4, 4, channels), np.uint8), {"c": np.ones((2, 2, 1))}, "x", tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 3000


def test_the_first_filters(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(features, "save_figure", lambda figure, file: figures.append(figure))
    filters = np.zeros((3, 3, 3, 2))
    filters[0, 0, :, 1] = 2, -2, 1
    draw_features(np.zeros((4, 4, 3), np.uint8), {"c": np.ones((2, 2, 1))}, "x", tmp_path / "f.png", filters)
    line = figures[0].axes[1 : 1 + MAPS]
    assert line[0].get_ylabel() == "first filters\n3 x 3 x 3" and [len(axes.images) for axes in line[:3]] == [1, 1, 0]
    shown = line[1].images[0].get_array()
    assert shown[0, 0].tolist() == [1, 0, 0.75] and np.all(shown[1:] == 0.5)
    draw_features(np.zeros((4, 4, 1), np.uint8), {}, "x", tmp_path / "f.png", filters[:, :, :1])
    assert figures[1].axes[2].images[0].get_array()[0].tolist() == [1, 0, 0]
