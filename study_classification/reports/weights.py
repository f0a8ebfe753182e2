"""What the weights of simple networks say: those of a linear model, and the most telling words of texts."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int32

from study_classification.inputs.texts import PADDING, SPECIAL, TextPreprocess
from study_classification.reports.curves import TRAIN_COLOUR, VALIDATION_COLOUR
from study_classification.reports.lettering import drawable, lettered, wording

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 20  # with the largest weights
WORDS = 12  # of a class
FREQUENT = 2000  # words of a vocabulary, the first ones, among which telling ones are looked for
LINEAR = {"head/classifier/kernel", "head/classifier/bias"}


def linear_weights(arrays: Mapping[str, np.ndarray], num_columns: int) -> Float[np.ndarray, "d outputs"] | None:
    """The weights of a network that is linear in its columns, by output; None of any other network.

    Of two classes told apart by two outputs, these are one: what speaks for the second class, and against the first.

    Args:
        arrays: its parameters, by path.
        num_columns: that it sees.
    """
    if set(arrays) != LINEAR or len(kernel := arrays["head/classifier/kernel"]) != num_columns:
        return None
    return kernel[:, 1:] - kernel[:, :1] if kernel.shape[1] == 2 else kernel


@lettered
def plot_weights(weights: Float[np.ndarray, "d outputs"], columns: Sequence[str], outputs: Sequence[str]) -> "Figure":
    """The largest weights: a bar each where there is one output, else a map of columns and outputs.

    Args:
        weights: of values in standard deviations, if the table is standardized.
        columns: their names.
        outputs: what a large output says; of one output, what it speaks for.
    """
    from matplotlib.figure import Figure

    largest = np.argsort(-np.abs(weights).max(axis=1), kind="stable")[:COLUMNS]
    names, shown = [drawable(columns[place]) for place in largest], weights[largest]
    figure = Figure(figsize=(4.8, 1.4 + 0.26 * len(largest)), layout="constrained")
    axes = figure.subplots()
    if weights.shape[1] == 1:
        colours = [TRAIN_COLOUR if value >= 0 else VALIDATION_COLOUR for value in shown[:, 0]]
        axes.barh(range(len(largest)), shown[:, 0], color=colours)
        axes.axvline(0, color="grey", linewidth=0.8)
        axes.set(xlabel=wording("weight towards {}", drawable(outputs[-1])))
        axes.grid(alpha=0.3, axis="x")
        axes.set_axisbelow(True)
        axes.invert_yaxis()
    else:
        figure.set_figwidth(2.8 + 0.45 * len(outputs))
        extent = float(np.abs(shown).max()) or 1.0
        image = axes.imshow(shown, cmap="RdBu", vmin=-extent, vmax=extent, aspect="auto")
        axes.set_xticks(range(len(outputs)), [drawable(name, 16) for name in outputs], rotation=45, ha="right")
        figure.colorbar(image, ax=axes, label=wording("weight"))
    axes.set_title(wording("weights of the linear model"))
    axes.set_yticks(range(len(largest)), names, fontsize=9)
    return figure


def telling_words(
    answer: Callable[[Int32[np.ndarray, "b length"]], Float[np.ndarray, "b classes"]],
    batch_size: int,
    texts: TextPreprocess,
    class_names: Sequence[str],
) -> dict[str, list[tuple[str, float]]]:
    """Class -> the words of which it is the surest answer, each with its probability.

    Args:
        answer: tokens of `batch_size` texts -> log-probabilities. It is asked for texts of a single word, which tell
            what a network says that averages words, and of no other.
        batch_size: see there.
        texts: with the vocabulary, the most frequent word first, of which `FREQUENT` are asked for: vectors of rare
            words are still near to where they began.
        class_names: in the order of the labels.
    """
    words = texts.words[:FREQUENT]
    tokens = np.full((-(-len(words) // batch_size) * batch_size, texts.length), PADDING, np.int32)
    tokens[: len(words), 0] = SPECIAL + np.arange(len(words))
    parts = [answer(tokens[start : start + batch_size]) for start in range(0, len(tokens), batch_size)]
    found = np.exp(np.concatenate(parts)[: len(words)])
    return {
        name: [(words[place], float(found[place, number])) for place in np.argsort(-found[:, number])[:WORDS].tolist()]
        for number, name in enumerate(class_names)
    }
