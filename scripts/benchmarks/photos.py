"""Measures the accuracy on own photos: `configs/photos.py` over several splits, and with few photos of each class.

    python scripts/benchmarks/photos.py --data=FOLDER

README.md says what is measured and how. The table is written after every run; runs in the table are not repeated.
"""

import argparse
import csv
import tempfile
from pathlib import Path
from statistics import mean, stdev

import jax
import numpy as np
from input_pipeline import HERE
from ml_collections import ConfigDict
from results import read_rows, stamp, write_rows
from sklearn.linear_model import LogisticRegression

from study_classification.configs import photos
from study_classification.data.dataset import open_dataset
from study_classification.data.sources import TEST
from study_classification.inference.evaluate import evaluate
from study_classification.runs.directory import load
from study_classification.training.feed import features_of_split
from study_classification.training.initial import first_variables
from study_classification.training.loop import train_and_evaluate
from study_classification.training.setup import resolve_config

# name -> what is changed in the config
RECIPES: dict[str, dict] = {
    "photos.py": {},
    "as before": {  # the recipe of 0.1.0: a head that starts at random
        "model.head.fitted": False,
        "model.dropout": 0.2,
        "optimizer.learning_rate": 1e-3,
        "label_smoothing": 0.1,
        "total_epochs": 30.0,
    },
}
FEW = (5, 10, 20, 50)  # training photos a class
COLUMNS = ("experiment", "model", "learning", "recipe", "seed", "val_accuracy", "val_last", "test_accuracy", "seconds")


def arguments_of(model: str, weights: str, learning: str) -> str:
    return f"model={model},learning={learning}" + (f",weights={weights}" if weights else "")


def over_splits(data: Path, arguments: str, recipe: str, seed: int) -> dict:
    """One training on its own split. Only the chosen recipe is measured on the test split."""
    config = photos.get_config(f"data={data.absolute()},{arguments}")
    config.data.split_seed = config.seed = seed
    config.update_from_flattened_dict(RECIPES[recipe])
    with tempfile.TemporaryDirectory() as temporary:
        workdir = Path(temporary, "run")
        train_and_evaluate(config, workdir)
        with open(workdir / "history.csv", newline="", encoding="utf-8") as file:
            epochs = list(csv.DictReader(file))
        test = evaluate(load(workdir), split="test")["accuracy"] if recipe == "photos.py" else None
    jax.clear_caches()
    return {
        "val_accuracy": f"{max(float(epoch['val_accuracy']) for epoch in epochs):.4f}",
        "val_last": f"{float(epochs[-1]['val_accuracy']):.4f}",
        "test_accuracy": "" if test is None else f"{test:.4f}",
        "seconds": f"{sum(float(epoch['seconds']) for epoch in epochs):.0f}",
    }


class FewPhotos:
    """The features of all photos. Heads are trained on few of them and tested on all others."""

    def __init__(self, data: Path, arguments: str):
        self._data, self._arguments = data, arguments
        config = photos.get_config(f"data={data.absolute()},{arguments}")
        experiment = resolve_config(config)
        dataset = open_dataset(config.data, everything_in=TEST)
        variables = first_variables(experiment, dataset)
        arrays = features_of_split(experiment, dataset, TEST, variables)
        self._names = [dataset.split(TEST)[row].name for row in range(len(arrays["label"]))]
        self._features, self._labels = np.asarray(arrays["features"]), np.asarray(arrays["label"])
        self._class_names = dataset.class_names

    def measure(self, count: int, seed: int) -> dict[str, float]:
        """Accuracy on all other photos of this project's head and of scikit-learn's logistic regression."""
        random = np.random.default_rng(seed)
        parts: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
        for label in range(len(self._class_names)):
            rows = random.permutation(np.flatnonzero(self._labels == label)).tolist()
            held_out = max(1, count // 5)
            parts["train"] += rows[:count]
            parts["validation"] += rows[count : count + held_out]
            parts["test"] += rows[count + held_out :]
        with tempfile.TemporaryDirectory() as temporary:
            manifest = Path(temporary, "list.csv")
            with manifest.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(("path", "label", "split"))
                for split in ("train", "validation"):
                    for row in parts[split]:
                        path = self._data.absolute() / self._names[row]
                        writer.writerow((path, self._class_names[self._labels[row]], split))
            config: ConfigDict = photos.get_config(f"data={manifest},{self._arguments}")
            state = train_and_evaluate(config, Path(temporary, "run"))
        jax.clear_caches()
        head = state.params["head"]["classifier"]
        train, test = parts["train"], parts["test"]
        ours = (self._features[test] @ np.asarray(head["kernel"]) + np.asarray(head["bias"])).argmax(1)
        model = LogisticRegression(max_iter=1000).fit(self._features[train], self._labels[train])
        return {
            "photos.py": float((ours == self._labels[test]).mean()),
            "logistic regression": float(model.score(self._features[test], self._labels[test])),
        }


def summarised(rows: list[dict]) -> list[str]:
    """Lines of a table: mean and standard deviation over the seeds."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["experiment"], row["model"], row["learning"], row["recipe"]), []).append(row)
    lines = ["| experiment | model | learning | recipe | validation, % | last epoch, % | test, % |"]
    lines.append("|---" * 7 + "|")
    for key, members in groups.items():
        cells = [
            described([100 * float(row[name]) for row in members if row[name]])
            for name in ("val_accuracy", "val_last", "test_accuracy")
        ]
        lines.append(f"| {' | '.join((*key, *cells))} |")
    return lines


def described(values: list[float]) -> str:
    if not values:
        return ""
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder with one folder of photos a class")
    parser.add_argument("--model", default="efficientnet_lite0")
    parser.add_argument("--weights", default="", help="default: the published ones")
    parser.add_argument("--learning", default="transfer_learning")
    parser.add_argument("--recipes", default=",".join(RECIPES), help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=5, help="splits, and choices of few photos")
    parser.add_argument("--few", action="store_true", help=f"also with {', '.join(map(str, FEW))} photos a class")
    parser.add_argument("--out", type=Path, default=HERE / "results/photos.csv")
    options = parser.parse_args()
    arguments = arguments_of(options.model, options.weights, options.learning)
    rows = read_rows(options.out)
    done = {(row["experiment"], row["model"], row["learning"], row["recipe"], int(row["seed"])) for row in rows}

    def add(experiment: str, recipe: str, seed: int, measured: dict) -> None:
        key = dict(zip(COLUMNS, (experiment, options.model, options.learning, recipe, seed), strict=False))
        rows.append(stamp() | dict.fromkeys(COLUMNS, "") | key | measured)
        write_rows(options.out, rows)

    for recipe in options.recipes.split(","):
        for seed in range(options.seeds):
            if ("all photos", options.model, options.learning, recipe, seed) not in done:
                add("all photos", recipe, seed, over_splits(options.data, arguments, recipe, seed))
    if options.few:
        few = FewPhotos(options.data, arguments)
        for count in FEW:
            for seed in range(options.seeds):
                if (f"{count} a class", options.model, options.learning, "photos.py", seed) not in done:
                    for recipe, accuracy in few.measure(count, seed).items():
                        add(f"{count} a class", recipe, seed, {"test_accuracy": f"{accuracy:.4f}"})
    print(*summarised(rows), sep="\n")


if __name__ == "__main__":
    main()
