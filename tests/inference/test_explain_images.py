import jax
import numpy as np
import pytest

from study_classification.errors import ConfigError
from study_classification.inference import explain_images as module
from study_classification.inference.explain_images import GRAD_CAM, GRADIENT_INPUT, NOTES, explain_images, make_explain
from study_classification.inference.predictor import load_predictor
from study_classification.models import create_model
from study_classification.models.initial import init_variables
from study_classification.reports.grids import marked


@pytest.fixture
def drawn(monkeypatch):
    found = {}
    monkeypatch.setattr(
        module, "draw_grid", lambda rows, title, note, file, *_: found.update({file.name: (rows, note)})
    )
    return found


def test_grad_cam_of_the_tiny_network_is_what_its_definition_says(run):
    """ReLU of the sum of its last map times the mean weights of the rest, which is linear but for a bias."""
    predictor = load_predictor(run, "best")
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    method, explain = make_explain(predictor, GRAD_CAM)
    maps = np.asarray(maps_of(predictor, pixels))
    params = predictor.variables["params"]
    to_class = np.asarray(params["backbone"]["dense"]["kernel"]) @ np.asarray(params["head"]["classifier"]["kernel"])
    weights = to_class.reshape(8, 8, 8, 3).mean((0, 1))  # [c, classes]
    assert method == GRAD_CAM and (maps > 0).any()
    found = explain(pixels, [2, 0])
    np.testing.assert_allclose(found, np.maximum(np.einsum("hwc,ck->khw", maps, weights[:, [2, 0]]), 0), atol=1e-5)


def maps_of(predictor, pixels):
    """The map that the network flattens: BatchNorm's output, after ReLU."""
    inputs = predictor.preprocess.inputs_of({"image": pixels[None]})
    _, found = predictor.model.apply(
        predictor.variables, inputs, train=False, capture_intermediates=True, mutable=["intermediates"]
    )
    return np.maximum(found["intermediates"]["backbone"]["bn"]["__call__"][0][0], 0)


@pytest.mark.parametrize("method", NOTES)
def test_every_method_gives_a_map_of_each_class(run, method):
    taken, explain = make_explain(load_predictor(run, "best"), method)
    found = explain(np.full((8, 8, 1), 200, np.uint8), [1, 2, 0])
    assert taken == method and found.shape == (3, 8, 8) and np.isfinite(found).all() and np.ptp(found) > 0


def test_a_network_without_a_map_is_explained_by_its_gradient(run, capsys):
    predictor = load_predictor(run, "best")
    config = run.config.model.copy_and_resolve_references()
    config.name, config.hidden = "mlp", ()
    model = create_model(config, 3)
    variables = init_variables(model, run.preprocess.shape, jax.random.key(0))
    linear = module.Predictor(**{**vars(predictor), "model": model, "variables": variables})
    run.config.model.name = "mlp"
    method, explain = make_explain(linear, GRAD_CAM)
    assert method == GRADIENT_INPUT
    assert "mlp has no feature map for Grad-CAM, so gradient x input is drawn in its place" in capsys.readouterr().out
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    kernel = np.asarray(variables["params"]["head"]["classifier"]["kernel"])[:, 1].reshape(8, 8)
    np.testing.assert_allclose(explain(pixels, [1])[0], (pixels[..., 0] / 255 - 0.5) / 0.25 * kernel, rtol=1e-4)


def test_a_folder_has_a_figure_for_each_image_and_a_sheet(run, digits, tmp_path, drawn, capsys):
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
    assert [len(row) for row in rows] == [8, 8, 8, 8] and note == NOTES[GRAD_CAM]
    assert rows[0][2][0] == f"{pictures[0]}\n{said.label} {said.probability:.1%}"
    out = capsys.readouterr().out
    assert explain_images(run, [str(empty)], tmp_path / "out") == 3
    assert "empty: there are no pictures in this folder" in capsys.readouterr().out
    assert "broken.png cannot be read" in out and "It has 32 of 33 pictures" in out


def test_no_image_of_the_user_is_replaced(run, digits, drawn, tmp_path):
    first, *_ = pictures = sorted((digits / "0").iterdir())[:2]
    explain_images(run, [str(first)], digits / "0")
    assert list(drawn) == [f"{first.stem}-2.png"]
    explain_images(run, list(map(str, pictures)), tmp_path / "out")
    (tmp_path / "out" / first.name).touch()
    drawn.clear()
    explain_images(run, [str(first)], tmp_path / "out")
    assert list(drawn) == [first.name]


def test_without_an_image_the_first_of_validation(run, tmp_path, drawn):
    assert explain_images(run, [], tmp_path) == 0
    splits = (run.workdir / "splits.csv").read_text().splitlines()
    first = next(line for line in splits if ",validation," in line).split(",")[0]
    assert list(drawn) == [first.split("/")[1]]


def test_python_is_given_the_marked_image_of_each_class(run):
    predictor = load_predictor(run, "best")
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    shown = predictor.explain(pixels)
    said = predictor.predict(pixels)
    assert list(shown) == sorted(predictor.class_names, key=said.probabilities.__getitem__, reverse=True)
    explain = make_explain(predictor, GRAD_CAM)[1]
    best = list(predictor.class_names).index(said.label)
    assert (shown[said.label] == marked(pixels[..., None], explain(pixels[..., None], [best])[0])).all()
    several = predictor.explain([pixels, pixels[::-1].copy()], "occlusion")
    assert len(several) == 2 and (several[0][said.label] != several[1][said.label]).any()
    with pytest.raises(ConfigError, match="no method 'gradcam' to explain by: did you mean grad_cam"):
        predictor.explain(pixels, "gradcam")
