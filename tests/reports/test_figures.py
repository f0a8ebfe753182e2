from matplotlib.figure import Figure
from PIL import Image

from study_classification.reports.figures import free_file, save_figure


def test_a_figure_replaces_an_earlier_one_and_no_image_of_the_user(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "preview.png")
    (tmp_path / "preview-2.png").touch()
    for _ in range(2):
        file = free_file(tmp_path, "preview")
        assert file == tmp_path / "preview-3.png"
        save_figure(Figure(figsize=(1, 1)), file)
    with Image.open(file) as drawn:
        assert drawn.info["Software"] == "study_classification"
    with Image.open(tmp_path / "preview.png") as kept:
        assert kept.size == (4, 4) and not (tmp_path / "preview-2.png").read_bytes()


def test_names_that_are_taken(tmp_path):
    assert free_file(tmp_path, "Cat", {"cat", "cat-2"}).name == "Cat-3.png"


def test_a_folder_has_the_name(tmp_path):
    (tmp_path / "preview.png").mkdir()
    assert free_file(tmp_path, "preview").name == "preview-2.png"
