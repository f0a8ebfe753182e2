"""Uses a finished run: images, rows or texts in; classes, probabilities, numbers or features out."""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast, overload

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float, PyTree, Shaped, UInt8
from PIL import Image

from study_classification.data.prepare import cache_directory
from study_classification.errors import ConfigError, nearest
from study_classification.inference.explanation import NOTES, explained, make_explain
from study_classification.inference.given_images import is_single, read_given
from study_classification.inference.given_rows import is_single_row, read_given_rows
from study_classification.inference.measure import finite, measure
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.inputs.kinds import AnyPreprocess
from study_classification.models import Classifier, create_model
from study_classification.models.initial import variable_shapes
from study_classification.paths import user_folder
from study_classification.runs import directory
from study_classification.runs.calibration import read_temperature
from study_classification.runs.checkpoints import load_model
from study_classification.runs.directory import Run, checkpoints_folder
from study_classification.runs.results import add_to_report
from study_classification.system import devices, hosts
from study_classification.tasks.create import create_task
from study_classification.tasks.prediction import make_predict_step
from study_classification.tasks.task import Task

TTA = ("none", "flip")


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image, row or text.

    Attributes:
        label: the likeliest class.
        probability: the probability of that class, 0 to 1.
        probabilities: class -> probability, in the order of `Predictor.class_names`; their sum is 1.
    """

    label: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True, eq=False, repr=False)
class Predictor:
    """A network with the weights of one checkpoint; `study_classification.load` makes it.

    Several threads may call its methods at once. Examples pass in batches of a few fixed sizes, filled up with zeros:
    1, 4, 16 ... up to the batch size of the run, each times the number of devices. A size is compiled when it is first
    needed. Nothing else compiles, whatever the number of examples.

    Attributes:
        run: the directory, config, classes and preprocessing of the run.
        step: the step of the checkpoint.
        task: the task that was learnt.
        tta: test-time augmentation of `predictions`, `none` or `flip`.
        mesh: the devices; batches are split over them by `devices.batch_sharding`.
        model: the network.
        variables: its weights, on the devices.
        predictions: batch with `image` uint8 [b, h, w, c], `row` float32 [b, d] or `tokens` int32 [b, length] -> the
            predictions of the task: log-probabilities float32 [b, classes], or numbers float32 [b].
        pooled_features: such a batch -> the pooled features of the backbone, float32 [b, d].
    """

    run: Run
    step: int
    task: Task
    tta: str
    mesh: Mesh
    model: Classifier
    variables: PyTree
    predictions: Callable[[dict[str, jax.Array]], jax.Array]
    pooled_features: Callable[[dict[str, jax.Array]], jax.Array]

    def __repr__(self) -> str:
        network, classes = self.run.config.model.name, len(self.class_names)
        learnt = f"{classes} classes" if classes else "a number"
        return f"Predictor({str(self.run.workdir)!r}: {network}, {learnt}, step {self.step})"

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of their labels; empty if the run predicts a number."""
        return self.run.class_names

    @property
    def preprocess(self) -> AnyPreprocess:
        """What happens to every example before the network sees it; for images sizes in pixels, mean and deviation."""
        return self.run.preprocess

    @overload
    def predict(self, images: str | os.PathLike[str] | Image.Image) -> Prediction: ...
    @overload
    def predict(self, images: list[Any] | tuple[Any, ...]) -> list[Prediction]: ...
    @overload
    def predict(self, images: Any) -> Any: ...

    def predict(self, images):
        """Classifies one example or several, with the preprocessing of the run.

        Args:
            images: one image, or several: an array [n, h, w, 3] or an iterable of images. An image is a path, a Pillow
                image, or an array uint8 [h, w, 3] (RGB), [h, w] or [h, w, 1] (grey), of any size. For a run on rows:
                a dict, column -> text or number; a list of these; or the path of a CSV file. A text is a row by itself.

        Returns:
            A `Prediction` for one example; a list of n for n examples, in their order.

        Raises:
            DataError: if an image cannot be read, or is something else, such as floats, RGBA or channels first; if a
                row lacks a column, or has an unknown one, or a text where a number was learnt.
            ConfigError: if the run predicts a number; use `values` then.
            DivergedError: if the network gives values that are NaN or infinite.
        """
        rows = [
            Prediction(max(row, key=row.__getitem__), max(row.values()), row)
            for scores in self.probabilities(images)
            for row in [dict(zip(self.class_names, scores.tolist(), strict=True))]
        ]
        preprocess = self.preprocess
        single = is_single(images) if isinstance(preprocess, Preprocess) else is_single_row(images, preprocess)
        return rows[0] if single else rows

    def probabilities(self, images: Any) -> Float[np.ndarray, "n classes"]:
        """The probabilities of `predict` as one array, float32 [n, classes]; [1, classes] for one image."""
        self._require(classes=True)
        found = [self.probabilities_of(batch) for batch in self._batches(images)]
        return np.concatenate([np.zeros((0, len(self.class_names)), np.float32), *found])

    def probabilities_of(self, preprocessed: Shaped[np.ndarray, "n ..."]) -> Float[np.ndarray, "n classes"]:
        """Probabilities for at most `batch_sizes[-1]` preprocessed examples, as batches hold them."""
        return np.exp(self.predictions_of(preprocessed))

    def values(self, images: Any) -> Float[np.ndarray, " n"]:
        """The numbers that a regression predicts, float32 [n]; [1] for one image. It takes what `predict` takes.

        Raises:
            ConfigError: if the run predicts classes; use `predict` then.
        """
        self._require(classes=False)
        found = [self.predictions_of(batch) for batch in self._batches(images)]
        return np.concatenate([np.zeros(0, np.float32), *found])

    def predictions_of(self, preprocessed: Shaped[np.ndarray, "n ..."]) -> Float[np.ndarray, "n ..."]:
        """`predictions` for at most `batch_sizes[-1]` preprocessed examples, as batches hold them."""
        return self._apply(self.predictions, preprocessed)

    def _require(self, *, classes: bool) -> None:
        if bool(self.class_names) != classes:
            has, call = ("a number", "values()") if classes else ("classes", "predict() or probabilities()")
            raise ConfigError(f"the run in {self.run.workdir} predicts {has}: call {call}")

    def features(self, images: Any) -> Float[np.ndarray, "n d"]:
        """The features that the head works on: float32 [n, d]; [1, d] for one image. It takes what `predict` takes.

        They are the pooled features of the backbone. A feature map that the head does not pool is averaged.
        """
        found = [self._apply(self.pooled_features, batch) for batch in self._batches(images)]
        if found:
            return np.concatenate(found)
        nothing = {self.preprocess.key: jax.ShapeDtypeStruct((1, *self.preprocess.shape), np.uint8)}
        return np.zeros((0, jax.eval_shape(self.pooled_features, nothing).shape[1]), np.float32)

    def explain(
        self, images: Any, method: str = "grad_cam"
    ) -> "dict[str, UInt8[np.ndarray, 'h w 3']] | list[dict[str, UInt8[np.ndarray, 'h w 3']]]":
        """Shows which parts of an image speak for the likeliest classes.

        Args:
            images: what `predict` takes.
            method: `grad_cam`, `integrated_gradients`, `occlusion` or `gradient_input`, see docs/inside.md.
                `gradient_input` takes the place of `grad_cam` where the network has no feature map.

        Returns:
            For one image: class -> the image as the network sees it, uint8 [h, w, 3], enlarged to 224 pixels if it is
            smaller, for at most three classes, the likeliest first. Orange marks speak for the class, and blue marks
            against it. For several images: a list of these.

        Raises:
            DataError: if an image cannot be read.
            ConfigError: if the run is not on images with classes, or there is no such method.
        """
        self._require(classes=True)
        if not isinstance(self.preprocess, Preprocess):
            raise ConfigError(f"the run in {self.run.workdir} is of {self.preprocess.noun}, and images are explained")
        if method not in NOTES:
            raise ConfigError(f"there is no method {method!r} to explain by: {nearest(method, NOTES)}")
        explain = make_explain(self.model, self.variables, self.task, self.preprocess, method)[1]
        shown = [
            {self.class_names[label]: image for label, image in explained(said, explain, pixels).items()}
            for batch in self._batches(images)
            for pixels, said in zip(batch, self.predictions_of(batch), strict=True)
        ]
        return shown[0] if is_single(images) else shown

    def evaluate(self, data: str | os.PathLike[str] = "", *, split: str = "", write_report: bool = False) -> dict:
        """Measures the network over every example of a split.

        Args:
            data: another source (a folder, FILE.csv, tfds:NAME ...), whose examples are all taken if no split is
                named; '' is the run's own data.
            split: `train`, `validation` or `test`; '' is test, or validation if there is no test split.
            write_report: whether to add the result to report.json in the run directory.

        Returns:
            Accuracy, loss, each class and the confusion matrix, see `reports.metrics.classification_metrics`; for a
            regression its errors, see `reports.regression.regression_metrics`.

        Raises:
            DataError: if the data cannot be used, or have classes that the network does not know.
        """
        metrics = measure(self, source=os.fspath(data), split=split)
        if write_report and hosts.is_first():
            add_to_report(self.run.workdir, metrics["split"], metrics)
        return metrics

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The sizes of batches, in ascending order; all are multiples of the number of devices."""
        count = self.mesh.size
        largest = -(-self.run.config.batch_size // count) * count
        smaller = itertools.takewhile(lambda size: size < largest, (count * 4**power for power in itertools.count()))
        return (*smaller, largest)

    def _batches(self, images: Any) -> Iterator[np.ndarray]:
        config = self.run.config.data
        if isinstance(self.preprocess, Preprocess):
            examples = read_given(images, ImageReader(self.preprocess, config.max_megapixels), config.workers)
        else:
            examples = read_given_rows(images, self.preprocess)
        while group := list(itertools.islice(examples, self.batch_sizes[-1])):
            yield np.stack(group)

    def _apply(self, function: Callable[[dict[str, jax.Array]], jax.Array], images: np.ndarray) -> np.ndarray:
        """Applies `function` to preprocessed examples [n, ...], filled up to one of `batch_sizes`."""
        size = next(size for size in self.batch_sizes if size >= len(images))
        padded = np.zeros((size, *images.shape[1:]), images.dtype)
        padded[: len(images)] = images
        batch = {self.preprocess.key: jax.device_put(padded, devices.batch_sharding(self.mesh))}
        return finite(function(batch), self.step)[: len(images)]


def load(
    run_dir: str | os.PathLike[str], checkpoint: str | int = "best", *, tta: str = "none", calibrated: bool = False
) -> Predictor:
    """The classifier that a run has trained, with the weights of one checkpoint.

    Args:
        run_dir: the run directory.
        checkpoint: `best`, `last`, or a step.
        tta: test-time augmentation, `none` or `flip`: probabilities are averaged over an image and its mirror image.
        calibrated: whether logits are divided by the temperature that the run has stored, see `reports/calibration.py`.

    Raises:
        RunError: if the directory is no run, or the checkpoint is absent, damaged, or of another network.
        ConfigError: for an unknown `tta`; for `calibrated`, if no temperature is stored for the checkpoint.
    """
    return load_predictor(directory.load(user_folder(run_dir)), str(checkpoint), tta, calibrated=calibrated)


def load_predictor(
    run: Run, checkpoint: str, tta: str = "none", local: bool = False, calibrated: bool = False
) -> Predictor:
    """Does what `load` does for a run that is already read, over all hosts, or with `local` on this host alone."""
    if calibrated and not run.class_names:
        raise ConfigError(f"the run in {run.workdir} predicts a number, which has no probability to calibrate: drop it")
    if tta not in TTA:
        raise ConfigError(f"tta is '{tta}': {nearest(tta, TTA)}")
    if tta != "none" and not isinstance(run.preprocess, Preprocess):
        raise ConfigError(
            f"tta is {tta}, but the network sees {run.preprocess.noun}, which have no mirror image: drop it"
        )
    devices.start_devices(cache_directory(run.config.data))
    mesh = devices.make_mesh(1, jax.local_devices() if local else None)
    task = create_task(run.config.task, run.class_names, kept=run.targets)
    dtype = devices.compute_dtype(run.config.precision)
    model = create_model(run.config.model, task.num_outputs, dtype, run.preprocess.num_tokens)
    everywhere = devices.replicated(mesh)
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=everywhere),
        variable_shapes(model, run.preprocess.shape),
    )
    step, variables = load_model(checkpoints_folder(run.workdir), checkpoint, shapes)

    def features(variables, batch):
        inputs = run.preprocess.inputs_of(batch)
        found = cast(jax.Array, model.apply(variables, inputs, train=False, method="features"))
        return found.mean((1, 2)) if found.ndim == 4 else found

    temperature = read_temperature(run.workdir, step) if calibrated else None
    predict_step = make_predict_step(model, run.preprocess, task, tta, temperature)
    predict_step = jax.jit(predict_step, out_shardings=everywhere)
    features_step = jax.jit(features, out_shardings=everywhere)
    return Predictor(
        run,
        step,
        task,
        tta,
        mesh,
        model,
        variables,
        predictions=lambda batch: predict_step(variables, batch),
        pooled_features=lambda batch: features_step(variables, batch),
    )
