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
    np.testing.assert_array_equal(grid[1].images[0].get_array(), maps["conv1"][..., 1])
    assert grid[0].images[0].get_clim() == (-11, 11)  # white is 0
    assert [len(axes.images) for axes in grid] == [1] * 3 + [0] * (MAPS - 3) + [1] * MAPS
    assert figures[0].subfigs[0]._suptitle.get_text() == "a.png: cat"


@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_drawn(channels, tmp_path):
    draw_features(np.zeros((4, 4, channels), np.uint8), {"c": np.ones((2, 2, 1))}, "x", tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 3000
