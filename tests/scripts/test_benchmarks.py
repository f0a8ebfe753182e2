import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def pipelines(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2] / "scripts/benchmarks")
    import pipelines

    yield pipelines
    del sys.modules["pipelines"]


@pytest.mark.parametrize(("canvas_size", "size"), [(16, (96, 64)), (0, (300, 257))])
def test_the_peers_pictures_are_ours(pipelines, tmp_path, canvas_size, size):
    for number in range(33):
        pixels = np.random.default_rng(number).integers(0, 256, (*size[::-1], 3), np.uint8)
        path = tmp_path / "pictures" / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    job = pipelines.Job(str(tmp_path / "pictures"), canvas_size, 2, str(tmp_path / "cache"))
    files = pipelines.PillowFiles(job, scaled=True)  # 64 = 2 x 2 x 16, so the canvas is decoded at 1/2
    peer, labels = zip(*(files[index] for index in range(len(files))), strict=True)
    ((ours, our_labels),) = pipelines.study_classification(job, mode="streaming")()
    np.testing.assert_array_equal(ours, np.stack(peer))
    np.testing.assert_array_equal(our_labels, labels)
    assert ours.shape == (32, *2 * [canvas_size or 224], 3)
    assert sorted(set(labels)) == [0, 1]
