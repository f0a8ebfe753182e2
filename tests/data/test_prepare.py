import os
import shutil

import pytest
import tensorflow_datasets as tfds

from study_classification.configs import default
from study_classification.data import prepare as prepare_module
from study_classification.data.dataset import open_dataset
from study_classification.data.prepare import format_report, prepare
from study_classification.data.sources import Item, list_source
from study_classification.data.splits import Picture
from study_classification.errors import DataError, EnvironmentFault


@pytest.fixture
def data_config(digits, tmp_path):
    config = default.get_config().data
    config.source, config.cache_dir = str(digits), str(tmp_path / "cache")
    return config


def prepared(data_config):
    return prepare(data_config.source, list_source(data_config.source), data_config)


def test_the_result_is_a_tfds_data_set_with_the_original_bytes(data_config, digits):
    folder = prepared(data_config)
    builder = tfds.builder_from_directory(folder / "prepared_images" / "1.0.0")
    assert {name: info.num_examples for name, info in builder.info.splits.items()} == {
        "train": 72,
        "validation": 9,
        "test": 9,
    }
    dataset = open_dataset(data_config)
    assert dataset.class_names == ("0", "1", "2")
    for split in dataset.splits.values():
        for index in range(len(split)):
            example = split[index]
            assert example.data == (digits / example.name).read_bytes()
            assert dataset.class_names[example.label] == example.name.split("/")[0]


def test_an_unchanged_folder_costs_no_reading(data_config, monkeypatch):
    folder = prepared(data_config)
    monkeypatch.setattr(prepare_module.Item, "read", lambda item: pytest.fail("a picture was read again"))
    assert prepared(data_config) == folder


def test_a_changed_folder_is_prepared_anew_and_back_again(data_config, digits):
    first = prepared(data_config)
    victim = next((digits / "2").iterdir())
    content, times = victim.read_bytes(), victim.stat()
    other = next((digits / "1").iterdir()).read_bytes()
    victim.write_bytes(other[: len(content)].ljust(len(content), b"\0"))
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))  # same size, same time: still another content
    second = prepared(data_config)
    assert second != first
    victim.write_bytes(content)
    assert prepared(data_config) == first


def test_a_moved_folder_is_the_same_data(data_config, digits):
    first = prepared(data_config)
    data_config.source = str(shutil.move(digits, digits.with_name("moved")))
    assert prepared(data_config) == first


def test_the_report_tells_what_was_found(data_config, digits):
    pictures = sorted((digits / "0").iterdir())
    shutil.copy(pictures[0], digits / "0" / "copy.png")
    shutil.copy(pictures[1], digits / "1" / "other_label.png")
    (digits / "2" / "broken.png").write_bytes(pictures[2].read_bytes()[:60])
    (digits / "2" / "empty.jpg").touch()
    (digits / "2" / "notes.txt").write_text("hello")
    (digits / ".DS_Store").touch()
    for picture in sorted((digits / "2").glob("[0-9]*.png"))[8:]:
        picture.unlink()
    report = open_dataset(data_config).report
    assert report["pictures"] == 30 + 1 + 30 + 1 + 8
    assert {name: sum(counts.values()) for name, counts in report["classes"].items()} == {"0": 31, "1": 31, "2": 8}
    assert report["unreadable"].keys() == {"2/broken.png", "2/empty.jpg"}
    assert report["unreadable"]["2/empty.jpg"] == "it is empty"
    assert report["not_pictures"] == ["2/notes.txt"]
    assert report["hidden"] == [".DS_Store"]
    assert sorted(map(sorted, report["duplicates"])) == [
        ["0/" + pictures[0].name, "0/copy.png"],
        ["0/" + pictures[1].name, "1/other_label.png"],
    ]
    assert len(report["two_labels"]) == 1
    assert report["in_two_splits"] == []
    text = open_dataset(data_config).describe()
    for words in ("70 pictures in 3 classes", "3.9 times as many", "2 unreadable", "1 pictures under two labels"):
        assert words in text
    data_config.on_unreadable = "error"
    with pytest.raises(DataError, match=r"2/broken\.png cannot be read: .* \(and 1 more\)"):
        prepared(data_config)


def test_nothing_of_the_user_is_changed(data_config, digits):
    def state():
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(digits.rglob("*"))}

    before = state()
    open_dataset(data_config)
    assert state() == before


def test_own_splits_are_kept_and_validation_is_cut_off_training(data_config, digits, tmp_path):
    for split, numbers in (("train", slice(0, 20)), ("test", slice(20, 30))):
        for label in "012":
            for picture in sorted((digits / label).iterdir())[numbers]:
                target = tmp_path / "own" / split / label / picture.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(picture, target)
    data_config.source = str(tmp_path / "own")
    dataset = open_dataset(data_config)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 54, "validation": 6, "test": 30}
    assert all(dataset.splits["test"][index].name.startswith("test/") for index in range(30))


def test_given_back_splits_decide_what_is_cut_off_the_sources_own_training_pictures():
    items = [Item(f"train/{n}", "cat", "train") for n in range(10)] + [Item("test/0", "cat", "test")]
    readable = [(item, Picture(item.name, item.label, f"pixels of {item.name}")) for item in items]
    config = default.get_config().data
    for chosen in ("train/3", "train/7"):  # of 10 pictures, 8 : 1 without a test leave 1 for validation
        pinned = {f"pixels of {chosen}": "validation", "pixels of test/0": "train"}
        splits = prepare_module._choose_splits(readable, config, pinned)
        assert splits == {item.name: item.split for item in items} | {chosen: "validation"}


def test_given_back_splits(data_config, digits):
    first = open_dataset(data_config)
    old = digits.parent / "splits.csv"
    old.write_text(first.splits_csv)
    for picture in list((digits / "0").iterdir())[:10]:
        shutil.copy(picture, picture.with_name("x" + picture.name))
        picture.unlink()  # renamed: found again by its content
    data_config.splits = str(old)
    second = open_dataset(data_config)

    def by_pixels(dataset):
        rows = [line.split(",") for line in dataset.splits_csv.splitlines()[1:]]
        return {row[3]: row[2] for row in rows}

    assert by_pixels(second) == by_pixels(first)


def test_other_splits_make_another_data_set(data_config, digits, tmp_path):
    first = open_dataset(data_config)
    header, *rows = first.splits_csv.splitlines()
    chosen = rows[0].replace(",train,", ",test,") if ",train," in rows[0] else rows[0].replace(",test,", ",train,")
    (tmp_path / "splits.csv").write_text("\n".join([header, chosen, *rows[1:]]) + "\n")
    data_config.splits = str(tmp_path / "splits.csv")
    assert open_dataset(data_config).splits_csv.splitlines()[1] == chosen


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: [shutil.rmtree(root / label) for label in "12"], "has only one class, 0"),
        (
            lambda root: [p.unlink() for c in root.iterdir() for p in sorted(c.iterdir())[1:]],
            "no picture left for valid",
        ),
        (lambda root: [p.write_bytes(b"x") for p in root.rglob("*.png")], "none of the 90 pictures .* can be read"),
    ],
    ids=["one class", "one picture a class", "nothing readable"],
)
def test_hopeless_folders(data_config, digits, change, message):
    change(digits)
    with pytest.raises(DataError, match=message):
        prepared(data_config)


def test_an_unwritable_cache_is_named(data_config, tmp_path):
    (tmp_path / "file").touch()
    data_config.cache_dir = str(tmp_path / "file" / "cache")
    with pytest.raises(EnvironmentFault, match=r"cannot be written .*data\.cache_dir"):
        prepared(data_config)


def test_the_report_has_columns_whatever_the_names_of_the_classes():
    report = {
        name: [] for name in ("not_pictures", "empty_classes", "duplicates", "two_labels", "in_two_splits", "hidden")
    }
    report |= {"unreadable": {}, "classes": {"猫": {"train": 3}, "いぬ": {"train": 2}, "horse": {"train": 2}}}
    assert format_report(report).splitlines()[1:] == [
        "  猫           3   42.9%",
        "  いぬ         2   28.6%",
        "  horse        2   28.6%",
    ]


def report_of(counts, **more):
    lists = ("not_pictures", "empty_classes", "duplicates", "two_labels", "in_two_splits", "hidden")
    classes = {name: {"train": count} for name, count in counts.items()}
    return {name: [] for name in lists} | {"unreadable": {}, "classes": classes} | more


@pytest.mark.parametrize(("largest", "said"), [(30, False), (31, True)])
def test_an_imbalance_begins_above_three_times(largest, said):
    assert ("Imbalance: cat has" in format_report(report_of({"cat": largest, "dog": 10}))) is said


def test_of_many_classes_twenty_are_shown():
    counts = {f"class{number:02}": 1 for number in range(20)}
    assert "more classes" not in format_report(report_of(counts))
    text = format_report(report_of(counts | {"last": 1}))
    assert "class19" in text and "last" not in text
    assert "\n  ... and 1 more classes" in text


def test_of_long_lists_three_entries_are_shown():
    three, four = (format_report(report_of({"cat": 1}, not_pictures=list(names))) for names in ("abc", "abcd"))
    assert three.splitlines()[-4:] == ["  3 not pictures, left out:", "    a", "    b", "    c"]
    assert four.splitlines()[-5:-1] == ["  4 not pictures, left out:", "    a", "    b", "    c"]
    assert four.endswith("    ... (all of them in data_report.json)")
