"""TFDS data sets, read from a local directory as they would be after a download."""

import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from study_classification.configs import default
from study_classification.data.dataset import Split, class_names, open_dataset
from study_classification.errors import ConfigError, DataError, EnvironmentFault
from study_classification.inputs.images.decode import decode_image

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 5, 6, 3), np.uint8)


class TwentyImages(tfds.core.GeneratorBasedBuilder):
    """Stands for a data set of TFDS' own: splits train and test, and other feature names than this project's."""

    VERSION = tfds.core.Version("2.0.0")

    def _info(self):
        features = tfds.features.FeaturesDict(
            {"picture": tfds.features.Image(shape=(5, 6, 3)), "kind": tfds.features.ClassLabel(names=["a", "b"])}
        )
        return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(range(15)), "test": self._generate_examples(range(15, 20))}

    def _generate_examples(self, numbers):
        for number in numbers:
            buffer = io.BytesIO()  # TFDS needs TensorFlow to encode arrays, but not to store encoded images
            Image.fromarray(PIXELS[number]).save(buffer, "png")
            yield number, {"picture": buffer.getvalue(), "kind": number % 2}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    builder = TwentyImages(data_dir=tmp_path_factory.mktemp("tfds"), file_format="array_record")
    builder.download_and_prepare()
    return builder.data_dir


def config_for(source):
    config = default.get_config().data
    config.source = str(source)
    return config


def test_a_prepared_directory(prepared):
    dataset = open_dataset(config_for(prepared))
    assert dataset.class_names == ("a", "b")
    # Without a validation split, the last tenth of the training images (rounded by TFDS) is cut off.
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 14, "validation": 1, "test": 5}
    example = dataset.splits["validation"][0]
    assert (example.label, example.name) == (0, "train[90%:]/0")
    np.testing.assert_array_equal(np.asarray(decode_image(example.data)), PIXELS[14])


def test_split_expressions(prepared):
    config = config_for(prepared)
    config.tfds_splits = ("train[:5]", "train[5:8]", "train[8:]")
    assert [len(split) for split in open_dataset(config).splits.values()] == [5, 3, 7]
    config.tfds_splits = ("", "nowhere", "")
    with pytest.raises(DataError, match="'nowhere' is no split"):
        open_dataset(config)


def test_an_absent_split_is_named(prepared):
    with pytest.raises(DataError, match="no split 'tset': did you mean test"):
        open_dataset(config_for(prepared)).split("tset")


def test_a_set_that_is_not_there_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match="no data set 'cifar11': did you mean cifar10"):
        open_dataset(config_for("tfds:cifar11"))

    def offline(self, **options):
        raise ConnectionError("no network")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", offline)
    with pytest.raises(EnvironmentFault, match=r"tfds:mnist is not in .* connect to the internet once"):
        open_dataset(config_for("tfds:mnist"))
    assert class_names(config_for("tfds:mnist")) == tuple("0123456789")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "Parsing builder name string  failed"),
        ("mnist:9.9.9", "Dataset mnist cannot be loaded at version 9.9.9, only: 3.0.1"),
        ("mnist/large", "BuilderConfig large not found.*"),
        ("mnist/large=1", ".*unexpected keyword argument 'large'"),
    ],
)
def test_a_wrong_name_of_a_set_says_how_it_is_written(name, reason):
    with pytest.raises(DataError, match=rf"'{name}' is no data set of TFDS \({reason}\): write tfds:NAME, "):
        class_names(config_for(f"tfds:{name}"))


@pytest.mark.parametrize("content", ["{}", "null", "nonsense"])
def test_a_damaged_description_of_a_prepared_set_is_named(tmp_path, content):
    (tmp_path / "dataset_info.json").write_text(content)
    with pytest.raises(DataError, match=r"dataset_info\.json describes no TFDS data set \(.+\): restore it"):
        class_names(config_for(tmp_path))


def test_class_names_without_reading(prepared):
    assert class_names(config_for(prepared)) == ("a", "b")
    assert class_names(config_for("digits")) == tuple("0123456789")
    with pytest.raises(DataError, match="no data set 'cifar11'"):
        class_names(config_for("tfds:cifar11"))


def test_labels_are_those_of_the_records_whatever_the_names_of_the_classes(tmp_path):
    folders = ("dog", "dog small", "dog-big", "dog+", "=1+1", "'=1+1", "-1", "dog/a")
    for number, name in enumerate(folders):
        (tmp_path / "data" / name).mkdir(parents=True)
        for place in range(number + 2):
            colour = (number * 20, place * 20, 0)
            Image.new("RGB", (2, 2), colour).save(tmp_path / "data" / name / f"{place}.png")
    config = config_for(tmp_path / "data")
    config.cache_dir = str(tmp_path / "cache")
    dataset = open_dataset(config)
    assert len(dataset.class_names) == 7
    for name, split in dataset.splits.items():
        examples = [split[row] for row in range(len(split))]
        assert [dataset.class_names[one.label] for one in examples] == [one.name.split("/")[0] for one in examples]
        assert list(dataset.labels(name, tmp_path)) == [one.label for one in examples]


def test_names_of_any_bytes_are_prepared(tmp_path):
    for name in (b"caf\xe9", b"dog"):
        folder = tmp_path / os.fsdecode(b"d\xe4ta") / os.fsdecode(name)
        folder.mkdir(parents=True)
        for place in range(3):
            Image.new("RGB", (2, 2), (place * 20, len(name) * 20, 0)).save(folder / os.fsdecode(b"\xe9%d.png" % place))
    config = config_for(tmp_path / os.fsdecode(b"d\xe4ta"))
    config.cache_dir = str(tmp_path / "cache")
    dataset = open_dataset(config)
    assert dataset.class_names == ("caf\\xe9", "dog")
    assert dataset.split("train")[0].name.startswith("caf\\xe9/\\xe9")


def test_data_that_are_measured_need_no_training_split(tmp_path, digits):
    shutil.move(digits, tmp_path / "hold" / "test")
    config = config_for(tmp_path / "hold")
    config.cache_dir = str(tmp_path / "cache")
    assert len(open_dataset(config, for_training=False).split("test")) == 90
    with pytest.raises(DataError, match=r"give .*hold/test as the data source"):
        open_dataset(config)


def test_what_lies_beside_the_images_does_not_change_the_data(tmp_path, digits):
    config = config_for(digits)
    config.cache_dir = str(tmp_path / "cache")
    before = open_dataset(config)
    (digits / "notes.txt").write_text("a note")
    shutil.copytree(digits / "0", digits / "runs" / "one")
    for name in ("config.json", "classes.json"):
        (digits / "runs" / "one" / name).touch()
    after = open_dataset(config)
    assert after.key == before.key
    assert (after.report["not_images"], after.report["run_directories"]) == (["notes.txt"], ["runs/one"])
    assert "1 folders that this program has made, passed over" in after.describe()


def test_labels_are_those_of_the_records(prepared, digits, cache, tmp_path, monkeypatch):
    config = config_for(digits)
    config.cache_dir = str(cache)
    folder = open_dataset(config)
    for name, split in folder.splits.items():
        assert list(folder.labels(name, tmp_path)) == [split[row].label for row in range(len(split))]
    assert not list(tmp_path.glob("labels"))  # nothing had to be read
    records = open_dataset(config_for(prepared))
    read = [records.split("train")[row].label for row in range(len(records.split("train")))]
    assert list(records.labels("train", tmp_path)) == read
    assert list(records.labels("test", tmp_path)) == [1, 0, 1, 0, 1]  # images 15 to 19
    monkeypatch.setattr(Split, "__getitem__", lambda split, index: pytest.fail("the second time they are in the cache"))
    assert list(records.labels("train", tmp_path)) == read


def test_a_record_that_is_damaged_while_it_is_in_use_is_prepared_anew_next_time(digits, tmp_path):
    config = config_for(digits)
    config.cache_dir = str(tmp_path / "cache")
    split = open_dataset(config).split("train")
    (file,) = (tmp_path / "cache").rglob("*train.array_record*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    file.write_bytes(content)
    with pytest.raises(EnvironmentFault, match=r"in .*prepared_images.* cannot be read .*: run the same command again"):
        [split[row] for row in range(len(split))]
    assert len([open_dataset(config).split("train")[row] for row in range(len(split))]) == 72


def test_a_damaged_record_of_tfds_is_named(prepared, tmp_path):
    copy = shutil.copytree(prepared, tmp_path / "copy" / "twenty_pictures" / "2.0.0")
    (file,) = Path(copy).glob("*test.array_record*")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(EnvironmentFault, match=r"copy.* cannot be read .*: prepare it anew"):
        open_dataset(config_for(copy)).split("test")[0]


def test_a_cache_on_a_bucket_is_refused(tmp_path, digits, monkeypatch):
    config = default.get_config().data
    config.source, config.cache_dir = str(digits), "gs://bucket/cache"
    with pytest.raises(ConfigError, match=r"the cache cannot lie on a bucket \(gs://bucket/cache\)"):
        open_dataset(config)
    config.cache_dir = ""
    monkeypatch.setenv("XDG_CACHE_HOME", "s3://bucket/cache")
    with pytest.raises(ConfigError, match=r"the cache cannot lie on a bucket \(s3://bucket/cache\)"):
        open_dataset(config)


def test_images_of_a_bucket_are_prepared_once(bucket, digits, tmp_path, capsys):
    for file in digits.rglob("*.png"):
        bucket[f"bucket/digits/{file.relative_to(digits).as_posix()}"] = file.read_bytes()
    config = default.get_config().data
    config.source, config.cache_dir = "gs://bucket/digits", str(tmp_path / "cache")
    first, second = open_dataset(config), open_dataset(config)
    assert capsys.readouterr().out.count("for the first time") == 1
    config.source = str(digits)
    moved = open_dataset(config)
    assert first.key == second.key == moved.key  # the key is the content alone
    assert (first.report["source"], moved.report["source"]) == ("gs://bucket/digits", str(digits))


class NumberedImages(TwentyImages):
    """Images with a number each."""

    def _info(self):
        features = tfds.features.FeaturesDict(
            {"picture": tfds.features.Image(shape=(5, 6, 3)), "age": tfds.features.Scalar(np.float32)}
        )
        return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

    def _generate_examples(self, numbers):
        for number, example in super()._generate_examples(numbers):
            yield number, {"picture": example["picture"], "age": number + 0.5}


def test_the_one_number_of_a_tfds_data_set(tmp_path, prepared):
    builder = NumberedImages(data_dir=tmp_path, file_format="array_record")
    builder.download_and_prepare()
    dataset = open_dataset(config_for(builder.data_dir), numbers=True)
    assert dataset.class_names == () and dataset.describe() == "pictures with numbers: 14 train, 1 validation, 5 test"
    assert dataset.labels("test", tmp_path).tolist() == [15.5, 16.5, 17.5, 18.5, 19.5]
    with pytest.raises(DataError, match="has 0 features of type number, not one: it is no regression data set"):
        open_dataset(config_for(prepared), numbers=True)


def test_classes_of_a_tfds_data_set_that_are_numbers(tmp_path, digits, cache):
    config = config_for(digits)
    config.cache_dir = str(cache)
    folder = open_dataset(config).folder / "prepared_images" / "1.0.0"
    numbers, classes = (open_dataset(config_for(folder), numbers=numbers) for numbers in (True, False))
    assert (numbers.class_names, classes.class_names) == ((), ("0", "1", "2"))
    expected = [float(classes.class_names[label]) for label in classes.labels("test", tmp_path)]
    assert numbers.labels("test", tmp_path).tolist() == expected  # of the same cache
    assert (numbers.split("test").label_type, classes.split("test").label_type) == (np.float32, np.int32)


def test_training_takes_at_most_so_many_of_each_class(config):
    whole = open_dataset(config.data)
    taken = {}
    for count in (3, 8, 100):
        config.data.per_class = count
        few = open_dataset(config.data)
        labels = few.labels("train", few.folder)
        assert np.bincount(labels).tolist() == [min(count, 24)] * 3
        examples = [few.split("train")[place] for place in range(len(few.split("train")))]
        assert [example.label for example in examples] == labels.tolist()
        taken[count] = {example.name for example in examples}
        assert len(few.split("validation")) == len(whole.split("validation")) == 9
        assert f"training takes {len(labels)}, at most {count} of a class" in few.describe()
    assert taken[3] < taken[8] < taken[100] == {whole.split("train")[place].name for place in range(72)}
    config.data.per_class = 8
    assert open_dataset(config.data).split("train").key == open_dataset(config.data).split("train").key
    assert open_dataset(config.data).split("train").key != whole.split("train").key


def test_training_takes_few_rows(config):
    config.data.update(input="tables", source="sklearn:iris", per_class=5)
    few = open_dataset(config.data)
    rows = few.split("train")
    assert np.bincount(rows.labels).tolist() == [5, 5, 5] and len(rows.names) == len(rows.rows) == 15
    config.data.per_class = 0
    whole = open_dataset(config.data).split("train")
    for name, row, label in zip(rows.names, rows.rows, rows.labels, strict=True):
        place = whole.names.index(name)
        assert (row, label) == (whole.rows[place], whole.labels[place])
