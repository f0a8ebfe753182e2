"""Draws which parts of an image speak for the likeliest classes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from study_classification.errors import DataError
from study_classification.inference.explain_layers import first_of_validation
from study_classification.inference.explanation import GRAD_CAM, NOTES, Explain, explained, make_explain
from study_classification.inference.given_images import read_given
from study_classification.inference.predict import find_files, is_folder, why_no_pictures
from study_classification.inference.predictor import Predictor, load_predictor
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.paths import printable
from study_classification.reports.figures import free_file
from study_classification.reports.grids import Cell, draw_grid
from study_classification.reports.lettering import wording
from study_classification.runs.directory import Run
from study_classification.system.console import say
from study_classification.system.files import make_output

LARGE = 2.6  # side of an image in inches
SHEET = "contact"  # the name of the contact sheet
ON_SHEET, ACROSS = 40, 8  # images on it, and in one row of it


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
    taken, explain = make_explain(predictor.model, predictor.variables, predictor.task, run.preprocess, method)
    if taken != method:
        say(f"{run.config.model.name} has no feature map for Grad-CAM, so gradient x input is drawn in its place")
    examples = _given(find_files(inputs), reader) if inputs else iter([(*first_of_validation(run, reader), "")])
    note = wording(NOTES[taken])
    make_output(folder)
    sheet: list[Cell] = []
    used = {SHEET}
    count = unreadable = 0
    for name, pixels, error in examples:
        count += 1
        if pixels is None:
            unreadable += 1
            say(error)
            continue
        cells = _cells(predictor, explain, pixels)
        file = free_file(folder, Path(name).stem, used)
        used.add(file.stem.lower())
        draw_grid([[(wording("what the network sees"), pixels), *cells]], Path(name).name, note, file, LARGE)
        say(f"{printable(name)}: {', '.join(title.replace(chr(10), ' ') for title, _ in cells)}")
        if len(sheet) < ON_SHEET:
            sheet.append((f"{Path(name).name}\n{cells[0][0].replace(chr(10), ' ')}", cells[0][1]))
    if count > 1 and sheet:
        rows = [sheet[start : start + ACROSS] for start in range(0, len(sheet), ACROSS)]
        title = wording("the likeliest class of {} pictures", len(sheet))
        file = free_file(folder, SHEET)
        draw_grid(rows, title, note, file)
        say(f"Drawn: {file}")
        say(f"It has {len(sheet)} of {count} pictures; each has a figure of its own beside it")
    elif sheet:
        say(f"Drawn: {file}")
    return DataError.exit_code if unreadable else 0


def _cells(predictor: Predictor, explain: Explain, pixels: UInt8[np.ndarray, "h w c"]) -> list[Cell]:
    """(likeliest classes with their probabilities, or the number; image with marks for each of them)."""
    said = predictor.predictions_of(pixels[None])[0]
    images = explained(said, explain, pixels)
    if not predictor.class_names:
        return [(f"{float(said):.4g}", images[0])]
    return [(f"{predictor.class_names[label]}\n{np.exp(said[label]):.1%}", image) for label, image in images.items()]


def _given(files: Iterator[str], reader: ImageReader) -> Iterator[tuple[str, np.ndarray | None, str]]:
    """(name, image as the network sees it, why it cannot be read) of each file."""
    for file in files:
        try:
            yield file, next(read_given(file, reader, 1)), ""
        except DataError as error:
            yield file, None, f"{printable(file)}: {why_no_pictures(file)}" if is_folder(file) else str(error)
