"""Writes prepared data: a TFDS data set in ArrayRecord shards, by several threads."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from array_record.python.array_record_module import ArrayRecordWriter
from jaxtyping import Int, Shaped
from tensorflow_datasets.core import naming
from tensorflow_datasets.core.utils.shard_utils import ShardConfig, get_shard_boundaries
from tensorflow_datasets.proto import tf_example_pb2

from study_classification.system.files import flush_to_disk
from study_classification.system.threads import parallel

NAME, VERSION = "prepared_images", "1.0.0"
MOST_IN_SHARD = 50_000  # a writer and a reader keep the places of all images of a shard in memory
Rows = Int[np.ndarray, " k"]
Read = Callable[[Rows], Iterator[tuple[str, bytes]]]  # rows -> name and encoded bytes of each


@dataclass(frozen=True)
class _Shard:
    file: Path
    rows: Rows


def write_prepared_images(
    root: Path,
    class_names: Sequence[str],
    rows: dict[str, Rows],
    labels: Shaped[np.ndarray, " n"],
    sizes: Int[np.ndarray, " n"],
    read: Read,
    workers: int,
) -> None:
    """Writes images (the original encoded bytes), labels and names, in the order of `rows`.

    Shards that exist are kept: an earlier, killed preparation has finished them.

    Args:
        root: the folder to write to.
        class_names: in the order of the labels; empty if labels are numbers.
        rows: split -> the numbers of its images; an empty split is left out.
        labels: the label of every image.
        sizes: the size of every encoded image, in bytes.
        read: gives names and bytes of images.
        workers: number of threads.

    Raises:
        OSError: if they cannot be written.
    """
    folder = root / NAME / VERSION
    folder.mkdir(parents=True, exist_ok=True)
    features = {
        "image": tfds.features.Image(shape=(None, None, None)),
        "label": tfds.features.ClassLabel(names=list(class_names)) if class_names else tfds.features.Scalar(np.float32),
        "name": tfds.features.Text(),
    }
    shards: dict[str, list[_Shard]] = {}
    splits = []
    for split, own in rows.items():
        if not len(own):
            continue
        template = _template(folder, split)
        total = int(sizes[own].sum())
        count = max(ShardConfig.calculate_number_shards(total, len(own)), math.ceil(len(own) / MOST_IN_SHARD))
        bounds = get_shard_boundaries(len(own), count)
        cuts = np.split(own, bounds[:-1])
        files = [template.sharded_filepath(shard_index=number, num_shards=len(cuts)) for number in range(len(cuts))]
        shards[split] = [_Shard(Path(file), cut) for file, cut in zip(files, cuts, strict=True)]
        splits.append(tfds.core.SplitInfo(split, [len(cut) for cut in cuts], total, template))
    every = [shard for split in shards.values() for shard in split]
    for _ in parallel(partial(_write, labels=labels, read=read), every, workers):
        pass
    tfds.folder_dataset.write_metadata(
        data_dir=folder,
        features=features,
        split_infos=splits,
        filename_template=_template(folder, None),
        check_data=False,
        disable_shuffling=True,
    )


def _template(folder: Path, split: str | None) -> naming.ShardedFileTemplate:
    return naming.ShardedFileTemplate(data_dir=folder, dataset_name=NAME, split=split, filetype_suffix="array_record")


def _write(shard: _Shard, labels: Shaped[np.ndarray, " n"], read: Read) -> None:
    if shard.file.exists():
        return
    temporary = shard.file.with_name(f".{shard.file.name}")
    # Encoded images do not become smaller, so they are not compressed once more.
    writer = ArrayRecordWriter(str(temporary), "group_size:1,uncompressed")
    for row, (name, data) in zip(shard.rows, read(shard.rows), strict=True):
        example = tf_example_pb2.Example()
        feature = example.features.feature
        feature["image"].bytes_list.value.append(data)
        if np.issubdtype(labels.dtype, np.integer):
            feature["label"].int64_list.value.append(int(labels[row]))
        else:
            feature["label"].float_list.value.append(float(labels[row]))
        feature["name"].bytes_list.value.append(name.encode())
        writer.write(example.SerializeToString())
    writer.close()
    flush_to_disk(temporary)
    temporary.replace(shard.file)
