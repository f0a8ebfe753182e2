"""The pipelines that input_pipeline.py compares. `python pipelines.py NAME JOB` runs one of them.

Each takes a Job and returns a function that begins a pass over the images: an iterator of uint8 batches
[32, side, side, 3] and labels [32], ready for use. The file runs in two environments, that of the
project and that of the peers, so no library is imported before a pipeline needs it.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

BATCH = 32
EVAL_SIZE, EVAL_RESIZE = 224, 256
GAP = 2  # a JPEG may be decoded at 1/2, 1/4 or 1/8 where that leaves twice the short side asked for, as in decode.py


@dataclass(frozen=True)
class Job:
    """The job of a pipeline: training canvases of this size, or, with size 0, the evaluation view."""

    folder: str
    canvas_size: int
    workers: int
    cache: str  # for what the project prepares once, untimed

    def files(self) -> list[tuple[str, int]]:
        """(path, label) in the order in which the project lists them, as many as fill whole batches."""
        folders = sorted(path for path in Path(self.folder).iterdir() if path.is_dir())
        files = [(str(path), label) for label, folder in enumerate(folders) for path in sorted(folder.glob("*.jpg"))]
        return files[: len(files) // BATCH * BATCH]


def study_classification(job: Job, mode: str) -> Callable[[], Iterator]:
    """This project, as it trains and evaluates."""
    from study_classification.configs import default
    from study_classification.data.batches import open_images
    from study_classification.data.dataset import open_dataset
    from study_classification.data.order import EvaluationOrder
    from study_classification.inputs.images.preprocess import Preprocess
    from study_classification.inputs.images.reader import ImageReader
    from study_classification.system import devices

    config = default.get_config()
    config.data.source, config.data.cache_dir = job.folder, job.cache
    config.preprocess.image_size, config.preprocess.resize_size = EVAL_SIZE, EVAL_RESIZE
    view = ImageReader(Preprocess.from_config(config.preprocess), config.data.max_megapixels, job.canvas_size)
    split = open_dataset(config.data, everything_in="train").split("train")
    images = open_images(
        split,
        view,
        mode=mode,
        free_memory=devices.free_memory(),
        cache=Path(job.cache),
        workers=job.workers,
        sharding=devices.batch_sharding(devices.make_mesh(1)),
    )
    plan = EvaluationOrder(len(job.files()), BATCH)

    def begin():
        for batch in images.batches(plan, range(len(plan))):
            yield batch["image"].block_until_ready(), batch["label"]

    return begin


def tf_data(job: Job, scaled: bool) -> Callable[[], Iterator]:
    """tf.data; `scaled` decodes large images at a smaller scale (`ratio`)."""
    import tensorflow as tf

    side = job.canvas_size or EVAL_RESIZE

    def read(path, label):
        data = tf.io.read_file(path)
        height, width, _ = tf.unstack(tf.io.extract_jpeg_shape(data))
        short = tf.minimum(height, width)
        if scaled:  # `ratio` is a constant of the graph, so there is one branch for each
            halvings = tf.add_n([tf.cast(short >= GAP * ratio * side, tf.int32) for ratio in (2, 4, 8)])
            decoders = [lambda r=ratio: tf.io.decode_jpeg(data, channels=3, ratio=r) for ratio in (1, 2, 4, 8)]
            image = tf.switch_case(halvings, decoders)
        else:
            image = tf.io.decode_jpeg(data, channels=3)
        if job.canvas_size:
            return resize(image, [side, side]), label
        size = side * tf.stack([height, width]) // short
        unchanged = tf.reduce_all(tf.equal(tf.shape(image)[:2], size))
        image = tf.cond(unchanged, lambda: image, lambda: resize(image, size))
        top, left = tf.unstack(tf.cast(tf.round((size - EVAL_SIZE) / 2), tf.int32))
        return tf.image.crop_to_bounding_box(image, top, left, EVAL_SIZE, EVAL_SIZE), label

    def resize(image, size):
        return tf.cast(tf.round(tf.image.resize(image, size, antialias=True)), tf.uint8)

    paths, labels = zip(*job.files(), strict=True)
    dataset = tf.data.Dataset.from_tensor_slices((list(paths), list(labels)))
    dataset = dataset.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    options = tf.data.Options()
    options.threading.private_threadpool_size = job.workers
    return dataset.with_options(options).__iter__


class PillowFiles:
    """A data set for PyTorch, as ImageFolder is; `scaled` decodes large images at a smaller scale (`draft`)."""

    def __init__(self, job: Job, scaled: bool):
        self.files, self.canvas_size, self.scaled = job.files(), job.canvas_size, scaled

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        path, label = self.files[index]
        image = Image.open(path)
        short = min(image.size)
        side = self.canvas_size or EVAL_RESIZE
        size = (side, side) if self.canvas_size else tuple(side * length // short for length in image.size)
        scale = next((scale for scale in (8, 4, 2) if self.scaled and short >= GAP * scale * side), 1)
        image.draft("RGB", (image.width // scale, image.height // scale))
        image = image.convert("RGB").resize(size, Image.Resampling.BILINEAR)
        if not self.canvas_size:
            left, top = (round((length - EVAL_SIZE) / 2) for length in size)
            image = image.crop((left, top, left + EVAL_SIZE, top + EVAL_SIZE))
        return np.array(image), label


def data_loader(job: Job, scaled: bool) -> Callable[[], Iterator]:
    """PyTorch's DataLoader with worker processes and Pillow."""
    from torch.utils.data import DataLoader

    return DataLoader(PillowFiles(job, scaled), BATCH, num_workers=job.workers, persistent_workers=True).__iter__


# Name -> (pipeline, libraries whose versions matter).
PIPELINES = {
    "study_classification": (lambda job: study_classification(job, mode="streaming"), ("jax", "grain", "pillow")),
    "tf.data": (lambda job: tf_data(job, scaled=False), ("tensorflow",)),
    "tf.data, ratio": (lambda job: tf_data(job, scaled=True), ("tensorflow",)),
    "DataLoader": (lambda job: data_loader(job, scaled=False), ("torch", "pillow")),
    "DataLoader, draft": (lambda job: data_loader(job, scaled=True), ("torch", "pillow")),
}


def versions(libraries: Iterable[str]) -> str:
    """Of Python and the libraries that are installed with it."""
    return ", ".join([f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in libraries)])


def main() -> None:
    """Writes the first batch to the path in the third argument; then, for each line read, makes a pass and times it."""
    name, job, sample = sys.argv[1], Job(**json.loads(sys.argv[2])), sys.argv[3]
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    if hasattr(os, "sched_setaffinity"):  # as many cores as workers, for all that the libraries start
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job.workers])
    make, libraries = PIPELINES[name]
    begin = make(job)
    np.save(sample, np.asarray(next(iter(begin()))[0]))
    print(json.dumps({"versions": versions(libraries)}), file=answers, flush=True)
    for _ in sys.stdin:
        started, examples = time.perf_counter(), 0
        for images, _labels in begin():
            examples += len(images)
        print(json.dumps({"seconds": time.perf_counter() - started, "pictures": examples}), file=answers, flush=True)


if __name__ == "__main__":
    main()
