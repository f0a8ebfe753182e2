from PIL import Image

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
