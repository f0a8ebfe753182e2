"""Measures the effect of recipes on the accuracy of a short training from scratch: CIFAR-10, ResNet-20, seeds.

    python scripts/benchmarks/recipes.py --data=FOLDER

README.md says what is measured and how. Each run is one of `configs/cifar10.py`; the validation accuracy after its last
epoch counts. The table is written after every run; runs in the table are not repeated.
"""

import argparse
import csv
import tempfile
from collections.abc import Collection
from pathlib import Path
from statistics import mean, stdev

import jax
from input_pipeline import HERE
from results import read_rows, stamp, write_rows

from study_classification.configs import cifar10
from study_classification.training.loop import train_and_evaluate

# name -> what is set besides the plain run's flips and shifts
RECIPES: dict[str, dict] = {
    "plain": {},
    "average of weights": {"ema_decay": 0.99},
    "Muon": {"optimizer.name": "muon", "optimizer.learning_rate": 0.01, "optimizer.momentum": 0.95},
    "label smoothing": {"label_smoothing": 0.1},
    "Mixup": {"augment.mixup": 0.2},
    "CutMix": {"augment.cutmix": 1.0},
    "RandAugment": {"augment.policy": "randaugment"},
    "random erasing": {"augment.random_erasing": 0.25},
    "sharpness-aware": {"optimizer.sam_rho": 0.05},
}


def measure(data: Path, recipe: str, seed: int, epochs: float) -> dict:
    """One training; its row."""
    config = cifar10.get_config(f"data={data.absolute()},epochs={epochs}")
    config.seed = seed
    config.schedule.name, config.schedule.warmup_steps = "cosine", 50  # for a run of a few hundred steps
    config.update_from_flattened_dict(RECIPES[recipe])
    with tempfile.TemporaryDirectory() as temporary:
        workdir = Path(temporary, "run")
        train_and_evaluate(config, workdir)
        with open(workdir / "history.csv", newline="", encoding="utf-8") as file:
            *_, last = csv.DictReader(file)
    jax.clear_caches()
    return {
        **stamp(),
        "recipe": recipe,
        "seed": seed,
        "epochs": epochs,
        "val_accuracy": f"{float(last['val_accuracy']):.4f}",
        "val_loss": f"{float(last['val_loss']):.4f}",
    }


def spread(rows: list[dict]) -> list[str]:
    """Lines of a table: recipe, mean and standard deviation over the seeds, and of the difference from plain."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["recipe"], {})[str(row["seed"])] = 100 * float(row["val_accuracy"])
    lines = ["| recipe | validation accuracy, % | from plain with the same seed |", "|---|---|---|"]
    for recipe, values in found.items():
        differences = [value - found["plain"][seed] for seed, value in values.items()]
        lines.append(f"| {recipe} | {described(values.values(), '')} | {described(differences, '+')} |")
    return lines


def described(values: Collection[float], sign: str) -> str:
    """Mean and standard deviation."""
    deviation = f" ± {stdev(values):.1f}" if len(values) > 1 else ""
    return f"{mean(values):{sign}.1f}{deviation}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="CIFAR-10: train/CLASS/*, test/CLASS/*")
    parser.add_argument("--recipes", default=",".join(RECIPES), help="default: %(default)s; plain is the reference")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=HERE / "results/recipes.csv")
    options = parser.parse_args()
    recipes = options.recipes.split(",")
    for recipe in recipes:
        if recipe not in RECIPES:
            parser.error(f"'{recipe}' is none of {', '.join(RECIPES)}")
    rows = read_rows(options.out)
    done = {(row["recipe"], int(row["seed"]), float(row["epochs"])) for row in rows}
    for seed in map(int, options.seeds.split(",")):
        for recipe in recipes:
            if (recipe, seed, options.epochs) not in done:
                rows.append(measure(options.data, recipe, seed, options.epochs))
                write_rows(options.out, rows)
    print(*spread(rows), sep="\n")


if __name__ == "__main__":
    main()
