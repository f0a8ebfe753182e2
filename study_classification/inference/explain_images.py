"""Draws which parts of an image speak for the likeliest classes."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float, Int, PyTree, UInt8

from study_classification.errors import DataError
from study_classification.inference.attribution import (
    class_scores,
    grad_cam,
    gradient_input,
    integrated_gradients,
    occlusion,
)
from study_classification.inference.explain_layers import first_of_validation
from study_classification.inference.given_images import read_given
from study_classification.inference.predict import find_files
from study_classification.inference.predictor import Predictor, load_predictor
from study_classification.inputs.images.preprocess import Preprocess, normalize
from study_classification.inputs.images.reader import ImageReader
from study_classification.models.last_map import parts_at_last_map
from study_classification.paths import printable
from study_classification.reports.grids import Cell, draw_grid, marked
from study_classification.runs import directory
from study_classification.runs.directory import Run
from study_classification.system.console import say
from study_classification.tasks.prediction import head_of_model

GRAD_CAM, INTEGRATED, OCCLUSION, GRADIENT_INPUT = "grad_cam", "integrated_gradients", "occlusion", "gradient_input"
CLASSES = 3  # how many classes are explained, the likeliest ones
LARGE = 2.6  # side of an image in inches
ON_SHEET, ACROSS = 40, 8  # images on a contact sheet, and in one row of it
NOTES = {
    GRAD_CAM: "Grad-CAM: orange is what speaks for the class, by the last feature map; each panel has its own scale",
    INTEGRATED: "integrated gradients from a black picture: orange speaks for the class, blue against it; each panel "
    "has its own scale",
    OCCLUSION: "occlusion: the class loses most where the covered place is orange, and gains where it is blue; each "
    "panel has its own scale",
    GRADIENT_INPUT: "gradient x input: orange speaks for the class, blue against it; each panel has its own scale",
}
Explain = Callable[[UInt8[np.ndarray, "h w c"], Sequence[int]], Float[np.ndarray, "k u v"]]


def explain_images(
    run: Run, inputs: Sequence[str], folder: Path, method: str = GRAD_CAM, checkpoint: str = "best"
) -> int:
    """Draws for each image what speaks for its likeliest classes; for several images also a contact sheet.

    Args:
        run: a run on images.
        inputs: files, folders or patterns; without any it is the first image of the validation split.
        folder: the folder for the figures: one for each image, with its name, and contact.png. It is made if need be.
        method: one of `NOTES`.
        checkpoint: `best`, `last`, or a step.

    Returns:
        The exit code: 0, or 3 if an image could not be read.

    Raises:
        EnvironmentFault: if a figure cannot be written.
    """
    predictor = load_predictor(run, checkpoint)
    assert isinstance(run.preprocess, Preprocess)
    reader = ImageReader(run.preprocess, run.config.data.max_megapixels)
    method, explain = make_explain(predictor, method)
    examples = _given(find_files(inputs), reader) if inputs else iter([(*first_of_validation(run, reader), "")])
    directory.make(folder)
    sheet: list[Cell] = []
    used: set[str] = set()
    count = unreadable = 0
    for name, pixels, error in examples:
        count += 1
        if pixels is None:
            unreadable += 1
            say(error)
            continue
        cells = explained(predictor, explain, pixels)
        file = folder / f"{_free_name(Path(name).stem, used)}.png"
        draw_grid([[("what the network sees", pixels), *cells]], Path(name).name, NOTES[method], file, LARGE)
        say(f"{printable(name)}: {', '.join(title.replace(chr(10), ' ') for title, _ in cells)}")
        if len(sheet) < ON_SHEET:
            sheet.append((f"{Path(name).name}\n{cells[0][0].replace(chr(10), ' ')}", cells[0][1]))
    if count > 1 and sheet:
        rows = [sheet[start : start + ACROSS] for start in range(0, len(sheet), ACROSS)]
        title = f"the likeliest class of {len(sheet)} pictures"
        draw_grid(rows, title, NOTES[method], folder / "contact.png")
        say(f"Drawn: {folder / 'contact.png'}")
        say(f"It has {len(sheet)} of {count} pictures; each has a figure of its own beside it")
    elif sheet:
        say(f"Drawn: {file}")
    return DataError.exit_code if unreadable else 0


def explained(predictor: Predictor, explain: Explain, pixels: UInt8[np.ndarray, "h w c"]) -> list[Cell]:
    """(likeliest classes with their probabilities, or the number; image with marks for each of them)."""
    said = predictor.predictions_of(pixels[None])[0]
    if not predictor.class_names:
        return [(f"{float(said):.4g}", marked(pixels, explain(pixels, [0])[0]))]
    classes = np.argsort(-said, kind="stable")[:CLASSES].tolist()
    maps = explain(pixels, classes)
    return [
        (f"{predictor.class_names[label]}\n{np.exp(said[label]):.1%}", marked(pixels, values))
        for label, values in zip(classes, maps, strict=True)
    ]


def make_explain(predictor: Predictor, method: str) -> tuple[str, Explain]:
    """(name of the method, function of pixels and classes that explains by it).

    Grad-CAM needs a feature map. For a network without one, gradient times input is taken, and a message says so.
    """
    model, preprocess, variables = predictor.model, predictor.preprocess, predictor.variables
    assert isinstance(preprocess, Preprocess)

    def scores(variables: PyTree, x: Array) -> Array:
        return class_scores(predictor.task, cast(Array, model.apply(variables, x, train=False)))

    black = normalize(jnp.zeros(preprocess.shape), preprocess)
    by_map = None
    if method == GRAD_CAM:
        by_map = _by_last_map(predictor)
        if by_map is None:
            method = GRADIENT_INPUT
            say(
                f"{predictor.run.config.model.name} has no feature map for Grad-CAM, so gradient x input is drawn in "
                "its place"
            )

    @jax.jit
    def values_of(variables: PyTree, x: Array, classes: Int[Array, " k"]) -> Array:
        x = normalize(x, preprocess)
        match method:
            case "grad_cam":
                assert by_map is not None
                return by_map(variables, x, classes)
            case "occlusion":
                return occlusion(lambda x: scores(variables, x), x, classes)
            case "integrated_gradients":
                return integrated_gradients(lambda x: scores(variables, x), x, black, classes).sum(-1)
        return gradient_input(lambda x: scores(variables, x), x, classes).sum(-1)

    return method, lambda pixels, classes: np.asarray(values_of(variables, pixels, jnp.asarray(classes)), np.float32)


def _by_last_map(predictor: Predictor) -> Callable[[PyTree, Array, Array], Array] | None:
    """(variables, normalised image, classes) -> Grad-CAM [k, h, w]; None for a network without a feature map."""
    model, task = predictor.model, predictor.task
    image = jax.ShapeDtypeStruct((1, *predictor.preprocess.shape), np.float32)
    parts = parts_at_last_map(
        lambda variables, x: cast(Array, model.apply(variables, x, method=_backbone)), predictor.variables, image
    )
    if parts is None:
        return None

    def values_of(variables: PyTree, x: Array, classes: Array) -> Array:
        def after(maps: Array) -> Array:
            features = parts.after(variables, maps)
            return class_scores(task, cast(Array, model.apply(variables, features, method=_head)))

        return grad_cam(lambda x: parts.before(variables, x), after, x, classes)

    return values_of


def _backbone(model: nn.Module, x: Array) -> Array:
    return model.backbone(x, train=False)


def _head(model: nn.Module, features: Array) -> Array:
    return head_of_model(model, model.head.pool(features), False)


def _given(files: Iterator[str], reader: ImageReader) -> Iterator[tuple[str, np.ndarray | None, str]]:
    """(name, image as the network sees it, why it cannot be read) of each file."""
    for file in files:
        try:
            yield file, next(read_given(file, reader, 1)), ""
        except DataError as error:
            yield file, None, str(error)


def _free_name(name: str, used: set[str]) -> str:
    """The name, with a number behind it if another image has it. The name contact belongs to the sheet."""
    names = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    free = next(each for each in names if each.lower() not in used | {"contact"})
    used.add(free.lower())
    return free
