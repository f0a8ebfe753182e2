import hashlib
import os
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest

from study_classification.data import splits
from study_classification.data.items import SPLITS
from study_classification.data.splits import read_pinned, split_sizes
from study_classification.errors import DataError


class Image(NamedTuple):
    name: str
    label: str
    pixels: str


def assign_splits(images, ratio, seed, pinned=None):
    """name -> split."""
    images = list(images)
    names = sorted({image.label for image in images})
    labels = np.array([names.index(image.label) for image in images])
    digests, group = np.unique([image.pixels.encode() for image in images], return_inverse=True)
    chosen = splits.assign_splits(digests, group, labels, ratio, seed, pinned)
    return {image.name: SPLITS[number] for image, number in zip(images, chosen, strict=True)}


PICTURES = [
    Image(f"{label}/{n}.png", label, f"{label}{n}") for label, count in (("cat", 50), ("dog", 20)) for n in range(count)
]


def counts(splits, label):
    return Counter(split for name, split in splits.items() if name.startswith(label))


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (10, (8, 1, 1)), (17, (13, 2, 2)), (1000, (800, 100, 100))],
)
def test_sizes(count, expected):
    assert tuple(split_sizes(count, (8, 1, 1)).values()) == expected
    assert split_sizes(count, (8, 1, 0))["test"] == 0


def test_ratio_per_class():
    splits = assign_splits(PICTURES, (8, 1, 1), seed=0)
    assert counts(splits, "cat") == {"train": 40, "validation": 5, "test": 5}
    assert counts(splits, "dog") == {"train": 16, "validation": 2, "test": 2}


def test_content_decides_not_order_nor_name():
    splits = assign_splits(PICTURES, (8, 1, 1), seed=0)
    assert assign_splits(reversed(PICTURES), (8, 1, 1), seed=0) == splits
    renamed = [Image("moved/" + image.name, image.label, image.pixels) for image in PICTURES]
    assert assign_splits(renamed, (8, 1, 1), seed=0) == {"moved/" + name: split for name, split in splits.items()}
    assert assign_splits(PICTURES, (8, 1, 1), seed=1) != splits


def test_duplicates_stay_together_also_under_two_labels():
    copies = [Image(f"copy/{image.name}", "dog", image.pixels) for image in PICTURES if image.label == "cat"]
    splits = assign_splits(PICTURES + copies, (8, 1, 1), seed=0)
    assert all(splits[f"copy/{image.name}"] == splits[image.name] for image in PICTURES if image.label == "cat")


def test_copies_under_two_labels_count_for_the_first_in_alphabetical_order():
    # The two that are the same count as cats: 8 : 1 : 1 is drawn of fifteen cats, and of thirteen dogs.
    own = [Image(f"{label}/{n}", label, f"{label}{n}") for label in ("cat", "dog") for n in range(13)]
    double = [Image("cat/two", "cat", "both"), Image("dog/two", "dog", "both")]
    for images in (own + double, double + own, own + double[::-1]):
        splits = assign_splits(images, (8, 1, 1), seed=0)
        drawn = Counter(splits[image.name] for image in own if image.label == "dog")
        assert drawn == {"train": 11, "validation": 1, "test": 1}
        of_cats = Counter(splits[image.name] for image in images if image not in own[13:])
        assert of_cats == {"train": 11, "validation": 2, "test": 2}


def test_a_group_of_copies_goes_where_it_fits_whole():
    # Ten images, of which three are the same: one place in validation and one in the test, so they are trained on.
    images = [Image(f"cat/{n}", "cat", f"cat{max(n, 2)}") for n in range(10)]
    for seed in range(20):
        splits = assign_splits(images, (8, 1, 1), seed)
        assert Counter(splits.values()) == {"train": 8, "validation": 1, "test": 1}
        assert splits["cat/0"] == splits["cat/1"] == splits["cat/2"] == "train"
        # With two places in each, two copies take both.
        pairs = [Image(f"cat/{n}", "cat", f"cat{n // 2}") for n in range(20)]
        assert Counter(assign_splits(pairs, (8, 1, 1), seed).values()) == {"train": 16, "validation": 2, "test": 2}


def test_pinned_copies_take_up_the_room_of_all_of_them():
    images = [Image(f"cat/{n}", "cat", f"cat{n // 2}") for n in range(20)]
    splits = assign_splits(images, (8, 1, 1), seed=0, pinned={"cat0": "test", "cat1": "validation"})
    assert [splits[f"cat/{n}"] for n in range(4)] == ["test", "test", "validation", "validation"]
    assert Counter(splits.values()) == {"train": 16, "validation": 2, "test": 2}


def test_the_least_hashes_are_the_tests_and_the_next_those_of_the_validation():
    cats = [image for image in PICTURES if image.label == "cat"]
    ranked = sorted(cats, key=lambda image: hashlib.sha256(f"7:{image.pixels}".encode()).digest())
    splits = assign_splits(cats, (8, 1, 1), seed=7)
    assert [splits[image.name] for image in ranked] == ["test"] * 5 + ["validation"] * 5 + ["train"] * 40


def test_given_back_splits_hold_when_images_are_added():
    first = [image for image in PICTURES if int(image.name.split("/")[1][:-4]) % 2 == 0]
    old = assign_splits(first, (8, 1, 1), seed=0)
    pinned = {image.pixels: old[image.name] for image in first}
    new = assign_splits(PICTURES, (8, 1, 1), seed=5, pinned=pinned)
    assert all(new[name] == split for name, split in old.items())
    assert counts(new, "cat") == {"train": 40, "validation": 5, "test": 5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read: it does not exist"),
        ("a,b\n1,2\n", "columns"),
        ("pixels,split\nx,tets\n", "line 2: the split 'tets' of the pixels 'x'"),
        ("pixels,split\nx,test\n,train\n", "line 3: the split 'train' of the pixels ''"),
        ('pixels,split\n"x,test\n' + "y,test\n" * 30000, "line 2: the row that begins there is no CSV"),
        ("pixels,split\nx\0,test\n", "zero bytes"),
    ],
)
def test_a_wrong_splits_file_is_named(tmp_path, text, message):
    file = tmp_path / "splits.csv"
    if text:
        file.write_text(text)
    with pytest.raises(DataError, match=message):
        read_pinned(file)


def test_a_splits_file_that_a_spreadsheet_has_saved(tmp_path):
    (tmp_path / "splits.csv").write_bytes("name;label;split;pixels\r\nä;猫;test;x\r\n".encode("utf-8-sig"))
    assert read_pinned(tmp_path / "splits.csv") == {"x": "test"}


def test_a_pipe_is_no_splits_file(tmp_path):
    os.mkfifo(tmp_path / "splits.csv")
    with pytest.raises(DataError, match="it is a pipe, not a file"):
        read_pinned(tmp_path / "splits.csv")


def alike(count, size):
    """So many groups of exact duplicates of one class."""
    return [Image(f"{n}/{copy}.png", "cat", f"pixels {n}") for n in range(count) for copy in range(size)]


def test_a_group_of_duplicates_takes_the_room_of_all_its_images():
    # 20 pairs are 40 images, so there is room for 4 in the test and 4 in validation: two pairs in each.
    assert Counter(assign_splits(alike(20, 2), (8, 1, 1), seed=0).values()) == {"train": 32, "validation": 4, "test": 4}
    # Of 10 images one is to be in each: no pair fits there.
    assert Counter(assign_splits(alike(5, 2), (8, 1, 1), seed=0).values()) == {"train": 10}


def test_a_given_back_group_of_duplicates_takes_the_room_of_all_its_images():
    single = [Image(f"single/{n}.png", "cat", f"single {n}") for n in range(18)]
    splits = assign_splits(alike(1, 2) + single, (8, 1, 1), seed=0, pinned={"pixels 0": "test"})
    assert {name for name, split in splits.items() if split == "test"} == {"0/0.png", "0/1.png"}
    assert Counter(splits.values()) == {"train": 16, "validation": 2, "test": 2}
