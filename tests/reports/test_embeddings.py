import io

import numpy as np

from study_classification.reports import embeddings
from study_classification.reports.embeddings import NAMED, draw_embeddings


def drawn(monkeypatch, tmp_path, labels, names):
    figures = []
    monkeypatch.setattr(embeddings, "save_figure", lambda figure, file: figures.append(figure))
    places = np.stack([labels, -labels], axis=1).astype(float)
    draw_embeddings(places, labels, names, "title", tmp_path / "e.png")
    return figures[0], figures[0].axes[0].collections


def test_sixty_classes_are_told_apart_in_the_legend(monkeypatch, tmp_path):
    labels = np.repeat(np.arange(60), 2)
    figure, points = drawn(monkeypatch, tmp_path, labels, [f"a class of cats {i}" for i in range(60)] + ["empty"])
    looks = {(tuple(each.get_facecolor()[0]), each.get_paths()[0].vertices.tobytes()) for each in points}
    assert len(points) == len(looks) == 60
    assert points[7].get_offsets().tolist() == [[7, -7], [7, -7]] and points[7].get_label() == "a class of cats 7"
    figure.savefig(io.BytesIO())  # which is when things get their places
    legend, (width, height) = figure.legends[0], figure.get_size_inches() * figure.dpi
    texts = [text.get_window_extent() for text in legend.get_texts()]
    assert len(texts) == 60 and all(0 <= box.x0 < box.x1 <= width and 0 <= box.y0 < box.y1 <= height for box in texts)
    assert not any(one.overlaps(other) for i, one in enumerate(texts) for other in texts[:i])
    assert legend.get_window_extent().y1 < figure.axes[0].get_window_extent().y0


def test_the_smallest_of_very_many_classes_are_grey(monkeypatch, tmp_path):
    labels = np.concatenate([np.arange(NAMED + 2), np.arange(NAMED)])
    _, points = drawn(monkeypatch, tmp_path, labels, [str(i) for i in range(NAMED + 2)])
    assert points[0].get_label() == "2 smaller classes" and len(points) == NAMED + 1
    assert points[0].get_offsets()[:, 0].tolist() == [NAMED, NAMED + 1]
