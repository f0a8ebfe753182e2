"""Draws what the layers of a network make of an image."""

from pathlib import Path
from typing import cast

import jax
import numpy as np
from flax.traverse_util import flatten_dict
from jaxtyping import Float, UInt8

from study_classification.data.dataset import Split
from study_classification.data.sources import VALIDATION
from study_classification.errors import ConfigError
from study_classification.inference.given_images import read_given
from study_classification.inference.measure import open_own
from study_classification.inference.predictor import Predictor, load_predictor
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.models.tracing import layer_order
from study_classification.reports.features import draw_features
from study_classification.reports.lettering import drawable, wording
from study_classification.runs import directory
from study_classification.runs.directory import Run
from study_classification.system.console import say

LAYERS = 8  # the most layers that are drawn, from the first to the last


def explain_layers(run: Run, image: str = "", checkpoint: str = "best") -> Path:
    """Draws what each layer of the backbone makes of an image, and the first filters, into features.png of the run.

    Args:
        run: a run on images, of a network with feature maps.
        image: a path; '' is the first image of the validation split.
        checkpoint: `best`, `last`, or a step.

    Returns:
        The path of the figure.

    Raises:
        ConfigError: if the network has no feature maps.
        DataError: if the image cannot be read.
    """
    if not isinstance(run.preprocess, Preprocess):
        raise ConfigError(
            f"{run.workdir} has learnt from {run.preprocess.noun}: --layers draws what becomes of pictures"
        )
    reader = ImageReader(run.preprocess, run.config.data.max_megapixels)
    name, pixels = (image, next(read_given(image, reader, 1))) if image else first_of_validation(run, reader)
    predictor = load_predictor(run, checkpoint)
    maps = feature_maps(predictor, pixels)
    said = predictor.predictions_of(pixels[None])[0]
    if run.class_names:
        label, probability = run.class_names[int(said.argmax())], f"{np.exp(said.max()):.3f}"
        answer = f"{label}, probability {probability}"
        shown = wording("{}, probability {}", drawable(label), probability)
    else:
        shown = answer = f"{float(said):.4g}"
    say(f"{name}: {answer}")
    for layer, values in maps.items():
        shape = " x ".join(map(str, values.shape))
        say(f"  {layer:<12} {shape:<14} {(values > 0).mean():4.0%} of the values above 0")
    file = directory.figure_file(run.workdir, "features")
    draw_features(pixels, maps, f"{drawable(Path(name).name)}: {shown}", file, first_filters(predictor))
    say(f"Drawn: {file}")
    return file


def feature_maps(predictor: Predictor, pixels: UInt8[np.ndarray, "h w c"]) -> dict[str, Float[np.ndarray, "h w c"]]:
    """Layer of the backbone -> its output for an image, for at most `LAYERS` layers.

    Raises:
        ConfigError: if no layer gives a map.
    """
    inputs = predictor.preprocess.inputs_of({"image": np.asarray(pixels)[None]})  # type: ignore[dict-item]
    _, found = predictor.model.apply(
        predictor.variables, inputs, train=False, capture_intermediates=True, mutable=["intermediates"]
    )
    maps = {
        path[1]: np.asarray(values[0], np.float32)
        for path, (values, *_) in flatten_dict(cast(dict, found)["intermediates"]).items()
        if path[0] == "backbone" and len(path) == 3 and values.ndim == 4 and not path[1].lower().startswith("dropout")
    }
    if not maps:
        raise ConfigError(
            f"{predictor.run.config.model.name} has no feature maps, for none of its layers gives one: take a "
            "convolutional network"
        )
    places = np.unique(np.linspace(0, len(maps) - 1, LAYERS).round().astype(int))
    return {layer: maps[layer] for layer in (list(maps)[place] for place in places)}


def first_filters(predictor: Predictor) -> Float[np.ndarray, "kh kw c filters"] | None:
    """The kernels of the first convolution, which works on the pixels themselves; None if there is none."""
    preprocess, variables = predictor.preprocess, predictor.variables
    shape = jax.ShapeDtypeStruct((1, *preprocess.shape), np.float32)
    for layer in layer_order(predictor.model, shape):
        for collection in variables.values():
            for leaf in jax.tree.leaves(collection.get("backbone", {}).get(layer, {})):
                if leaf.ndim == 4 and leaf.shape[2] == preprocess.shape[-1]:
                    return np.asarray(leaf, np.float32)
    return None


def first_of_validation(run: Run, reader: ImageReader) -> tuple[str, UInt8[np.ndarray, "h w c"]]:
    """(name, image as the network sees it) of the first image of the validation split."""
    split = open_own(run).split(VALIDATION)
    assert isinstance(split, Split)  # of images
    example = split[0]
    return example.name, reader.read(example.data)[0]
