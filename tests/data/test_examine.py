"""A small folder in which one of everything is wrong."""

import json

import numpy as np
import pytest
from picture_helpers import folder_of_photos, photo
from PIL import Image, ImageFilter

from study_classification.configs import default
from study_classification.data.dataset import open_dataset
from study_classification.data.examine import ODDITIES, Seen, _sizes, examine, look_at
from study_classification.data.items import Item
from study_classification.data.report import format_report
from study_classification.data.sources import list_source
from study_classification.errors import DataError

DATA = default.get_config().data


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    root = folder_of_photos(tmp_path_factory.mktemp("odd") / "data")
    dark = Image.fromarray(np.asarray(photo(20)) // 12)
    dark.save(root / "a" / "dark.png")
    photo(21, 512).filter(ImageFilter.GaussianBlur(12)).save(root / "a" / "blurred.png")
    photo(22, 16).save(root / "a" / "tiny.png")
    photo(23, 64).resize((320, 64)).save(root / "a" / "long.png")
    exif = Image.Exif()
    exif[0x112] = 6
    photo(24, 64).save(root / "a" / "lying.jpg", exif=exif, quality=95)
    photo(3, 64).save(root / "a" / "near.jpg", quality=20)
    photo(1004, 64).save(root / "a" / "other label.webp", quality=20)
    (root / "b" / "copy.png").write_bytes((root / "a" / "05.png").read_bytes())
    (root / "b" / "broken.png").write_bytes((root / "b" / "01.png").read_bytes()[:300])
    (root / "b" / ".hidden.png").touch()
    return root


@pytest.fixture(scope="module")
def found(odd):
    return examine(str(odd), list_source(str(odd)), DATA)


def seen_as(width=64, height=64, turn=1, brightness=100.0, sharpness=100.0):
    return Seen(Item("x.png", "a"), "", 10 * width, width, height, turn, brightness, sharpness, "")


@pytest.mark.parametrize(
    ("kind", "odd", "plain"),
    [
        ("dark", {"brightness": 29.9}, {"brightness": 30}),
        ("blurred", {"sharpness": 49.9}, {"sharpness": 50}),
        ("blurred", {"sharpness": 0, "height": 32}, {"sharpness": 0, "height": 31}),  # which is tiny
        ("blurred", {"sharpness": 0, "brightness": 30}, {"sharpness": 0, "brightness": 29.9}),  # which is dark
        ("tiny", {"width": 31}, {"width": 32}),
        ("odd_shaped", {"width": 193}, {"width": 192}),
        ("odd_shaped", {"height": 193}, {"height": 192}),
        ("turned", {"turn": 2}, {"turn": 1}),
    ],
)
def test_an_oddity_begins_beyond_its_limit(kind, odd, plain):
    assert ODDITIES[kind](seen_as(**odd)) and not ODDITIES[kind](seen_as(**plain))


def test_sharpness_is_that_of_one_size_whatever_the_image_s_own():
    image = photo(0, 224)  # 256 pixels long
    large = image.resize((1024, 896), Image.Resampling.BICUBIC)
    small, same = (look_at(Item("x.png", "a"), b"", each).sharpness for each in (image, large))
    assert 0.2 < same / small < 1  # a little is lost on the way; at its own size it would be a hundredth


def test_the_sizes_are_told_by_their_extremes_and_medians():
    sizes = _sizes([seen_as(width=width, height=7) for width in (90, 10, 20)])
    assert sizes == {
        "width": {"smallest": 10, "median": 20, "largest": 90},
        "height": {"smallest": 7, "median": 7, "largest": 7},
        "bytes": {"smallest": 100, "median": 200, "largest": 900},
    }


def test_each_oddity_is_found_once(found):
    report = found.report
    kinds = ("dark", "blurred", "tiny", "odd_shaped", "turned")
    assert {kind: list(report[kind]) for kind in kinds} == {
        "dark": ["a/dark.png"],
        "blurred": ["a/blurred.png"],
        "tiny": ["a/tiny.png"],
        "odd_shaped": ["a/long.png"],
        "turned": ["a/lying.jpg"],
    }
    assert (report["tiny"]["a/tiny.png"], report["turned"]["a/lying.jpg"]) == ("48 x 16", "EXIF 6")
    lying = next(seen for seen in found.seen if seen.item.name == "a/lying.jpg")
    assert (lying.width, lying.height) == (64, 96)  # upright
    assert report["unreadable"] == {"b/broken.png": "the data stop before the end of the picture"}
    assert report["hidden"] == ["b/.hidden.png"]


def test_copies_are_found_by_content(found):
    report = found.report
    assert report["duplicates"] == report["two_labels"] == [["a/05.png", "b/copy.png"]]
    assert report["near_duplicates"] == [["a/03.png", "a/near.jpg"], ["a/other label.webp", "b/04.png"]]
    assert report["near_under_two_labels"] == [["a/other label.webp", "b/04.png"]]
    splits = dict(zip((seen.item.name for seen in found.seen), found.splits.tolist(), strict=True))
    torn = [group for group in report["near_duplicates"] if splits[group[0]] != splits[group[1]]]
    assert report["near_in_two_splits"] == torn


def test_counts_and_splits_are_those_of_prepare(found, odd, tmp_path):
    config = default.get_config().data
    config.source, config.cache_dir = str(odd), str(tmp_path)
    prepared = open_dataset(config).report
    assert {key: found.report[key] for key in prepared} == prepared
    json.dumps(found.report)
    text = format_report(found.report, bars=True)
    assert f"  a       17   60.7%  {'█' * 30}\n  b       11   39.3%  {'█' * 19}\n" in text
    assert "2 groups of pictures that look alike:\n    a/03.png = a/near.jpg\n" in text
    assert not found.problem


def test_near_duplicates_and_groups_stay_together(odd, tmp_path):
    config = default.get_config().data
    config.source, config.cache_dir = str(odd), str(tmp_path)

    def splits(**fields):
        for name, value in fields.items():
            config[name] = value
        rows = (line.split(",") for line in open_dataset(config).splits_csv.splitlines()[1:])
        return {row[0]: row[2] for row in rows}

    apart = [splits(split_seed=seed) for seed in range(3)]
    assert any(found["a/03.png"] != found["a/near.jpg"] for found in apart)  # else nothing is shown
    for seed in range(3):
        found = splits(split_seed=seed, group_near_duplicates=True)
        assert found["a/03.png"] == found["a/near.jpg"] and found["a/other label.webp"] == found["b/04.png"]
        assert found["a/05.png"] == found["b/copy.png"]
    found = splits(group_near_duplicates=False, group_pattern=r"/(0)\d\.png")
    assert len({split for name, split in found.items() if "/0" in name}) == 1


def test_groups_of_a_manifest_stay_together(odd, tmp_path):
    names = [f"{label}/{number:02}.png" for label in "ab" for number in range(10)]
    lines = [f"{odd / name},{name[0]},patient {number // 3}" for number, name in enumerate(names)]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,group", *lines]))
    listing = list_source(str(tmp_path / "list.csv"))
    found = examine("list", listing, DATA)
    by_group = {}
    for seen, split in zip(found.seen, found.splits, strict=True):
        by_group.setdefault(listing.groups[seen.item.name], set()).add(int(split))
    assert len(by_group) == 7 and all(len(splits) == 1 for splits in by_group.values())
    assert set().union(*by_group.values()) == {0, 1, 2}


def test_what_cannot_be_trained_on_is_said(tmp_path):
    root = folder_of_photos(tmp_path / "data", 3)
    (root / "b").rename(tmp_path / "elsewhere")
    assert "has only one class, a" in examine("x", list_source(str(root)), DATA).problem
    for file in (root / "a").iterdir():
        file.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"none of the 3 pictures of x can be read: a/00.png, for instance: it is text"):
        examine("x", list_source(str(root)), DATA)
