"""Trains each network by each type of learning on one folder of photos, and writes the table.

Every row is an ordinary run of `configs/animals.py` below --workdir. The table is written after every row, and the same
command goes on where it was stopped. A model is chosen by validation accuracy; its test split is looked at once.
"""

import argparse
import csv
import itertools
import os
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import jax

from study_classification.configs import animals
from study_classification.errors import EnvironmentFault, WeightsError
from study_classification.inference.evaluate import evaluate
from study_classification.models import ALIASES
from study_classification.pretrained.published import IMAGENET
from study_classification.runs.directory import load
from study_classification.runs.json_files import read_json
from study_classification.system.console import complete_streams, hush_libraries, say
from study_classification.system.ending import exiting_on_user_errors
from study_classification.training.loop import train_and_evaluate

MODELS = ("original", "resnet", "efficientnet", "mobilenet")  # the study group's names
LEARNING = ("from_scratch", "fine_tuning", "transfer_learning")


@dataclass(frozen=True)
class Row:
    """One line of the table; what was not measured is empty, and `note` says why."""

    model: str
    learning: str
    val_accuracy: float | str = ""
    test_accuracy: float | str = ""
    best_epoch: int | str = ""
    epochs: int | str = ""
    seconds: int | str = ""  # of training: decoding (where not cached), compilation and feature extraction included
    image_size: int | str = ""
    weights: str = ""
    note: str = ""
    date: str = ""
    hardware: str = ""
    python: str = ""
    jax: str = ""
    flax: str = ""


def main() -> None:
    options = parse_options()
    file = options.workdir / "comparison.csv"
    options.workdir.mkdir(parents=True, exist_ok=True)
    table = {(row["model"], row["learning"]): Row(**row) for row in read_csv(file)}
    for model in options.models:
        for learning in options.learning:
            if (model, learning) not in table or not table[model, learning].val_accuracy:
                table[model, learning] = measure(model, learning, options)
            rows = [table[place] for place in itertools.product(MODELS, LEARNING) if place in table]
            write_csv(file, rows)
            file.with_suffix(".md").write_text(to_markdown(rows), encoding="utf-8")
    say(f"\n{to_markdown(rows)}\nwritten to {file} and {file.with_suffix('.md')}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="a folder with one folder of photos a class")
    parser.add_argument("--workdir", type=Path, default=Path("runs/comparison"), help="default: %(default)s")
    parser.add_argument("--weights", type=Path, help="a folder of weight files; a file's name begins with its network")
    parser.add_argument("--models", type=some_of(MODELS), default=MODELS, help=f"some of {','.join(MODELS)}")
    parser.add_argument("--learning", type=some_of(LEARNING), default=LEARNING, help=f"some of {','.join(LEARNING)}")
    for learning in LEARNING:
        help_text = "more arguments of configs/animals.py, such as epochs=20,size=96"
        parser.add_argument(f"--{learning}", default="", metavar="ARGUMENTS", help=help_text)
    return parser.parse_args()


def some_of(valid):
    def parse(text: str) -> list[str]:
        chosen = text.split(",")
        for name in chosen:
            if name not in valid:
                raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(valid)}")
        return chosen

    return parse


def measure(model: str, learning: str, options: argparse.Namespace) -> Row:
    """Trains and evaluates one network; a row without numbers says what is missing."""
    weights = "" if learning == "from_scratch" else find_weights(model, options.weights)
    given = {"data": options.data.absolute(), "model": model, "learning": learning, "weights": weights}
    arguments = ",".join(f"{key}={value}" for key, value in given.items())
    workdir = options.workdir / f"{model}-{learning}"
    say(f"\n== {model}, {learning}")
    begun = time.time()
    try:
        train_and_evaluate(animals.get_config(",".join(filter(None, (arguments, getattr(options, learning))))), workdir)
        seconds = round(time.time() - begun)
        test_accuracy = evaluate(load(workdir), split="test")["accuracy"]
    except (EnvironmentFault, WeightsError) as error:  # that are not at hand, or that nobody has published
        return Row(model, learning, weights=weights, note=str(error))
    jax.clear_caches()
    return row_of(workdir, weights, seconds, test_accuracy)


def find_weights(model: str, folder: Path | None) -> str:
    """A file in the folder whose name begins with the network's, or else the published ones."""
    files = sorted(folder.glob(f"{ALIASES[model]}*.*")) if folder and model in ALIASES else []
    return str(files[-1].absolute()) if files else IMAGENET


def row_of(workdir: Path, weights: str, seconds: int, test_accuracy: float) -> Row:
    """The row of a run that was trained and evaluated."""
    config, environment = read_json(workdir / "config.json"), read_json(workdir / "environment.json")
    epochs = read_csv(workdir / "history.csv")
    best = max(epochs, key=lambda epoch: float(epoch["val_accuracy"]))
    device = environment["devices"][0]
    return Row(
        model=config["model"]["name"],
        learning=config["learning"],
        val_accuracy=round(float(best["val_accuracy"]), 4),
        test_accuracy=round(test_accuracy, 4),
        best_epoch=best["epoch"],
        epochs=len(epochs),
        seconds=seconds,
        image_size=read_json(workdir / "preprocess.json")["image_size"],
        weights=Path(weights).name if Path(weights).exists() else weights,
        date=environment["time"][:10],
        hardware=f"{os.cpu_count()} CPU cores" if device == "cpu" else device,
        python=environment["python"],
        jax=environment["packages"]["jax"],
        flax=environment["packages"]["flax"],
    )


def read_csv(file: Path) -> list[dict[str, str]]:
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_csv(file: Path, rows: list[Row]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def to_markdown(rows: list[Row]) -> str:
    """The study group's table."""
    lines = ["| model | learning | validation | test | epochs | time |", "|---|---|---|---|---|---|"]
    for row in rows:
        if row.val_accuracy == "":
            numbers = [row.note, "", "", ""]
        else:
            minutes, seconds = divmod(int(row.seconds), 60)
            numbers = [f"{float(share):.1%}".replace("%", " %") for share in (row.val_accuracy, row.test_accuracy)]
            numbers += [str(row.epochs), f"{minutes} min {seconds:02} s"]
        lines.append(f"| {' | '.join([row.model, row.learning.replace('_', ' '), *numbers])} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    complete_streams()
    hush_libraries()
    with exiting_on_user_errors():
        main()
