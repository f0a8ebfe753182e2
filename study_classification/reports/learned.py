"""What a network has learnt of few numbers: a formula, a curve over one of them, a map over two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from study_classification.reports.curves import TRAIN_COLOUR, VALIDATION_COLOUR
from study_classification.reports.figures import save_figure
from study_classification.reports.lettering import drawable, lettered, wording

CLASS_COLOURS = ("#2a6fbb", "#d1601f", "#3a8f4d", "#8a5bb5", "#a2792b", "#c2528b", "#5f6b73", "#1f9c9c")
PALE = ("#9ec3ea", "#f1b48f", "#a6d6b1", "#cdb5e6", "#ddc28f", "#e9b0d2", "#bcc5cb", "#9fdcdc")  # the same, of areas
MANY = 200  # examples of a split, from which they are drawn smaller


def format_formula(target: str, names: Sequence[str], factors: Sequence[float], constant: float) -> str:
    """A linear model as it is written, with numbers to three digits.

    >>> format_formula("y", ["x", "z"], [2.0134, -0.5], -0.9381)
    'y = 2.01 x - 0.5 z - 0.938'
    """
    parts = [(factor, f" {name}") for factor, name in zip(factors, names, strict=True)] + [(constant, "")]
    text = f"{target} ="
    for number, (value, name) in enumerate(parts):
        sign = "-" if value < 0 else "+"
        text += f" {sign} " if number else (" -" if value < 0 else " ")
        text += f"{_three_digits(abs(value))}{name}"
    return text


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


@dataclass(frozen=True)
class Examples:
    """Examples of training and validation, in the units of their columns.

    Attributes:
        names: of the columns.
        train: values float [n, columns].
        train_labels: numbers, or classes, [n].
        validation: values float [m, columns].
        validation_labels: likewise [m].
    """

    names: tuple[str, ...]
    train: Float[np.ndarray, "n d"]
    train_labels: np.ndarray
    validation: Float[np.ndarray, "m d"]
    validation_labels: np.ndarray

    def range_of(self, column: int) -> tuple[float, float]:
        """From the least to the greatest value, and a tenth of that more on both sides."""
        values = np.concatenate([self.train[:, column], self.validation[:, column]])
        margin = float(np.ptp(values)) / 10 or 1.0
        return float(values.min()) - margin, float(values.max()) + margin


@lettered
def draw_fit(
    examples: Examples, target: str, x: Float[np.ndarray, " k"], y: Float[np.ndarray, " k"], formula: str, file: Path
) -> None:
    """Draws the examples of one column, and the learned curve through x and y; a formula is its name.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, y, color="black", linewidth=1.5, label=drawable(formula, 60) or wording("learned"), zorder=3)
    axes.plot(examples.train[:, 0], examples.train_labels, "o", color=TRAIN_COLOUR, label=wording("training"))
    axes.plot(
        examples.validation[:, 0],
        examples.validation_labels,
        "o",
        color=VALIDATION_COLOUR,
        markersize=10,
        markerfacecolor="none",
        markeredgewidth=1.5,
        label=wording("validation"),
    )
    axes.set(xlabel=drawable(examples.names[0]), ylabel=drawable(target), title=wording("what the network has learnt"))
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, file)


@lettered
def draw_boundary(
    examples: Examples,
    class_names: Sequence[str],
    x: Float[np.ndarray, " k"],
    y: Float[np.ndarray, " l"],
    probabilities: Float[np.ndarray, "l k classes"],
    file: Path,
) -> None:
    """Draws the examples of two columns over what the network says of every place.

    Of two classes that is the probability of the second one, with a line where it is 0.5; of more, the likeliest class,
    the paler the less probable it is.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 5), layout="constrained")
    axes = figure.subplots()
    if len(class_names) == 2:
        _map_of_two(figure, axes, class_names, x, y, probabilities[..., 1])
    else:
        _map_of_many(axes, x, y, probabilities)
    for label, name in enumerate(class_names):
        for split, values, labels, colour, size in (
            (wording("validation"), examples.validation, examples.validation_labels, PALE[label % len(PALE)], 13),
            (wording("training"), examples.train, examples.train_labels, CLASS_COLOURS[label % len(CLASS_COLOURS)], 7),
        ):
            own = values[labels == label]
            axes.plot(
                own[:, 0],
                own[:, 1],
                marker="o",
                linestyle="none",
                markersize=size if len(labels) < MANY else size / 2,
                markerfacecolor=colour,
                markeredgecolor="black",
                label=f"{drawable(name)}, {split}",
            )
    first, second = map(drawable, examples.names)
    axes.set(xlabel=first, ylabel=second, title=wording("what the network says of every place"))
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    figure.legend(loc="outside lower center", ncols=3)
    save_figure(figure, file)


def _map_of_two(figure, axes, class_names: Sequence[str], x, y, probability: Float[np.ndarray, "l k"]) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("two classes", [PALE[0], "white", PALE[1]])
    extent = (x[0], x[-1], y[0], y[-1])
    colours = axes.imshow(
        probability, origin="lower", extent=extent, aspect="auto", cmap=shades, vmin=0, vmax=1, interpolation="bilinear"
    )
    figure.colorbar(colours, ax=axes, label=wording("probability of {}", drawable(class_names[1])))
    if probability.min() < 0.5 < probability.max():
        axes.contour(x, y, probability, levels=[0.5], colors="black", linewidths=1.5)
        axes.plot([], [], color="black", linewidth=1.5, label=wording("probability 0.5"))


def _map_of_many(axes, x, y, probabilities: Float[np.ndarray, "l k classes"]) -> None:
    from matplotlib.colors import to_rgb

    colours = np.array([to_rgb(PALE[label % len(PALE)]) for label in range(probabilities.shape[-1])])
    likeliest, certain = probabilities.argmax(-1), probabilities.max(-1, keepdims=True)
    shown = 1 - certain * (1 - colours[likeliest])
    axes.imshow(shown, origin="lower", extent=(x[0], x[-1], y[0], y[-1]), aspect="auto", interpolation="bilinear")
