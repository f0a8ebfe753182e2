import csv

import numpy as np
import pytest
from sklearn.decomposition import PCA

from study_classification.errors import DataError
from study_classification.inference import embeddings
from study_classification.inference.embeddings import explain_embeddings, on_a_plane


def test_groups_that_are_far_apart_stay_together():
    generator = np.random.default_rng(0)
    groups = np.repeat(np.eye(3, 60) * 50, 12, axis=0)
    places, method = on_a_plane((groups + generator.normal(size=groups.shape)).astype(np.float32))
    assert method == "t-SNE" and places.shape == (36, 2)
    centres = places.reshape(3, 12, 2).mean(1)
    nearest = np.linalg.norm(places[:, None] - centres, axis=-1).argmin(1)
    assert nearest.tolist() == np.repeat(range(3), 12).tolist()


def test_of_many_the_principal_components(monkeypatch):
    monkeypatch.setattr(embeddings, "MOST", 20)
    features = np.random.default_rng(0).normal(size=(21, 6))
    places, method = on_a_plane(features)
    assert method == "PCA"
    np.testing.assert_allclose(np.abs(places), np.abs(PCA(2).fit_transform(features)), atol=1e-10)
    assert on_a_plane(features[:20])[1] == "t-SNE"
    assert on_a_plane(features[:3])[0].shape == (3, 2) and on_a_plane(features[:2, :1])[0].shape == (2, 2)


def test_a_split_is_written_and_drawn(run, monkeypatch, tmp_path, capsys):
    drawn = []
    monkeypatch.setattr(embeddings, "draw_embeddings", lambda *arguments: drawn.append(arguments))
    figure = explain_embeddings(run, tmp_path)
    rows = list(csv.DictReader((tmp_path / "embeddings-validation.csv").read_text().splitlines()))
    splits = csv.DictReader((run.workdir / "splits.csv").read_text().splitlines())
    assert [row["name"] for row in rows] == [row["name"] for row in splits if row["split"] == "validation"]
    assert all(row["name"].startswith(f"{row['label']}/") for row in rows)
    places, labels, names, title, file = drawn[0]
    assert [names[label] for label in labels] == [row["label"] for row in rows] and file == figure
    np.testing.assert_allclose(places, [[float(row["x"]), float(row["y"])] for row in rows], atol=1e-4)
    assert f"{len(rows)} pictures of validation" in title and "16 features of each" in capsys.readouterr().out
    with pytest.raises(DataError, match="no split 'tset': did you mean test"):
        explain_embeddings(run, tmp_path, "tset")
