from PIL import Image

from study_classification.history import Epoch
from study_classification.report.curves import draw_curves


def test_a_picture_of_the_stated_size_is_drawn(tmp_path):
    rows = [Epoch(n, n, 1 / n, 0.5, 1 / n, 0.5, 0.1, 1.0, 1.0) for n in (1, 2, 3)]
    draw_curves(rows, 2, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        assert image.size == (1000, 400)
        assert len(image.convert("RGB").getcolors(2**20)) > 100  # something was drawn on it


def test_without_an_epoch_there_is_no_picture(tmp_path):
    draw_curves([], None, tmp_path / "curves.png")
    assert not list(tmp_path.iterdir())
