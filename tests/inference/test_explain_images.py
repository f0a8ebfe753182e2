import pytest

from study_classification.inference import explain_images as module
from study_classification.inference.explain_images import explain_images
from study_classification.inference.explanation import GRAD_CAM, GRADIENT_INPUT, NOTES, make_explain
from study_classification.inference.predictor import load_predictor


@pytest.fixture
def drawn(monkeypatch):
    found = {}
    monkeypatch.setattr(
        module, "draw_grid", lambda rows, title, note, file, *_: found.update({file.name: (rows, note)})
    )
    return found


def test_a_folder_has_a_figure_for_each_image_and_a_sheet(run, digits, tmp_path, drawn, capsys, monkeypatch):
    monkeypatch.setattr(module, "ON_SHEET", 31)
    (digits / "0" / "broken.png").write_bytes(b"no picture")
    (empty := digits / "empty").mkdir()
    for name in ("contact", "one"):
        next((digits / "1").glob("0*.png")).rename(digits / f"{name}.png")
    assert explain_images(run, [str(digits / "contact.png"), str(digits / "one.png"), str(digits / "0")], tmp_path) == 3
    pictures = sorted(file.name for file in (digits / "0").iterdir() if file.name != "broken.png")
    assert set(drawn) == {"contact-2.png", "one.png", "contact.png", *pictures}
    ((own, *cells),) = drawn[pictures[0]][0]
    said = load_predictor(run, "best").predict(str(digits / "0" / pictures[0]))
    assert cells[0][0] == f"{said.label}\n{said.probability:.1%}" and len(cells) == 3 and own[1].shape == (8, 8, 1)
    rows, note = drawn["contact.png"]
    assert [len(row) for row in rows] == [8, 8, 8, 7] and note == NOTES[GRAD_CAM]
    assert rows[0][2][0] == f"{pictures[0]}\n{said.label} {said.probability:.1%}"
    out = capsys.readouterr().out
    assert explain_images(run, [str(empty)], tmp_path / "out") == 3
    assert "empty: there are no pictures in this folder" in capsys.readouterr().out
    assert "broken.png cannot be read" in out and "It has 31 of 33 pictures" in out


def test_no_image_of_the_user_is_replaced(run, digits, drawn):
    first, *_ = pictures = sorted((digits / "0").iterdir())[:2]
    (digits / "0" / "contact.png").write_bytes(first.read_bytes())
    explain_images(run, list(map(str, pictures)), digits / "0")
    assert list(drawn) == [*(f"{file.stem}-2.png" for file in pictures), "contact-2.png"]


def test_without_an_image_the_first_of_validation(run, tmp_path, drawn):
    assert explain_images(run, [], tmp_path) == 0
    splits = (run.workdir / "splits.csv").read_text().splitlines()
    first = next(line for line in splits if ",validation," in line).split(",")[0]
    assert list(drawn) == [first.split("/")[1]]


def test_what_takes_the_place_of_grad_cam_is_said(run, tmp_path, drawn, monkeypatch, capsys):
    monkeypatch.setattr(module, "make_explain", lambda *arguments: (GRADIENT_INPUT, make_explain(*arguments)[1]))
    assert explain_images(run, [], tmp_path) == 0
    assert "tiny has no feature map for Grad-CAM, so gradient x input is drawn in its place" in capsys.readouterr().out
    ((_, note),) = drawn.values()
    assert note == NOTES[GRADIENT_INPUT]
