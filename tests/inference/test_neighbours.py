import csv
import shutil
from collections import Counter

import numpy as np
import pytest

from study_classification.errors import ConfigError, DataError
from study_classification.inference import neighbours
from study_classification.inference.measure import open_own
from study_classification.inference.neighbours import Suspect, explain_neighbours, explain_suspects, find_suspects
from study_classification.inference.predictor import load_predictor
from study_classification.inference.split_features import SplitFeatures, nearest


def around(angles):
    """Features on a circle: their cosine similarity is the cosine of the angle between."""
    radians = np.deg2rad(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32) * [[3], [1], [2]][len(angles) % 3]


def test_the_nearest_in_their_order():
    train = around([0, 10, 30, 90])
    similar, places = nearest(train, around([11]), 3)
    assert places.tolist() == [[1, 0, 2]]
    np.testing.assert_allclose(similar[0], np.cos(np.deg2rad([1, 11, 19])), atol=1e-6)
    _, places = nearest(train, None, 9)
    assert places[0].tolist() == [1, 2, 3]  # itself is none


def test_whose_neighbours_all_have_another_label_is_suspected():
    angles = [*range(6), 2.5, *range(90, 96), 92.5]  # two groups, a label in each of which is wrong
    labels = np.array([0] * 6 + [1] + [1] * 6 + [0])
    validation = SplitFeatures("validation", [], np.array([0, 1, 2]), around([3.2, 3.1, 40]))
    found = find_suspects(SplitFeatures("train", [], labels, around(angles)), validation)
    assert {(each.of.split, each.place) for each in found[:2]} == {("train", 6), ("train", 13)}
    assert found[0].others in ({0: 5}, {1: 5}) and found[0].similarity > 0.999
    rest = [(each.of.split, each.place, dict(each.others)) for each in found[2:]]
    assert rest == [("validation", 2, {0: 4, 1: 1})]  # of no known class, and its neighbours disagree


def test_of_suspects_those_come_first_whose_neighbours_agree():
    train = SplitFeatures("train", [], np.array([0] * 5 + [1, 1, 1, 2, 2]), around([*range(5), *range(90, 95)]))
    validation = SplitFeatures("validation", [], np.array([3, 4]), around([120, 300]))  # the second is farther away
    found = find_suspects(train, validation)
    assert [(each.place, dict(each.others)) for each in found] == [(1, {0: 5}), (0, {1: 3, 2: 2})]
    assert found[0].similarity < found[1].similarity


def test_a_suspect_is_drawn_with_its_own_label(run, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(neighbours, "draw_grid", lambda *arguments: drawn.append(arguments))
    predictor, data = load_predictor(run, "best"), open_own(run)
    train, validation = (
        SplitFeatures(name, data.split(name), data.labels(name, tmp_path), np.zeros((0, 2)))
        for name in ("train", "validation")
    )
    last = Suspect(validation, 8, Counter({0: 5}), np.ones(5), np.arange(5))  # of nine, by class
    neighbours._draw_suspects(predictor, train, [last], tmp_path / "x.png")
    ((own, *others),) = drawn[0][0]
    assert own[0].startswith("validation: 2\n") and [cell[0][:8] for cell in others] == ["0  1.000"] * 5


def test_neighbours_of_an_image_of_training_are_itself_first(run, digits, tmp_path, monkeypatch, capsys):
    drawn = []
    monkeypatch.setattr(neighbours, "draw_grid", lambda *arguments: drawn.append(arguments))
    splits = csv.DictReader((run.workdir / "splits.csv").read_text().splitlines())
    name = next(row["name"] for row in splits if row["split"] == "train")
    assert explain_neighbours(run, [str(digits / name)], tmp_path) == tmp_path / "neighbours.png" == drawn[0][3]
    ((own, first, *others),) = drawn[0][0]
    assert own[0] == name.split("/")[1] and first[0] == f"{name[0]}  1.000\n{own[0]}" and len(others) == 4
    np.testing.assert_array_equal(own[1], first[1])
    assert f"1.000           {name[0]}  {name}\n" in capsys.readouterr().out
    explain_neighbours(run, [str(digits / "0")], tmp_path)
    assert len(drawn[1][0]) == 8  # of thirty
    with pytest.raises(ConfigError, match="--neighbours needs a picture: name one"):
        explain_neighbours(run, [], tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="none cannot be read: there are no pictures in this folder"):
        explain_neighbours(run, [str(tmp_path / "none")], tmp_path)


def test_a_wrong_label_is_found(run, digits, tmp_path, monkeypatch, capsys):
    """The features are those of the pixels: a one among the zeros is a suspect, whatever the network has learnt."""
    monkeypatch.setattr(neighbours, "draw_grid", lambda *arguments: None)
    ones = sorted((digits / "1").iterdir())
    shutil.move(ones[0], digits / "0" / "wrong.png")

    def pixels(predictor, data, split):
        examples = data.split(split)
        reader = neighbours.ImageReader(run.preprocess, 1)
        values = [reader.read(examples[place].data)[0].ravel() for place in range(len(examples))]
        labels = np.array([examples[place].label for place in range(len(examples))])
        return SplitFeatures(split, examples, labels, np.float32(values))

    monkeypatch.setattr(neighbours, "features_of_split", pixels)
    file = explain_suspects(run, tmp_path)
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert "0/wrong.png" in [row["name"] for row in rows if row["neighbours"] == "5 1"]
    assert f"\n{len(rows)} of 81 pictures of training and validation" in capsys.readouterr().out
