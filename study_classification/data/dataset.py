"""One interface to every data set: class names, and splits with random access to encoded images or rows."""

import contextlib
import copy
import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int, Int32
from ml_collections import ConfigDict

from study_classification.data.items import SPLITS, TEST, TRAIN, VALIDATION
from study_classification.data.prepare import cache_directory, prepare
from study_classification.data.report import format_report
from study_classification.data.rows import RowSplit, list_rows, open_rows
from study_classification.data.sources import list_source, numbers_of
from study_classification.errors import DataError, EnvironmentFault, nearest
from study_classification.inputs.kinds import IMAGES
from study_classification.paths import user_path
from study_classification.system import entries, hosts
from study_classification.system.array_cache import Create, cached_arrays

# A package that TFDS imports recommends ipywidgets in every notebook, for bars that are not shown.
warnings.filterwarnings("ignore", message="IProgress not found")

FLOATS = (np.float16, np.float32, np.float64)


@dataclass(frozen=True)
class Example:
    """An encoded image, its label (class index or number), and a name by which a person can find it."""

    data: bytes
    label: int | float
    name: str


class Split:
    """One split of a TFDS data set (ArrayRecord) with the images left encoded.

    Attributes:
        key: identifies the content; files of the cache are named by it.
        label_type: the type of the labels: int32 for classes, float32 for numbers.
    """

    def __init__(self, builder, expression: str, key: str, numbers: bool = False):
        import tensorflow_datasets as tfds
        from tensorflow_datasets.proto import tf_example_pb2

        image, label = _image_and_label(builder, numbers)
        self.key = f"{key}-{expression}" + (f"-{label}-as-number" if numbers else "")
        self.label_type = np.dtype(np.float32 if numbers else np.int32)
        self._number_of_class = _numbers_of_classes(builder.info.features[label]) if numbers else ()
        self._image, self._label, self._expression, self._folder = image, label, expression, builder.data_dir
        # TFDS's own parsing takes longer than the reading.
        raw = tfds.core.decode.DeserializeMethod.RAW_BYTES
        self._records = builder.as_data_source(expression, deserialize_method=raw)
        self._places: Int[np.ndarray, " n"] | None = None  # the records that it takes; None: all of them
        self._parse = tf_example_pb2.Example.FromString

    def only(self, places: Int[np.ndarray, " k"]) -> "Split":
        """A split with some of the examples."""
        some = copy.copy(self)
        some._places = places
        some.key += f"-{hashlib.sha256(places.astype('<i8').tobytes()).hexdigest()[:20]}"
        return some

    def chosen(self, labels: np.ndarray) -> np.ndarray:
        """Picks the labels of its examples from the labels of all records."""
        return labels if self._places is None else labels[self._places]

    def __len__(self) -> int:
        return len(self._records if self._places is None else self._places)

    def __getitem__(self, index: int) -> Example:
        index = index if self._places is None else int(self._places[index])
        record = self._parse(self._read(index)).features.feature
        texts = (text for field in ("name", "file_name", "id") for text in record[field].bytes_list.value)
        name = next(texts, b"").decode(errors="backslashreplace") or f"{self._expression}/{index}"
        stored = record[self._label]
        label = getattr(stored, stored.WhichOneof("kind")).value[0]
        label = self._number_of_class[label] if self._number_of_class else label
        return Example(record[self._image].bytes_list.value[0], label, name)

    def _read(self, index: int) -> bytes:
        """A record as it is stored; ArrayRecord checks its hash.

        Raises:
            EnvironmentFault: if it is damaged. Data that this program prepared are prepared again next time.
        """
        try:
            return self._records[index]
        except Exception as error:  # of several types
            folder = Path(self._folder)
            own = (folder.parents[1] / entries.SEAL).exists()
            if own:
                entries.break_seal(folder.parents[1])
            remedy = "run the same command again, and they are prepared anew" if own else "prepare it anew"
            raise EnvironmentFault(
                f"image {index} of {self._expression} in {folder} cannot be read ({str(error).partition(chr(10))[0]}): "
                f"{remedy}"
            ) from None


@dataclass(frozen=True)
class Dataset:
    """A data set that is ready to be read.

    Attributes:
        key: identifies content and splits.
        class_names: in the order of the labels; empty if labels are numbers.
        splits: train, validation and test, as far as they exist.
        report: what was found in the source; empty for a TFDS data set, which is taken as it is.
        folder: where it was prepared; None for a TFDS data set and for rows.
        rows_csv: which row is in which split; empty for images.
        per_class: the most examples of each class that training takes; 0 if it takes all.
    """

    key: str
    class_names: tuple[str, ...]
    splits: Mapping[str, Split | RowSplit]
    report: dict
    folder: Path | None = None
    rows_csv: str = ""
    per_class: int = 0

    @property
    def is_tfds(self) -> bool:
        """Whether the source is a TFDS data set."""
        return not self.report

    @property
    def splits_csv(self) -> str:
        """The content of splits.csv, which says which example is in which split; empty for a TFDS data set."""
        return (self.folder / "splits.csv").read_text(encoding="utf-8") if self.folder else self.rows_csv

    def split(self, name: str) -> Split | RowSplit:
        """The split of this name.

        Raises:
            DataError: if there is none.
        """
        if name not in self.splits:
            raise DataError(f"the data set has no split '{name}': {nearest(name, self.splits)}")
        return self.splits[name]

    def images(self, name: str) -> Split:
        """The split of this name of a data set of images."""
        found = self.split(name)
        assert isinstance(found, Split), name
        return found

    def labels(self, name: str, cache: Path) -> Int32[np.ndarray, " n"] | Float32[np.ndarray, " n"]:
        """The label of every example of a split. Labels of a TFDS data set are read once and kept in the cache."""
        if isinstance(examples := self.split(name), RowSplit):
            return examples.labels
        if self.folder:
            found = examples.chosen(np.load(self.folder / f"labels-{name}.npy"))
        else:

            def fill(create: Create) -> None:
                labels = create("label", examples.label_type, (len(examples),))
                labels[:] = [examples[row].label for row in range(len(examples))]

            found = cached_arrays(cache / "labels", [examples.key], fill)["label"]
        assert len(found) == len(examples), f"{len(found)} labels of {len(examples)} examples"
        return found

    def describe(self) -> str:
        """A few lines of text about the data set, for the user."""
        sizes = ", ".join(f"{len(split):,} {name}" for name, split in self.splits.items())
        if not self.is_tfds:
            lines = [format_report(self.report)]
        else:
            lines = [
                f"{len(self.class_names)} classes: {sizes}" if self.class_names else f"pictures with numbers: {sizes}"
            ]
        if self.per_class:
            lines.append(f"  training takes {len(self.split(TRAIN)):,}, at most {self.per_class} of a class")
        return "\n".join(lines)

    def with_few(self, per_class: int, seed: int, cache: Path) -> "Dataset":
        """The data set with at most `per_class` training examples of each class.

        They are the first ones in a seeded order, so a smaller number takes a part of what a larger one takes.
        """
        labels = self.labels(TRAIN, cache)
        order = np.random.default_rng(seed).permutation(len(labels))
        chosen = [order[labels[order] == label][:per_class] for label in range(len(self.class_names))]
        few = self.split(TRAIN).only(np.sort(np.concatenate(chosen)))
        return replace(self, splits={**self.splits, TRAIN: few}, per_class=per_class)


def names_in(split: Split | RowSplit) -> list[str]:
    """The names of the examples of a split. Names of images are read from the data set, with the images."""
    return list(split.names) if isinstance(split, RowSplit) else [split[place].name for place in range(len(split))]


def open_dataset(
    data_config: ConfigDict, everything_in: str = "", for_training: bool = True, numbers: bool = False
) -> Dataset:
    """Opens the data set that `config.data` names, after preparing it if need be.

    Args:
        data_config: `config.data`.
        everything_in: name of a split that takes all images of a folder or manifest, whatever splits it has; ''
            splits as usual. A TFDS data set keeps its splits.
        for_training: whether there have to be images for training and validation; data to be measured need none.
        numbers: whether labels are numbers instead of classes.

    Raises:
        DataError: if there is no such data set or it cannot be used, or if a label is no number.
        EnvironmentFault: if it would have to be downloaded and cannot be, or the cache cannot be written.
    """
    data = _open(data_config, everything_in, for_training, numbers)
    if data_config.per_class and TRAIN in data.splits:
        return data.with_few(data_config.per_class, data_config.split_seed, cache_directory(data_config))
    return data


def _open(data_config: ConfigDict, everything_in: str, for_training: bool, numbers: bool) -> Dataset:
    source = data_config.source
    if data_config.input != IMAGES:
        class_names, of_split, report, rows_csv = open_rows(data_config, everything_in, for_training, numbers)
        key = hashlib.sha256(rows_csv.encode()).hexdigest()[:20]
        return Dataset(_same_on_all_hosts(key, source), class_names, of_split, report, rows_csv=rows_csv)
    builder = _tfds_builder(source)
    if builder is not None:
        with hosts.first_alone("download"):
            builder = _downloaded(builder)
        return _open_tfds(builder, data_config, numbers)

    with hosts.first_alone("prepare"):
        listing = list_source(source, for_training)
        folder = prepare(source, listing, data_config, everything_in, for_training, numbers)
    _same_on_all_hosts(folder.name, source)
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder / "prepared_images" / "1.0.0")
    report = json.loads((folder / "data_report.json").read_text(encoding="utf-8"))
    report |= {"source": source} | listing.findings()
    splits = {name: Split(builder, name, folder.name, numbers) for name in SPLITS if name in builder.info.splits}
    return Dataset(folder.name, tuple(report["classes"]), splits, report, folder)


def _same_on_all_hosts(key: str, source: str) -> str:
    """Refuses a data set that differs between hosts; returns its key."""
    if len(keys := set(hosts.texts_of_all(key))) > 1:
        raise DataError(f"{source} holds {len(keys)} different data sets on {hosts.count()} hosts: copy one to all")
    return key


def class_names(data_config: ConfigDict) -> tuple[str, ...]:
    """The class names of the data set that `config.data` names. No image is read or downloaded.

    Raises:
        DataError: if there is no such data set.
    """
    if data_config.input != IMAGES:
        return tuple(sorted(set(list_rows(data_config).labels)))
    builder = _tfds_builder(data_config.source)
    if builder is None:
        return list_source(data_config.source).class_names
    return tuple(builder.info.features[_image_and_label(builder)[1]].names)


def _tfds_builder(source: str):
    """The builder of `tfds:NAME` or of a prepared folder, before any download; None for any other source."""
    prepared = user_path(source) / "dataset_info.json"
    is_prepared = prepared.is_file()
    if not source.startswith("tfds:") and not is_prepared:
        return None
    import tensorflow_datasets as tfds

    if is_prepared and str(prepared).startswith("s3://"):
        raise DataError(
            f"{source} is a prepared TFDS data set, and ArrayRecord reads none on s3://: copy it to a folder of this "
            "machine, or to gs://"
        )
    if is_prepared:
        try:
            return tfds.builder_from_directory(prepared.parent)
        except OSError:
            raise
        except Exception as error:  # of several libraries
            raise DataError(
                f"{prepared} describes no TFDS data set ({_in_short(error)}): restore it, or prepare the data set again"
            ) from None
    name = source.removeprefix("tfds:")
    try:
        return tfds.builder(name, file_format="array_record")
    except tfds.core.registered.DatasetNotFoundError:
        hint = nearest(name, tfds.list_builders(with_community_datasets=False)).split("valid are")[0]
        raise DataError(
            f"TFDS has no data set '{name}': {hint or 'see the catalogue of TensorFlow Datasets'}"
        ) from None
    except (AssertionError, TypeError, ValueError) as error:
        raise DataError(
            f"'{name}' is no data set of TFDS ({_in_short(error)}): write tfds:NAME, tfds:NAME/CONFIG or "
            "tfds:NAME:VERSION"
        ) from None


def _in_short(error: Exception) -> str:
    """The last part of the first line of an error, which says what is wrong."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__).split('": ')[-1].rstrip(".: ")


def _image_and_label(builder, numbers: bool = False) -> tuple[str, str]:
    """The names of the image feature and the label feature of a TFDS data set, which has to have one of each."""
    import tensorflow_datasets as tfds

    features, found = builder.info.features.items(), []
    images, labels = (
        [name for name, feature in features if isinstance(feature, kind)]
        for kind in (tfds.features.Image, tfds.features.ClassLabel)
    )
    if numbers:
        floats = [name for name, feature in features if feature.shape == () and feature.np_dtype in FLOATS]
        labels = floats or [name for name in labels if _numbers_of_classes(builder.info.features[name])]
    for names, kind in ((images, "Image"), (labels, "number" if numbers else "ClassLabel")):
        if len(names) != 1:
            raise DataError(
                f"the TFDS data set {builder.info.name} has {len(names)} features of type {kind}, "
                f"not one: it is no {'regression' if numbers else 'classification'} data set"
            )
        found.append(names[0])
    return found[0], found[1]


def _numbers_of_classes(feature) -> tuple[float, ...]:
    """The names of a class label as numbers; nothing if they are not numbers, or for another feature."""
    with contextlib.suppress(DataError):
        return tuple(numbers_of("", getattr(feature, "names", None) or ()).values())
    return ()


def _open_tfds(builder, data_config: ConfigDict, numbers: bool) -> Dataset:
    if builder.info.file_format.value != "array_record":
        raise DataError(
            f"{builder.data_dir} is stored as {builder.info.file_format.value}, which has no random access: "
            "prepare it with file_format='array_record'"
        )
    _, label = _image_and_label(builder, numbers)
    available = list(builder.info.splits)
    train, validation, test = data_config.tfds_splits
    train = train or TRAIN
    if not validation:
        # Without a validation split, the last tenth of the training images validates (TFDS has shuffled them).
        validation = next((name for name in (VALIDATION, "val") if name in available), "")
        if not validation:
            train, validation = f"{train}[:90%]", f"{train}[90%:]"
    test = test or (TEST if TEST in available else "")
    key = f"{builder.info.full_name}-{builder.info.dataset_size}".replace("/", "-")
    splits = {}
    for name, expression in ((TRAIN, train), (VALIDATION, validation), (TEST, test)):
        if expression:
            try:
                splits[name] = Split(builder, expression, key, numbers)
            except ValueError as error:
                raise DataError(
                    f"data.tfds_splits: '{expression}' is no split of {builder.info.full_name} "
                    f"({error}); it has {', '.join(available)}"
                ) from None
    return Dataset(key, () if numbers else tuple(builder.info.features[label].names), splits, report={})


def _downloaded(builder):
    """Downloads and prepares the data of a builder, if they are not in TFDS_DATA_DIR yet."""
    if builder.data_path.exists():
        return builder
    try:
        builder.download_and_prepare()
    except ImportError as error:
        raise EnvironmentFault(
            f"preparing tfds:{builder.info.name} needs the package {error.name}: "
            "pip install 'study-classification[tfds]'"
        ) from None
    except Exception as error:  # any failure of the download: no network, no space, a changed address
        raise EnvironmentFault(
            f"tfds:{builder.info.name} is not in {builder.data_dir} and cannot be downloaded "
            f"({type(error).__name__}): connect to the internet once, or copy a prepared data set "
            "there"
        ) from None
    return builder
