"""Draws the features of a split as points on a plane. Points are near where the network sees similar examples."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from study_classification.data.sources import VALIDATION
from study_classification.data.tables import plain_cell
from study_classification.errors import ConfigError
from study_classification.inference.measure import open_own
from study_classification.inference.predictor import load_predictor
from study_classification.inference.split_features import features_of_split
from study_classification.reports.embeddings import draw_embeddings
from study_classification.reports.figures import free_file
from study_classification.reports.lettering import wording
from study_classification.runs.directory import Run
from study_classification.system.console import say
from study_classification.system.files import csv_text, make_output, write_text

MOST = 5_000  # the most examples for t-SNE: its time grows faster than their number
KEPT = 50  # principal components that t-SNE is given
PERPLEXITY = 30.0  # about how many neighbours of a point t-SNE looks at
SEED = 0


def explain_embeddings(run: Run, folder: Path, split: str = VALIDATION, checkpoint: str = "best") -> Path:
    """Draws the features of a split on a plane, coloured by class, and writes their coordinates as CSV.

    Args:
        run: the run.
        folder: the folder for embeddings-SPLIT.png and .csv; it is made if need be.
        split: `train`, `validation` or `test`.
        checkpoint: `best`, `last`, or a step.

    Returns:
        The path of the figure.

    Raises:
        ConfigError: if the run predicts a number.
        DataError: if there is no such split, or the data are gone.
    """
    if not run.class_names:
        raise ConfigError(f"{run.workdir} predicts a number: --embeddings has a colour for each class")
    predictor = load_predictor(run, checkpoint)
    found = features_of_split(predictor, open_own(run), split)
    noun, (count, width) = run.preprocess.noun, found.features.shape
    places, method = on_a_plane(found.features)
    say(f"{count:,} {noun} of {split}, {width:,} features of each, by {method}")
    make_output(folder)
    figure = free_file(folder, f"embeddings-{split}")
    rows = [
        [found.name(number), run.class_names[int(label)], f"{x:.4f}", f"{y:.4f}"]
        for number, (label, (x, y)) in enumerate(zip(found.labels, places, strict=True))
    ]
    header = ["name", "label", "x", "y"]
    write_text(figure.with_suffix(".csv"), csv_text(header, ([*map(plain_cell, row[:2]), *row[2:]] for row in rows)))
    title = wording("what the last layers work on: {} {} of {}, by {}", f"{count:,}", noun, split, method)
    draw_embeddings(places, found.labels, run.class_names, title, figure)
    say(f"Drawn: {figure}")
    say(f"The places are in {figure.with_suffix('.csv')}")
    return figure


def on_a_plane(features: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, "n 2"], str]:
    """(coordinates of the examples on a plane [n, 2], name of the method), from features [n, d].

    The method is t-SNE (https://jmlr.org/papers/v9/vandermaaten08a.html) of the first KEPT principal components for up
    to MOST examples, and the first two components for more. Both give the same result each time.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    count, width = features.shape
    if count > MOST or min(count, width) < 4:
        kept = min(2, count, width)
        places = PCA(kept, random_state=SEED).fit_transform(features)
        return np.pad(places, ((0, 0), (0, 2 - kept))), "PCA"
    components = PCA(min(KEPT, count, width), random_state=SEED).fit_transform(features)
    perplexity = min(PERPLEXITY, (count - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=SEED).fit_transform(components), "t-SNE"
