"""Finds the training images most similar to an image, and examples whose neighbours have another label."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from study_classification.data.dataset import Split
from study_classification.data.sources import TRAIN, VALIDATION
from study_classification.data.tables import plain_cell
from study_classification.errors import ConfigError, DataError
from study_classification.inference.measure import open_own
from study_classification.inference.predict import find_files, is_folder, why_no_pictures
from study_classification.inference.predictor import Predictor, load_predictor
from study_classification.inference.split_features import SplitFeatures, features_of_split, nearest
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.paths import printable, read_file, user_path
from study_classification.reports.figures import free_file
from study_classification.reports.grids import Cell, draw_grid
from study_classification.reports.lettering import wording
from study_classification.reports.trials import format_table
from study_classification.runs.directory import Run
from study_classification.system.console import say
from study_classification.system.files import csv_text, make_output, write_text

NEIGHBOURS = 5
LINES, ROWS = 20, 8  # how many suspects are printed, and how many rows are drawn
NOTE = "cosine similarity of what the last layers work on; 1 is the same"


def explain_neighbours(run: Run, inputs: Sequence[str], folder: Path, checkpoint: str = "best") -> Path:
    """Prints the training images that are most similar to each image, and draws the first ones into neighbours.png.

    Args:
        run: a run on images.
        inputs: files, folders or patterns.
        folder: the folder for the figure; it is made if need be.
        checkpoint: `best`, `last`, or a step.

    Returns:
        The path of the figure.

    Raises:
        ConfigError: if no image is named, or the run is not on images.
        DataError: if an image cannot be read, or the training images are gone.
    """
    if not isinstance(run.preprocess, Preprocess):
        raise ConfigError(f"{run.workdir} has learnt from {run.preprocess.noun}: --neighbours compares pictures")
    if not inputs:
        raise ConfigError("--neighbours needs a picture: name one, or several")
    files = list(find_files(inputs))
    if empty := next(filter(is_folder, files), ""):
        raise DataError(f"{printable(empty)} cannot be read: {why_no_pictures(empty)}")
    predictor = load_predictor(run, checkpoint)
    asked = predictor.features(files)
    train = features_of_split(predictor, open_own(run), TRAIN)
    similar, places = nearest(train.features, asked, NEIGHBOURS)
    reader = ImageReader(run.preprocess, run.config.data.max_megapixels)
    rows = []
    for number, file in enumerate(files):
        lines = [
            [f"{similarity:.3f}", _told(run, train.labels[place]), train.name(place)]
            for similarity, place in zip(similar[number], places[number], strict=True)
        ]
        say(f"{printable(file)}:")
        say(format_table(["similarity", "label", "name"], lines))
        pixels, _ = reader.read(read_file(user_path(file)))
        rows.append([(Path(file).name, pixels), *_cells(predictor, train, similar[number], places[number])])
    make_output(folder)
    figure = free_file(folder, "neighbours")
    title = wording("pictures, and the training pictures most similar to each")
    draw_grid(rows[:ROWS], title, wording(NOTE), figure)
    say(f"Drawn: {figure}")
    return figure


@dataclass(frozen=True)
class Suspect:
    """An example whose neighbours all have another label.

    Attributes:
        of: the split of the example.
        place: its index in the split.
        others: label -> how many neighbours have it.
        similarity: the mean similarity of the neighbours.
        nearest: the indices of the neighbours among the training examples.
        similarities: the similarity of each neighbour.
    """

    of: SplitFeatures
    place: int
    others: Counter
    similarities: Float[np.ndarray, " k"]
    nearest: Int[np.ndarray, " k"]

    @property
    def similarity(self) -> float:
        return float(self.similarities.mean())


def find_suspects(train: SplitFeatures, validation: SplitFeatures) -> list[Suspect]:
    """The suspects of both splits, by their neighbours in training. The nearest and most unanimous come first."""
    found = []
    for split in (train, validation):
        similar, places = nearest(train.features, None if split is train else split.features, NEIGHBOURS)
        strangers = (train.labels[places] != split.labels[:, None]).all(1)
        for place in np.flatnonzero(strangers).tolist():
            others = Counter(train.labels[places[place]].tolist())
            found.append(Suspect(split, place, others, similar[place], places[place]))
    return sorted(found, key=lambda suspect: (-max(suspect.others.values()), -suspect.similarity))


def explain_suspects(run: Run, folder: Path, checkpoint: str = "best") -> Path:
    """Names the examples of training and validation whose neighbours all have another label; writes suspects.csv.

    Their labels may be wrong. The first ones are also drawn with their neighbours, if they are images, into
    suspects.png.

    Args:
        run: the run.
        folder: the folder for both files; it is made if need be.
        checkpoint: `best`, `last`, or a step.

    Returns:
        The path of suspects.csv.

    Raises:
        ConfigError: if the run predicts a number.
        DataError: if the data of the run are gone.
    """
    if not run.class_names:
        raise ConfigError(f"{run.workdir} predicts a number: --suspects compares labels of classes")
    predictor, data = load_predictor(run, checkpoint), open_own(run)
    train, validation = (features_of_split(predictor, data, split) for split in (TRAIN, VALIDATION))
    suspects = find_suspects(train, validation)
    header = ["split", "name", "label", "neighbours", "similarity"]
    lines = [
        [
            suspect.of.split,
            suspect.of.name(suspect.place),
            _told(run, suspect.of.labels[suspect.place]),
            ", ".join(f"{count} {run.class_names[label]}" for label, count in suspect.others.most_common()),
            f"{suspect.similarity:.3f}",
        ]
        for suspect in suspects
    ]
    make_output(folder)
    file, noun = folder / "suspects.csv", run.preprocess.noun
    write_text(file, csv_text(header, ([plain_cell(cell) for cell in line] for line in lines)))
    count = len(train.labels) + len(validation.labels)
    say(
        f"{len(suspects):,} of {count:,} {noun} of training and validation have {NEIGHBOURS} nearest training {noun} "
        "all of another label"
    )
    if suspects:
        say(f"The worst first, all of them in {file}:")
        say(format_table(header, lines[:LINES]))
    if suspects and isinstance(train.examples, Split):
        _draw_suspects(predictor, train, suspects[:ROWS], free_file(folder, "suspects"))
    return file


def _draw_suspects(predictor: Predictor, train: SplitFeatures, suspects: Sequence[Suspect], file: Path) -> None:
    rows = []
    for suspect in suspects:
        label = predictor.class_names[int(suspect.of.labels[suspect.place])]
        (cell,) = _cells(predictor, suspect.of, [1.0], [suspect.place])
        own = (f"{suspect.of.split}: {label}\n{Path(suspect.of.name(suspect.place)).name}", cell[1])
        rows.append([own, *_cells(predictor, train, suspect.similarities, suspect.nearest)])
    title = wording("labels that may be wrong, and the training pictures most similar to each")
    draw_grid(rows, title, wording(NOTE), file)
    say(f"Drawn: {file}")


def _cells(
    predictor: Predictor, split: SplitFeatures, similar: Sequence | np.ndarray, places: Sequence | np.ndarray
) -> list[Cell]:
    """Images of a split as cells of a figure, each with its label, similarity and name."""
    run = predictor.run
    assert isinstance(run.preprocess, Preprocess) and isinstance(split.examples, Split)
    reader = ImageReader(run.preprocess, run.config.data.max_megapixels)
    cells = []
    for similarity, place in zip(similar, places, strict=True):
        example = split.examples[int(place)]
        text = f"{_told(run, split.labels[place])}  {similarity:.3f}\n{Path(example.name).name}"
        cells.append((text, reader.read(example.data)[0]))
    return cells


def _told(run: Run, label: np.generic) -> str:
    return run.class_names[int(label)] if run.class_names else f"{label:.6g}"
