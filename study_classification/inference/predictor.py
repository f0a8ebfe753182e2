"""A finished run as a classifier: images in, classes, probabilities or features out."""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast, overload

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float, UInt8
from PIL import Image

from study_classification.data.prepare import cache_directory
from study_classification.errors import ConfigError, nearest
from study_classification.inference.given_images import is_single, read_given
from study_classification.inference.measure import finite, measure
from study_classification.inputs.images.preprocess import Preprocess, normalize
from study_classification.inputs.images.reader import ImageReader
from study_classification.models import create_model
from study_classification.models.initial import variable_shapes
from study_classification.paths import user_path
from study_classification.runs import directory
from study_classification.runs.checkpoints import load_model
from study_classification.runs.directory import Run, checkpoints_folder
from study_classification.system import devices, hosts
from study_classification.tasks.prediction import make_predict_step
from study_classification.tasks.softmax import Softmax

TTA = ("none", "flip")


@dataclass(frozen=True)
class Prediction:
    """What the network says of one image.

    Attributes:
        label: the likeliest class.
        probability: of that class, 0 to 1.
        probabilities: of every class by name, in the order of `Predictor.class_names`; their sum is 1.
    """

    label: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True, eq=False, repr=False)
class Predictor:
    """A network with the weights of one checkpoint; made by `study_classification.load`.

    Its methods may be called by several threads at once. Images pass in batches of a few fixed sizes, filled up with
    zeros: 1, 4, 16 ... up to the batch size of the run, each times the number of devices. A size is compiled when it is
    first needed; no other number of images compiles anew.

    Attributes:
        run: its directory, config, classes and preprocessing.
        step: of the checkpoint.
        tta: test-time augmentation of `log_probabilities`, `none` or `flip`.
        mesh: the devices; batches are split over them by `devices.batch_sharding`.
        log_probabilities: batch with `image` uint8 [b, h, w, c] -> float32 [b, classes].
        pooled_features: batch with `image` uint8 [b, h, w, c] -> float32 [b, d].
    """

    run: Run
    step: int
    tta: str
    mesh: Mesh
    log_probabilities: Callable[[dict[str, jax.Array]], jax.Array]
    pooled_features: Callable[[dict[str, jax.Array]], jax.Array]

    def __repr__(self) -> str:
        network, classes = self.run.config.model.name, len(self.class_names)
        return f"Predictor({str(self.run.workdir)!r}: {network}, {classes} classes, step {self.step})"

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the network's outputs."""
        return self.run.class_names

    @property
    def preprocess(self) -> Preprocess:
        """What happens to every image before the network sees it: sizes in pixels, mean and deviation."""
        return self.run.preprocess

    @overload
    def predict(self, images: str | os.PathLike[str] | Image.Image) -> Prediction: ...
    @overload
    def predict(self, images: list[Any] | tuple[Any, ...]) -> list[Prediction]: ...
    @overload
    def predict(self, images: Any) -> Any: ...

    def predict(self, images):
        """Classifies one image or several, each by the run's own preprocessing.

        Args:
            images: one image, or several: an array [n, h, w, 3] or an iterable of images. An image is a path, a Pillow
                image, or an array uint8 [h, w, 3] (RGB), [h, w] or [h, w, 1] (grey), of any size.

        Returns:
            A `Prediction` for one image; a list of n for n images, in their order.

        Raises:
            DataError: if an image is something else, such as floats, RGBA or channels first, or cannot be read.
            DivergedError: if the network gives values that are NaN or infinite.
        """
        rows = [
            Prediction(max(row, key=row.__getitem__), max(row.values()), row)
            for scores in self.probabilities(images)
            for row in [dict(zip(self.class_names, scores.tolist(), strict=True))]
        ]
        return rows[0] if is_single(images) else rows

    def probabilities(self, images: Any) -> Float[np.ndarray, "n classes"]:
        """What `predict` says as one array, float32 [n, classes], of one image [1, classes]."""
        found = [self.probabilities_of(batch) for batch in self._batches(images)]
        return np.concatenate([np.zeros((0, len(self.class_names)), np.float32), *found])

    def probabilities_of(self, preprocessed: UInt8[np.ndarray, "n h w c"]) -> Float[np.ndarray, "n classes"]:
        """The same for at most `batch_sizes[-1]` images as the network sees them."""
        return np.exp(self._apply(self.log_probabilities, preprocessed))

    def features(self, images: Any) -> Float[np.ndarray, "n d"]:
        """What the last layers work on: float32 [n, d], of one image [1, d]. Takes what `predict` takes.

        These are the pooled features of the backbone; a feature map that the head does not pool is averaged.
        """
        found = [self._apply(self.pooled_features, batch) for batch in self._batches(images)]
        if found:
            return np.concatenate(found)
        nothing = {"image": jax.ShapeDtypeStruct((1, *self.preprocess.shape), np.uint8)}
        return np.zeros((0, jax.eval_shape(self.pooled_features, nothing).shape[1]), np.float32)

    def evaluate(self, data: str | os.PathLike[str] = "", *, split: str = "", write_report: bool = False) -> dict:
        """Measures the network exactly over every image of a split.

        Args:
            data: another source (a folder, FILE.csv, tfds:NAME ...), all of whose images are taken if no split is
                named; '' is the run's own.
            split: `train`, `validation` or `test`; '' is test, or validation where there is no test split.
            write_report: whether the result is added to report.json in the run directory.

        Returns:
            Accuracy, loss, each class and the confusion matrix, see `reports.metrics.classification_metrics`.

        Raises:
            DataError: if the data cannot be used, or have classes that the network does not know.
        """
        metrics = measure(self, source=os.fspath(data), split=split)
        if write_report and hosts.is_first():
            directory.add_to_report(self.run.workdir, metrics["split"], metrics)
        return metrics

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The numbers of images that are passed at once, in ascending order; all are multiples of the devices."""
        count = self.mesh.size
        largest = -(-self.run.config.batch_size // count) * count
        smaller = itertools.takewhile(lambda size: size < largest, (count * 4**power for power in itertools.count()))
        return (*smaller, largest)

    @property
    def _reader(self) -> ImageReader:
        return ImageReader(self.preprocess, self.run.config.data.max_megapixels)

    def _batches(self, images: Any) -> Iterator[np.ndarray]:
        canvases = read_given(images, self._reader, self.run.config.data.workers)
        while group := list(itertools.islice(canvases, self.batch_sizes[-1])):
            yield np.stack(group)

    def _apply(self, function: Callable[[dict[str, jax.Array]], jax.Array], images: np.ndarray) -> np.ndarray:
        """`function` of uint8 images [n, h, w, c], which fill one of `batch_sizes` in part."""
        size = next(size for size in self.batch_sizes if size >= len(images))
        padded = np.zeros((size, *images.shape[1:]), np.uint8)
        padded[: len(images)] = images
        batch = {"image": jax.device_put(padded, devices.batch_sharding(self.mesh))}
        return finite(function(batch), self.step)[: len(images)]


def load(run_dir: str | os.PathLike[str], checkpoint: str | int = "best", *, tta: str = "none") -> Predictor:
    """The classifier that a run has trained.

    Args:
        run_dir: the run directory.
        checkpoint: `best`, `last`, or a step.
        tta: test-time augmentation, `none` or `flip`: probabilities are averaged over an image and its mirror image.

    Raises:
        RunError: if the directory is no run, or the checkpoint is absent, damaged, or of another network.
        ConfigError: for an unknown `tta`.
    """
    return load_predictor(directory.load(user_path(run_dir)), str(checkpoint), tta)


def load_predictor(run: Run, checkpoint: str, tta: str = "none", local: bool = False) -> Predictor:
    """As `load`, for a run that is read already; of several hosts on all of them together, or with `local` on each."""
    if tta not in TTA:
        raise ConfigError(f"tta is '{tta}': {nearest(tta, TTA)}")
    devices.start_devices(cache_directory(run.config.data))
    mesh = devices.make_mesh(1, jax.local_devices() if local else None)
    model = create_model(run.config.model, len(run.class_names), devices.compute_dtype(run.config.precision))
    everywhere = devices.replicated(mesh)
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=everywhere),
        variable_shapes(model, run.preprocess.shape),
    )
    step, variables = load_model(checkpoints_folder(run.workdir), checkpoint, shapes)

    def features(variables, batch):
        images = normalize(batch["image"], run.preprocess)
        found = cast(jax.Array, model.apply(variables, images, train=False, method="features"))
        return found.mean((1, 2)) if found.ndim == 4 else found

    task = Softmax(len(run.class_names))
    predict_step = jax.jit(make_predict_step(model, run.preprocess, task, tta), out_shardings=everywhere)
    features_step = jax.jit(features, out_shardings=everywhere)
    return Predictor(
        run,
        step,
        tta,
        mesh,
        log_probabilities=lambda batch: predict_step(variables, batch),
        pooled_features=lambda batch: features_step(variables, batch),
    )
