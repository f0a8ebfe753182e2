"""Draws, for lesson 7, the paths of SGD, momentum, RMSprop and Adam down one surface.

python scripts/lessons/optimizer_paths.py [FILE.png]

The surface is the mean squared error of a line y = w x + b on five points: its two weights are its two coordinates. The
points lie to one side of zero, so the surface is a narrow valley. The optimizers are those that train the networks.
"""

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

from study_classification.configs import default
from study_classification.optim.optimizer import make_optimizer
from study_classification.reports.figures import save_figure
from study_classification.system.console import complete_streams, say
from study_classification.system.ending import exiting_on_user_errors

X = np.array([0.0, 1.0, 3.0, 5.0, 6.0])
Y = 2 * X + 1
START = (-1.0, 6.0)  # w, b
STEPS = 60
# title of a panel -> label -> fields of `optimizer`
PANELS = {
    "four optimizers": {
        "SGD 0.03": {"name": "sgd", "momentum": 0.0, "learning_rate": 0.03},
        "momentum 0.03": {"name": "sgd", "momentum": 0.9, "learning_rate": 0.03},
        "RMSprop 0.1": {"name": "rmsprop", "momentum": 0.0, "b2": 0.9, "learning_rate": 0.1},
        "Adam 0.3": {"name": "adam", "learning_rate": 0.3},
    },
    "three rates of SGD": {
        "0.001, too small": {"name": "sgd", "momentum": 0.0, "learning_rate": 0.001},
        "0.03, about right": {"name": "sgd", "momentum": 0.0, "learning_rate": 0.03},
        "0.069, too large": {"name": "sgd", "momentum": 0.0, "learning_rate": 0.069},
    },
}


def loss(params):
    """The mean squared error of the line w x + b."""
    return jnp.mean(jnp.square(params["w"] * X + params["b"] - Y))


def path_of(settings: dict, steps: int = STEPS) -> np.ndarray:
    """The path of an optimizer: (w, b) before the first step and after each step, [steps + 1, 2]."""
    group = default.get_config().optimizer
    group.update(settings)
    optimizer = make_optimizer(group, optax.constant_schedule(group.learning_rate))
    params = {"w": jnp.float32(START[0]), "b": jnp.float32(START[1])}
    state, path = optimizer.init(params), [START]
    for _ in range(steps):
        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        params = optax.apply_updates(params, updates)
        path.append((float(params["w"]), float(params["b"])))
    return np.array(path)


def draw(paths: dict[str, dict[str, np.ndarray]], file: Path) -> None:
    """Draws the panels side by side: the contours of the surface, and each path until it leaves the panel."""
    figure = Figure(figsize=(13, 5.5), layout="constrained")
    w, b = np.meshgrid(np.linspace(-2, 5, 200), np.linspace(-3, 8, 200))
    surface = np.square(w[..., None] * X + b[..., None] - Y).mean(-1)
    for axes, (title, of_panel) in zip(figure.subplots(1, len(paths)), paths.items(), strict=True):
        axes.contour(w, b, surface, levels=np.geomspace(0.1, 300, 14), colors="lightgrey", linewidths=0.8)
        for label, path in of_panel.items():
            inside = np.all((np.abs(path - (1.5, 2.5)) <= (3.5, 5.5)), axis=-1)
            end = len(path) if inside.all() else int(np.argmin(inside)) + 1
            axes.plot(*path[:end].T, "o-", markersize=3, linewidth=1, label=label)
        axes.plot(*START, "ks", label="start")
        axes.plot(2, 1, "k*", markersize=14, label="lowest point: w = 2, b = 1")
        axes.set(xlabel="w", ylabel="b", title=f"{title}, {STEPS} steps", xlim=(-2, 5), ylim=(-3, 8))
        axes.legend(loc="lower left")
    save_figure(figure, file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, nargs="?", default=Path("runs/optimizer_paths.png"), help="%(default)s")
    file = parser.parse_args().file
    file.parent.mkdir(parents=True, exist_ok=True)
    paths = {title: {label: path_of(settings) for label, settings in of.items()} for title, of in PANELS.items()}
    say("after 1, 10 and 60 steps, the loss is")
    for of_panel in paths.values():
        for label, path in of_panel.items():
            values = [float(loss({"w": path[step, 0], "b": path[step, 1]})) for step in (1, 10, STEPS)]
            say(f"  {label:<20}" + "".join(f"{value:12.4g}" for value in values))
    draw(paths, file)
    say(f"drawn: {file}")


if __name__ == "__main__":
    complete_streams()
    with exiting_on_user_errors():
        main()
