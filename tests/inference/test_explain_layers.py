import numpy as np
import pytest

from study_classification.configs.lessons import xor
from study_classification.errors import ConfigError, DataError
from study_classification.inference import explain_layers as module
from study_classification.inference.explain_layers import explain_layers, feature_maps
from study_classification.inference.predictor import load_predictor
from study_classification.runs import directory
from study_classification.training.loop import train_and_evaluate


def test_maps_are_what_the_layers_give(run):
    predictor = load_predictor(run, "best")
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    maps = feature_maps(predictor, pixels)
    assert {name: values.shape for name, values in maps.items()} == {"conv": (8, 8, 8), "bn": (8, 8, 8)}
    kernel = np.asarray(predictor.variables["params"]["backbone"]["conv"]["kernel"])
    bias = np.asarray(predictor.variables["params"]["backbone"]["conv"]["bias"])
    seen = np.pad((pixels[..., 0] / 255 - 0.5) / 0.25, 1)[2:5, 3:6]  # around the place 2, 3
    np.testing.assert_allclose(maps["conv"][2, 3], np.einsum("ij,ijo->o", seen, kernel[:, :, 0]) + bias, rtol=1e-4)


def test_an_image_or_the_first_of_validation(run, digits, monkeypatch, capsys):
    drawn = []
    monkeypatch.setattr(module, "draw_features", lambda *arguments: drawn.append(arguments))
    image = next(digits.rglob("*.png"))
    assert explain_layers(run, str(image)) == run.workdir / "features.png" == drawn[0][3]
    assert drawn[0][2].startswith(f"{image.name}: ") and set(drawn[0][1]) == {"conv", "bn"}
    assert "conv         8 x 8 x 8" in capsys.readouterr().out
    explain_layers(run)
    first = next(line for line in (run.workdir / "splits.csv").read_text().splitlines() if ",validation," in line)
    assert f"\n{first.split(',')[0]}: " in f"\n{capsys.readouterr().out}"
    with pytest.raises(DataError, match=r"nothing\.png cannot be read"):
        explain_layers(run, "nothing.png")


def test_of_many_layers_eight_are_taken_from_the_first_to_the_last(run, monkeypatch):
    layers = {("backbone", f"layer{number:02}", "__call__"): [np.zeros((1, 2, 2, 1))] for number in range(20)}
    monkeypatch.setattr(module, "flatten_dict", lambda tree: layers)
    found = feature_maps(load_predictor(run, "best"), np.zeros((8, 8, 1), np.uint8))
    assert [int(name[5:]) for name in found] == [0, 3, 5, 8, 11, 14, 16, 19]  # steps of 19 / 7 = 2.7


def test_the_share_of_what_is_above_zero_is_said(run, digits, monkeypatch, capsys):
    monkeypatch.setattr(module, "draw_features", lambda *arguments: None)
    monkeypatch.setattr(module, "feature_maps", lambda *given: {"conv": np.array([[[1.0, 0.0, -1.0, -2.0]]])})
    explain_layers(run, str(next(digits.rglob("*.png"))))
    assert "  conv         1 x 1 x 4       25% of the values above 0\n" in capsys.readouterr().out


def test_what_has_no_maps(run, tmp_path, cache):
    config = xor.get_config("epochs=1")
    config.data.cache_dir = str(cache)
    train_and_evaluate(config, tmp_path / "xor")
    with pytest.raises(ConfigError, match="has learnt from rows: --layers draws what becomes of pictures"):
        explain_layers(directory.load(tmp_path / "xor"))
    predictor = load_predictor(run, "best")
    run.config.model.name = "mlp"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "flatten_dict", lambda tree: {("backbone", "dense1", "__call__"): [np.zeros((1, 4))]})
        with pytest.raises(ConfigError, match="mlp has no feature maps, for none of its layers gives one"):
            feature_maps(predictor, np.zeros((8, 8, 1), np.uint8))
