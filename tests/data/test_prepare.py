import csv
import os
import shutil
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from study_classification.configs import default
from study_classification.data import prepare as prepare_module
from study_classification.data import prepared_images, staging
from study_classification.data.dataset import open_dataset
from study_classification.data.found import Found, choose_splits
from study_classification.data.items import SPLITS, Item
from study_classification.data.prepare import prepare
from study_classification.data.report import format_report
from study_classification.data.sources import list_source
from study_classification.errors import DataError, EnvironmentFault
from study_classification.system import locks


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
    for name, split in dataset.splits.items():
        assert builder.info.splits[name].num_bytes == sum(len(split[index].data) for index in range(len(split)))
        for index in range(len(split)):
            example = split[index]
            assert example.data == (digits / example.name).read_bytes()
            assert dataset.class_names[example.label] == example.name.split("/")[0]


def test_an_unchanged_folder_costs_no_reading(data_config, monkeypatch):
    folder = prepared(data_config)
    monkeypatch.setattr(Item, "read", lambda item: pytest.fail("a picture was read again"))
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
    images = sorted((digits / "0").iterdir())
    shutil.copy(images[0], digits / "0" / "copy.png")
    shutil.copy(images[1], digits / "1" / "other_label.png")
    (digits / "2" / "broken.png").write_bytes(images[2].read_bytes()[:60])
    (digits / "2" / "empty.jpg").touch()
    (digits / "2" / "notes.txt").write_text("hello")
    (digits / ".DS_Store").touch()
    for image in sorted((digits / "2").glob("[0-9]*.png"))[8:]:
        image.unlink()
    report = open_dataset(data_config).report
    assert report["pictures"] == 30 + 1 + 30 + 1 + 8
    assert {name: sum(counts.values()) for name, counts in report["classes"].items()} == {"0": 31, "1": 31, "2": 8}
    assert report["unreadable"].keys() == {"2/broken.png", "2/empty.jpg"}
    assert report["unreadable"]["2/empty.jpg"] == "it is empty"
    assert report["not_images"] == ["2/notes.txt"]
    assert report["hidden"] == [".DS_Store"]
    assert sorted(map(sorted, report["duplicates"])) == [
        ["0/" + images[0].name, "0/copy.png"],
        ["0/" + images[1].name, "1/other_label.png"],
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
            for image in sorted((digits / label).iterdir())[numbers]:
                target = tmp_path / "own" / split / label / image.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(image, target)
    data_config.source = str(tmp_path / "own")
    dataset = open_dataset(data_config)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 54, "validation": 6, "test": 30}
    assert all(dataset.splits["test"][index].name.startswith("test/") for index in range(30))


def test_given_back_splits_decide_what_is_cut_off_the_sources_own_training_images():
    own = np.array([SPLITS.index(name) for name in ["train"] * 10 + ["test"]], np.int8)
    labels, digests = np.zeros(11, np.int32), np.array([b"pixels of %d" % n for n in range(11)])
    group = np.arange(11, dtype=np.int32)
    found = Found(("cat",), labels, own, digests, group, np.ones(11, np.int64), np.array([0, 11]), {})
    config = default.get_config().data
    for chosen in (3, 7):  # of 10 images, 8 : 1 without a test leave 1 for validation
        pinned = {f"pixels of {chosen}": "validation", "pixels of 10": "train"}
        expected = own.copy()
        expected[chosen] = SPLITS.index("validation")
        assert (choose_splits(found, config, pinned) == expected).all()


def test_given_back_splits(data_config, digits):
    first = open_dataset(data_config)
    old = digits.parent / "splits.csv"
    old.write_text(first.splits_csv)
    for image in list((digits / "0").iterdir())[:10]:
        shutil.copy(image, image.with_name("x" + image.name))
        image.unlink()  # renamed: found again by its content
    data_config.splits = str(old)
    second = open_dataset(data_config)

    def by_pixels(dataset):
        rows = [line.split(",") for line in dataset.splits_csv.splitlines()[1:]]
        return {row[3]: row[2] for row in rows}

    assert by_pixels(second) == by_pixels(first)


def test_other_splits_make_another_data_set(data_config, digits, tmp_path):
    first = open_dataset(data_config)
    header, *rows = first.splits_csv.splitlines()
    data_config.splits = str(tmp_path / "splits.csv")
    for place in (0, 1):
        own, *_ = (split for split in SPLITS if f",{split}," in rows[place])
        chosen = rows[place].replace(f",{own},", ",test," if own == "train" else ",train,")
        (tmp_path / "splits.csv").write_text("\n".join([header, *rows[:place], chosen, *rows[place + 1 :]]) + "\n")
        assert open_dataset(data_config).splits_csv.splitlines()[place + 1] == chosen


def test_what_is_unreadable_in_any_part_is_told(data_config, digits, monkeypatch):
    monkeypatch.setattr(staging, "MEAN_PART", 8)
    files = [min((digits / label).iterdir()) for label in "02"]
    for file in files:
        file.write_bytes(b"")
    dataset = open_dataset(data_config)
    assert dataset.report["unreadable"] == {str(file.relative_to(digits)): "it is empty" for file in files}
    for name, split in dataset.splits.items():  # the others are themselves
        examples = [split[place] for place in range(len(split))]
        assert [example.data for example in examples] == [(digits / example.name).read_bytes() for example in examples]
        assert [str(label) for label in dataset.labels(name, digits)] == [example.name[0] for example in examples]


def test_another_limit_of_size_judges_anew(data_config):
    prepared(data_config)
    data_config.max_megapixels = 5e-5  # 50 of the 64 pixels
    with pytest.raises(DataError, match=r"none of the 90 pictures .* it claims 6\.4e-05 megapixels"):
        prepared(data_config)


def test_the_splits_are_sorted_by_name_and_no_name_becomes_a_formula(data_config, digits):
    (digits / "0").rename(digits / "=1")
    header, *rows = open_dataset(data_config).splits_csv.splitlines()
    assert header == "name,label,split,pixels"
    assert rows[-1].startswith("'=1/") and rows[-1].split(",")[1] == "'=1"
    names = [row.split(",")[0].removeprefix("'") for row in rows]
    assert len(names) == 90 and names == sorted(names)


def test_a_file_is_read_once(data_config, digits, monkeypatch):
    read, count = Item.read, Counter()

    def counting(item):
        count[item.name] += 1
        return read(item)

    monkeypatch.setattr(Item, "read", counting)
    prepared(data_config)
    assert len(count) == 90 and set(count.values()) == {1}


def test_a_file_that_could_not_be_read_for_a_moment_is_there_again(data_config, monkeypatch):
    whole = prepared(data_config)
    shutil.rmtree(data_config.cache_dir)
    with monkeypatch.context() as patch:
        read = Item.read

        def failing(item):
            if item.name.startswith("0/"):
                raise OSError(5, "Input/output error")
            return read(item)

        patch.setattr(Item, "read", failing)
        dataset = open_dataset(data_config)
        assert len(dataset.report["unreadable"]) == 30
    assert prepared(data_config) == whole
    assert not open_dataset(data_config).report["unreadable"]


def test_a_file_that_changes_while_it_is_read_is_stored_as_it_was_judged(data_config, digits, monkeypatch):
    victim = next((digits / "2").iterdir())
    content, other, read = victim.read_bytes(), next((digits / "1").iterdir()).read_bytes(), Item.read

    def changing(item):
        data = read(item)
        if item.path == str(victim):
            victim.write_bytes(other)
        return data

    with monkeypatch.context() as patch:
        patch.setattr(Item, "read", changing)
        first = open_dataset(data_config)
    name = str(victim.relative_to(digits))
    stored = next(e for s in first.splits.values() for e in map(s.__getitem__, range(len(s))) if e.name == name)
    assert stored.data == content
    second = open_dataset(data_config)
    assert second.key != first.key
    assert (
        next(e.data for s in second.splits.values() for e in map(s.__getitem__, range(len(s))) if e.name == name)
        == other
    )
    victim.write_bytes(content)
    assert open_dataset(data_config).key == first.key


def test_a_killed_preparation_goes_on(data_config, monkeypatch, capsys):
    monkeypatch.setattr(staging, "MEAN_PART", 8)
    expected = prepared(data_config)
    shutil.rmtree(data_config.cache_dir)
    read, count = Item.read, Counter()

    def stopping(item):
        count[item.name] += 1
        if len(count) == 60:
            raise KeyboardInterrupt
        return read(item)

    data_config.workers = 1
    with monkeypatch.context() as patch:
        patch.setattr(Item, "read", stopping)
        with pytest.raises(KeyboardInterrupt):
            prepared(data_config)
        patch.setattr(Item, "read", lambda item: (count.update([item.name]), read(item))[1])
        capsys.readouterr()
        assert prepared(data_config) == expected
    assert count.total() < 90 + 40  # what was running, not all that came before
    assert "that were read before it was stopped" in capsys.readouterr().out
    assert not list((Path(data_config.cache_dir) / "staging").glob("*/"))


def test_shards_that_are_finished_are_not_written_again(data_config, monkeypatch):
    def stopping(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prepare_module.entries, "publish", stopping)
        with pytest.raises(KeyboardInterrupt):
            prepared(data_config)
    written = []
    writer = prepared_images.ArrayRecordWriter
    monkeypatch.setattr(prepared_images, "ArrayRecordWriter", lambda *a: (written.append(a), writer(*a))[1])
    next((Path(data_config.cache_dir) / "staging").rglob("*validation.array_record*")).unlink()
    assert len(open_dataset(data_config).splits["train"]) == 72
    assert len(written) == 1


def test_a_shard_holds_so_many_images_at_most(data_config, monkeypatch):
    monkeypatch.setattr(prepared_images, "MOST_IN_SHARD", 30)
    splits = open_dataset(data_config).splits
    files = Path(data_config.cache_dir).rglob("*.array_record-*")
    counts = Counter(file.name.split(".")[0].split("-")[1] for file in files)
    assert counts == {"train": 3, "validation": 1, "test": 1}
    names = [splits["train"][place].name for place in range(72)]
    assert len(splits["train"]) == 72 and names == sorted(names)


def test_of_two_preparations_at_once_one_reads_and_the_other_uses_it(data_config, monkeypatch):
    read, count = Item.read, Counter()
    both = threading.Barrier(2, timeout=30)

    def counting(item):
        count[item.name] += 1
        return read(item)

    def second():
        both.wait()
        found.append(prepared(data_config))

    monkeypatch.setattr(Item, "read", counting)
    found: list[Path] = []
    threads = [threading.Thread(target=second) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1]
    assert set(count.values()) == {1}


def test_without_locks_two_preparations_at_once_do_not_disturb_each_other(data_config, monkeypatch):
    def unsupported(opened):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locks, "lock", unsupported)
    publish, found = prepare_module.entries.publish, []

    def overtaken(temporary, folder):
        monkeypatch.setattr(prepare_module.entries, "publish", publish)
        found.append(prepared(data_config))
        publish(temporary, folder)

    monkeypatch.setattr(prepare_module.entries, "publish", overtaken)
    assert [prepared(data_config)] == found
    assert len(open_dataset(data_config).splits["train"]) == 72


@pytest.mark.parametrize(
    "name",
    ["*train.array_record*", "dataset_info.json", "data_report.json", "splits.csv", "labels-train.npy", "sealed*"],
)
@pytest.mark.parametrize("harm", ["flipped", "cut", "removed"])
def test_damaged_data_are_prepared_again(data_config, name, harm, capsys):
    folder = prepared(data_config)
    (file,) = folder.rglob(name)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    if harm == "removed":
        file.unlink()
    else:
        file.write_bytes(content if harm == "flipped" else content[: len(content) // 2])
    dataset = open_dataset(data_config)
    assert f"{folder} is damaged" in capsys.readouterr().out
    assert [dataset.splits["train"][row].label for row in range(72)] == dataset.labels("train", folder).tolist()


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
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "prepared").touch()
    data_config.cache_dir = str(tmp_path / "cache")
    with pytest.raises(EnvironmentFault, match=r"cache/prepared is a file, and no folder can be made in its place"):
        prepared(data_config)


def test_the_report_has_columns_whatever_the_names_of_the_classes():
    report = {
        name: [] for name in ("not_images", "empty_classes", "duplicates", "two_labels", "in_two_splits", "hidden")
    }
    report |= {"unreadable": {}, "classes": {"猫": {"train": 3}, "いぬ": {"train": 2}, "horse": {"train": 2}}}
    assert format_report(report).splitlines()[1:] == [
        "  猫           3   42.9%",
        "  いぬ         2   28.6%",
        "  horse        2   28.6%",
    ]


def report_of(counts, **more):
    lists = ("not_images", "empty_classes", "duplicates", "two_labels", "in_two_splits", "hidden")
    classes = {name: {"train": count} for name, count in counts.items()}
    return {name: [] for name in lists} | {"unreadable": {}, "classes": classes} | more


@pytest.mark.parametrize(("largest", "said"), [(30, False), (31, True)])
def test_an_imbalance_begins_above_three_times(largest, said):
    assert ("Imbalance: cat has" in format_report(report_of({"cat": largest, "dog": 10}))) is said


def test_bars_are_shares_of_the_largest_class_and_none_vanishes():
    lines = format_report(report_of({"cat": 100, "dog": 50, "emu": 1}), bars=True).splitlines()
    assert lines[0] == "151 pictures in 3 classes: 151 train, 0 validation, 0 test"
    assert [line.partition("%")[2] for line in lines[1:4]] == ["  " + "█" * length for length in (30, 15, 1)]


def test_of_many_classes_twenty_are_shown():
    counts = {f"class{number:02}": 1 for number in range(20)}
    assert "more classes" not in format_report(report_of(counts))
    text = format_report(report_of(counts | {"last": 1}))
    assert "class19" in text and "last" not in text
    assert "\n  ... and 1 more classes" in text


def test_of_long_lists_three_entries_are_shown():
    three, four = (format_report(report_of({"cat": 1}, not_images=list(names))) for names in ("abc", "abcd"))
    assert three.splitlines()[-4:] == ["  3 not pictures, left out:", "    a", "    b", "    c"]
    assert four.splitlines()[-5:-1] == ["  4 not pictures, left out:", "    a", "    b", "    c"]
    assert four.endswith("    ... (all of them in data_report.json)")


@pytest.fixture
def numbered(data_config, digits):
    """A manifest of the 90 images, each with a number of its own, in rising order; and two copies of the first."""
    images = sorted(path for path in digits.rglob("*.png"))
    copies = [shutil.copy(images[0], digits / f"copy{number}.png") for number in (1, 2)]
    lines = [f"{path.relative_to(digits)},{number / 2}" for number, path in enumerate(images)]
    lines += [f"{copies[0].name},0.0", f"{copies[1].name},-7.5"]
    data_config.source = str(digits / "numbers.csv")
    Path(data_config.source).write_text("path,label\n" + "\n".join(lines) + "\n")
    return data_config


def test_numbers_are_labels_without_classes(numbered):
    dataset = open_dataset(numbered, numbers=True)
    assert dataset.class_names == ()
    splits = {row["name"]: row for row in csv.DictReader(dataset.splits_csv.splitlines())}
    sizes = {name: len(split) for name, split in dataset.splits.items()}
    assert sizes == Counter(row["split"] for row in splits.values()) == {"train": 74, "validation": 9, "test": 9}
    for name, split in dataset.splits.items():
        examples = [split[index] for index in range(len(split))]
        assert [example.label for example in examples] == [float(splits[example.name]["label"]) for example in examples]
        labels = dataset.labels(name, Path())
        assert labels.dtype == split.label_type == np.float32
        assert labels.tolist() == [example.label for example in examples]
    copies = {splits[name]["split"] for name in ("0/0000.png", "copy1.png", "copy2.png")}
    assert len(copies) == 1  # also where the number is another
    assert dataset.report["two_labels"] == [["0/0000.png", "copy1.png", "copy2.png"]]
    train = np.array([float(row["label"]) for row in splits.values() if row["split"] == "train"])
    assert dataset.report["numbers"]["train"] == {
        "pictures": 74,
        "lowest": train.min(),
        "mean": pytest.approx(train.mean()),
        "highest": train.max(),
        "deviation": pytest.approx(train.std()),
    }
    assert "92 pictures, each with a number: 74 train, 9 validation, 9 test" in dataset.describe()


def test_class_folders_named_by_numbers_are_numbers_too(data_config):
    dataset = open_dataset(data_config, numbers=True)
    assert set(dataset.labels("train", Path()).tolist()) == {0.0, 1.0, 2.0}
    assert open_dataset(data_config).class_names == ("0", "1", "2")  # the other way to read them stays


def test_classes_are_no_numbers(data_config, digits):
    (digits / "2").rename(digits / "two")
    with pytest.raises(DataError, match=r"the label 'two' of .* is no number, but task.name is regression"):
        open_dataset(data_config, numbers=True)


def test_one_image_is_too_few_for_numbers(data_config, tmp_path, digits):
    data_config.source = str(tmp_path / "one.csv")
    Path(data_config.source).write_text(f"path,label\n{next((digits / '1').iterdir())},3\n")
    with pytest.raises(DataError, match="has no pictures left for the split validation: give at least two of them"):
        open_dataset(data_config, numbers=True)
