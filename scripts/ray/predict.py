"""Classifies the images of a list with Ray Data: a pool of workers, each with a copy of the network, rows as CSV files.

    pip install -r scripts/ray/requirements.txt
    python scripts/ray/predict.py RUN LIST FOLDER --workers=8 --gpus=1

LIST has one path in each line. FOLDER must not exist yet. An image that cannot be read is a row with an error.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import ray

import study_classification as sc
from study_classification.errors import ConfigError, DataError, exiting_on_user_errors
from study_classification.inference.predict import predict_examples
from study_classification.runs import directory


class Classifier:
    """A worker: it loads the network once and classifies batches of paths."""

    def __init__(self, run: str):
        self.predictor = sc.load(run)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list]:
        rows = list(predict_examples(self.predictor, map(str, batch["text"]), 1, 0.0))
        *texts, number = ("file", "class", "probability") if self.predictor.class_names else ("file", "value")
        return {
            **{name: [row[name] for row in rows] for name in texts},
            number: [float("nan" if row["error"] else row[number]) for row in rows],
            "error": [row["error"] for row in rows],
        }


def main() -> None:
    """Reads the arguments and runs the job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="run directory")
    parser.add_argument("list", help="text file with one path a line")
    parser.add_argument("folder", help="new folder for the CSV files")
    parser.add_argument("--workers", type=int, default=1, help="copies of the network")
    parser.add_argument("--gpus", type=float, default=0, help="GPUs of each worker")
    parser.add_argument("--batch", type=int, default=256, help="images that a worker is given at once")
    arguments = parser.parse_args()
    # Workers start in other directories.
    run, paths, folder = (os.path.abspath(path) for path in (arguments.run, arguments.list, arguments.folder))
    with exiting_on_user_errors():
        directory.load(Path(run))
        if not os.path.isfile(paths):
            raise DataError(f"{paths} is no file: give a text file with one path a line")
        if os.path.exists(folder):
            raise ConfigError(f"{folder} is there already: name a new folder, so that no rows of two jobs are mixed")
        ray.init()  # or joins the cluster that RAY_ADDRESS names
        cpus = int(ray.cluster_resources()["CPU"])
        if not arguments.gpus and arguments.workers >= cpus:  # Ray would wait for ever
            raise ConfigError(f"{arguments.workers} workers take all {cpus} CPUs and none is left to read: give fewer")
    rows = ray.data.read_text(paths).map_batches(
        Classifier,
        fn_constructor_args=(run,),
        batch_size=arguments.batch,
        compute=ray.data.ActorPoolStrategy(size=arguments.workers),
        num_gpus=arguments.gpus or None,
    )
    rows.write_csv(folder)
    print(f"the rows are in {folder}", file=sys.stderr)


if __name__ == "__main__":
    main()
