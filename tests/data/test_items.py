import pytest

from study_classification.data.items import Texts, collect

ODD = ["a", "", "猫/1.png", "caf\udce9.png", "\ud800"]


def test_texts_are_a_list_of_them():
    texts = Texts(ODD)
    assert list(texts) == ODD == texts[:] and len(texts) == 5
    assert (texts[2], texts[-1], texts[1:4:2]) == (ODD[2], ODD[-1], ODD[1:4:2])
    assert texts == Texts(ODD) and texts != Texts(ODD[1:]) and texts != Texts(["a猫", *ODD[2:]])
    with pytest.raises(IndexError):
        texts[5]


def test_names_are_sorted_with_all_that_belongs_to_them():
    items = collect([("b", "x", None, "B"), ("c", "y", "test", "C"), ("a", "y", "train", "A")], "/r")
    assert [(item.name, item.label, item.split, item.path) for item in items] == [
        ("a", "y", "train", "/r/A"),
        ("b", "x", None, "/r/B"),
        ("c", "y", "test", "/r/C"),
    ]
    items = collect([("b", "x", None, b"B"), ("a", "x", None, b"A")])
    assert [(item.name, item.data) for item in items] == [("a", b"A"), ("b", b"B")]


def test_names_that_are_paths_are_kept_once():
    items = collect([("b", "x", None, "b"), ("a", "x", None, "a")])
    assert items._files is items.names
