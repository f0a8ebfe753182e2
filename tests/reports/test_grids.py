import numpy as np

from study_classification.reports import grids
from study_classification.reports.grids import draw_grid, marked
from study_classification.reports.lettering import drawable


def image(value, channels=3, size=4):
    return np.full((size, size, channels), value, np.uint8)


def test_each_image_has_its_words(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(grids, "save_figure", lambda figure, file: figures.append(figure))
    rows = [[("one\n猫", image(7)), None, ("three", image(9, channels=1))], [("four", image(8))]]
    draw_grid(rows, "title", "note", tmp_path / "g.png")
    axes = figures[0].axes
    assert [each.get_title() for each in axes] == [drawable("one\n猫"), "three", "four"]
    assert [each.images[0].get_array().flat[0] for each in axes] == [7, 9, 8]
    places = [each.get_position() for each in axes]
    assert places[0].x0 == places[2].x0 < places[0].x1 < places[1].x0 and places[2].y1 < places[0].y0 == places[1].y0
    assert [text.get_text() for text in figures[0].texts] == ["title", "note"]
    inches = figures[0].get_size_inches() * [places[0].width, places[0].height]
    np.testing.assert_allclose(inches, grids.SIDE)  # squares, whatever the rows
    left = [place.x0 * figures[0].get_size_inches()[0] for place in places]
    np.testing.assert_allclose(left, [grids.GAP, 3 * grids.GAP + 2 * grids.SIDE, grids.GAP])  # no second of the row


def test_it_is_written(tmp_path):
    draw_grid([[("a", image(1))]], "t", "n", tmp_path / "g.png")
    assert (tmp_path / "g.png").stat().st_size > 1000


def test_what_speaks_for_a_class_is_orange_and_what_speaks_against_it_blue():
    values = np.array([[1.0, -1.0], [0.0, 0.0]])
    found = marked(image(100, size=2), values).astype(int)
    assert found.shape == (224, 224, 3)
    orange, blue, grey = found[0, 0], found[0, -1], found[-1, 0]
    assert orange[0] > orange[2] + 100 and blue[2] > blue[0] + 60 and np.ptp(grey) == 0
    np.testing.assert_array_equal(found[:112, :112], np.broadcast_to(orange, (112, 112, 3)))  # as fine as the image
    coarse = marked(image(100, size=4), values).astype(int)
    assert np.ptp(coarse[0, :, 0]) > 50 and len(np.unique(coarse[0, :, 0])) > 50  # a smooth way from one to the other
    assert np.ptp(marked(image(100), np.zeros((4, 4)))) == 0
    assert marked(np.zeros((2, 4, 1), np.uint8), np.zeros((2, 4))).shape == (112, 224, 3)  # 56 times as large


def test_the_greatest_hundredth_has_the_full_colour():
    found = marked(image(100, size=10), np.arange(1.0, 101).reshape(10, 10))  # drawn 23 times as large
    # grey is 100 x 0.8 + 40.8 = 120.8; a hundredth is above 99.01, so 50 has 0.85 x 0.505 of the colour's red, 209
    assert found[4 * 23, 9 * 23, 0] == round(0.5708 * 120.8 + 0.4292 * 209)
    assert found[-1, -1].tolist() == [round(0.15 * 120.8 + 0.85 * part) for part in (209, 96, 31)]
