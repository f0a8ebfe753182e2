"""The page of `check` by its values: how many of each finding are shown, with what is said of them."""

import io

import numpy as np
import pytest
from PIL import Image

from study_classification.data.examine import Examined, Seen
from study_classification.data.items import Item
from study_classification.data.report import ALIKE, EXACT, FINDINGS, ODD
from study_classification.pages import data

NAMES = [f"{number:02}.png" for number in range(14)]


def png():
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 0, 0)).save(buffer, "png")
    return buffer.getvalue()


@pytest.fixture
def values(monkeypatch):
    """What the template is given of 14 images, all of them dark and none of them there any more but the first two."""
    items = [
        Item(name, "ab"[place % 2], path=None if place < 2 else "gone", data=png()) for place, name in enumerate(NAMES)
    ]
    seen = [Seen(item, "", 0, 8, 8, 1, 0.0, 0.0, "") for item in items]
    report = {kind: [] for kind in (EXACT | ALIKE | FINDINGS)} | {kind: {} for kind in ODD}
    report |= {
        "classes": {"a": {"train": 5, "validation": 1, "test": 1}, "b": {"train": 7, "validation": 0, "test": 0}},
        "sizes": {"width": {"median": 64}, "height": {"median": 48}},
        "dark": {name: str(place) for place, name in enumerate(NAMES)},
        "duplicates": [NAMES[:5], *([NAMES[0], name] for name in NAMES[1:13])],
        "near_duplicates": [NAMES[:2]],
        "not_images": ["notes.txt"],
        "unreadable": {"x.png": "it is empty"},
        "hidden": [".x"],
    }
    found = {}
    monkeypatch.setattr(data, "render", lambda template, **given: found.update(given) or template)
    assert data.data_page(Examined(seen, np.array([0, 1] * 7, np.int8), report, "")) == "data.html"
    return found


def test_of_a_kind_twelve_images_and_of_a_group_four_are_shown(values):
    dark, duplicates, alike = values["sections"]
    assert (dark.title, dark.more) == ("14 dark pictures (mean grey level, of 255)", 2)
    (shown,) = dark.groups
    assert [each.name for each in shown] == NAMES[:12]
    assert (shown[0].note, shown[1].note) == ("a, train, 0", "b, validation, 1")  # with the number that says so
    assert (duplicates.title, duplicates.more) == ("13 groups of exact duplicates", 1)
    assert [len(group) for group in duplicates.groups] == [4] + [2] * 11
    assert duplicates.groups[0][0].note == "a, train" and alike.more == 0


def test_an_image_that_is_gone_meanwhile_keeps_its_name(values):
    shown = values["sections"][0].groups[0]
    assert shown[1].picture.startswith("<img ") and shown[2].picture == "" and shown[2].name == "02.png"


def test_what_is_listed_and_counted(values):
    assert [(each.title, each.lines) for each in values["listed"]] == [
        ("1 unreadable, left out", ["x.png: it is empty"]),
        ("1 not pictures, left out", ["notes.txt"]),
    ]
    assert values["counts"] == {"a": 7, "b": 7} and values["size"] == "64 x 48"
    assert values["hidden"] == "1 hidden file or folder skipped"
