"""Prints what each column of a row, or each word of a text, adds to the score of the likeliest class."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from study_classification.errors import ConfigError, DataError
from study_classification.inference.attribution import class_scores, gradient_input
from study_classification.inference.given_rows import rows_of_files
from study_classification.inference.predict import find_files
from study_classification.inference.predictor import Predictor, load_predictor
from study_classification.inputs.tables import TablePreprocess
from study_classification.inputs.texts import TextPreprocess, words_of
from study_classification.models.layers.embedding import WordEmbedding
from study_classification.paths import printable
from study_classification.reports.trials import format_table
from study_classification.runs.directory import Run
from study_classification.system.console import say

LINES = 15  # how many columns or words of a row are printed, those that matter most


def explain_rows(run: Run, inputs: Sequence[str], checkpoint: str = "best") -> int:
    """Prints for each row what its columns or words add to the score of the likeliest class, or to the number.

    The method is gradient times input, which is exact for a linear network and a first guess for others. The input of a
    number is its standardised value, so a mean value adds nothing. The input of a word is its vector.

    Args:
        run: a run on rows or texts.
        inputs: CSV files, or patterns.
        checkpoint: `best`, `last`, or a step.

    Returns:
        The exit code: 0, or 3 if a row could not be read.

    Raises:
        ConfigError: if no file is named, or a network of texts has no word vectors.
    """
    preprocess = run.preprocess
    if not inputs:
        raise ConfigError(f"{run.workdir} has learnt from {preprocess.noun}: name a CSV file with those to explain")
    assert isinstance(preprocess, TablePreprocess | TextPreprocess)
    predictor = load_predictor(run, checkpoint)
    unreadable = 0
    for file, line, row, reason in rows_of_files(find_files(inputs, folders=False), preprocess):
        where = f"{printable(file)}:{line}" if line else printable(file)
        try:
            if reason:
                raise DataError(reason)
            values = preprocess.read(row)
        except DataError as error:
            unreadable += 1
            say(reason if reason and not line else f"{where} cannot be read: {error}")
            continue
        said, parts = contributions(predictor, values, row)
        say(f"{where}: {said}")
        order = sorted(parts, key=lambda name: -abs(parts[name]))
        say(format_table(["part", "adds"], [[name, f"{parts[name]:+.4g}"] for name in order[:LINES]]))
    return DataError.exit_code if unreadable else 0


def contributions(predictor: Predictor, values: np.ndarray, row: Mapping[str, str]) -> tuple[str, dict[str, float]]:
    """(prediction for a row, what each `column = cell` or word adds to its score)."""
    said = predictor.predictions_of(values[None])[0]
    label = int(said.argmax()) if predictor.class_names else 0
    answer = f"{predictor.class_names[label]} {np.exp(said[label]):.1%}" if predictor.class_names else f"{said:.4g}"
    if isinstance(preprocess := predictor.preprocess, TablePreprocess):
        found = _of_values(predictor, values, label)
        parts, place = {}, 0
        for column in preprocess.columns:
            width = len(column.outputs)
            parts[f"{column.name} = {row[column.name]}"] = float(found[place : place + width].sum())
            place += width
        return answer, parts
    assert isinstance(preprocess, TextPreprocess)
    parts = {}
    words = words_of(row[preprocess.column])[: preprocess.length]
    for word, part in zip(words, _of_words(predictor, values, label), strict=False):  # the rest is padding
        parts[word] = parts.get(word, 0.0) + float(part)
    return answer, parts


def _of_values(predictor: Predictor, values: np.ndarray, label: int) -> Float[np.ndarray, " d"]:
    def scores(x: Array) -> Array:
        return class_scores(predictor.task, cast(Array, predictor.model.apply(predictor.variables, x, train=False)))

    return np.asarray(gradient_input(scores, jnp.asarray(values), jnp.array([label]))[0])


def _of_words(predictor: Predictor, tokens: np.ndarray, label: int) -> Float[np.ndarray, " length"]:
    """The part of each word, by its vector, for a token itself has no gradient."""
    vectors: list[Array] = []

    def apply(layer: Callable) -> Array:
        with nn.intercept_methods(layer):
            outputs = predictor.model.apply(predictor.variables, jnp.asarray(tokens)[None], train=False)
        return class_scores(predictor.task, cast(Array, outputs))

    def record(call, args, kwargs, context):
        found = call(*args, **kwargs)
        if isinstance(context.module, WordEmbedding):
            vectors.append(found)
        return found

    def replaced_by(given: Array) -> Callable:
        def layer(call, args, kwargs, context):
            return given if isinstance(context.module, WordEmbedding) else call(*args, **kwargs)

        return layer

    apply(record)
    if not vectors:
        raise ConfigError(
            f"{predictor.run.config.model.name} has no word vectors, by which texts are explained: take mlp "
            "or text_average"
        )
    found = gradient_input(lambda x: apply(replaced_by(x)), vectors[0][0], jnp.array([label]))
    return np.asarray(found[0].sum(-1))
