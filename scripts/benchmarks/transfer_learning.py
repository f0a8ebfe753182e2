"""Times the training of a head on a frozen MobileNetV2: this project with its feature cache, Keras, PyTorch.

    python scripts/benchmarks/transfer_learning.py --data=FOLDER --weights=DIR --peer_python=.venv-benchmarks/bin/python

README.md says what is measured and how. All figures go to a CSV file. The printed table begins with the ratios.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from input_pipeline import HERE, OURS, cpu_name
from pipelines import BATCH, versions
from transfer_peers import LEARNING_RATE, PEERS, Job

from study_classification.configs import default
from study_classification.data.dataset import open_dataset
from study_classification.system.console import saying_to_stderr

WEIGHTS = "mobilenet_v2_imagenet"  # with the suffixes .h5 and .safetensors
UNCACHED = f"{OURS}, no cache"
UNCACHED_EPOCHS = 3  # measured: all are alike but the first, which compiles


@dataclass(frozen=True)
class Training:
    """One training in its own process.

    Attributes:
        versions: the versions of its Python and its libraries.
        epoch_ends: seconds to the end of each measured epoch. They count from the import of the libraries for a peer,
            and from the start of the process, to its exit, for this project.
        val_accuracy: the validation accuracy after each of these epochs.
        process_seconds: seconds from the start of the process to its exit.
        cpu_seconds: processor time of the process and its children.
    """

    versions: str
    epoch_ends: list[float]
    val_accuracy: list[float]
    process_seconds: float
    cpu_seconds: float

    def seconds(self, epochs: int) -> float:
        """Seconds to the end of epoch `epochs`, beyond the measured ones at the median pace of all but the first."""
        measured = len(self.epoch_ends)
        if epochs <= measured:
            return self.epoch_ends[epochs - 1]
        return self.epoch_ends[-1] + (epochs - measured) * self.epoch_seconds

    def process_seconds_for(self, epochs: int) -> float:
        """Seconds of the whole process for so many epochs, with imports and exit."""
        return self.seconds(epochs) + self.process_seconds - self.epoch_ends[-1]

    def cpu_seconds_for(self, epochs: int) -> float:
        """Processor time for so many epochs, in proportion."""
        return self.cpu_seconds * self.process_seconds_for(epochs) / self.process_seconds

    @property
    def epoch_seconds(self) -> float:
        """The median of all epochs but the first."""
        return median(np.diff(self.epoch_ends))


def train_ours(data: Path, weights: Path, cores: int, epochs: int, views: int) -> Training:
    """Trains by this project's command line, with nothing prepared, cached or compiled before."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _, seconds, cpu_seconds = timed(command_of_ours(data, weights, cores, epochs, views, folder))
        with open(folder / "history.csv", newline="", encoding="utf-8") as file:
            history = list(csv.DictReader(file))
    return Training(
        versions(("jax", "flax")),
        ends_of([float(row["seconds"]) for row in history], seconds),
        [float(row["val_accuracy"]) for row in history],
        seconds,
        cpu_seconds,
    )


def command_of_ours(data: Path, weights: Path, cores: int, epochs: int, views: int, folder: Path) -> list[str]:
    """The command line of this project. All its files go to `folder`."""
    options = {
        "config": f"{HERE.parents[1]}/configs/animals.py:model=mobilenet_v2,learning=transfer_learning",
        "config.data.source": data,
        "config.data.cache_dir": folder / "cache",
        "config.data.workers": cores,
        "config.model.weights": f"{weights}.h5",
        "config.model.dropout": 0.0,
        "config.optimizer.name": "adam",
        "config.optimizer.learning_rate": LEARNING_RATE,
        "config.optimizer.weight_decay": 0.0,
        "config.schedule.name": "constant",
        "config.label_smoothing": 0.0,
        "config.batch_size": BATCH,
        "config.total_epochs": epochs,
        "config.feature_cache.views": views,
        "workdir": folder,
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "study_classification.main", *arguments]


def ends_of(epoch_seconds: list[float], end: float) -> list[float]:
    """When each epoch ended, if the last one ended at `end`. All other work counts before the first epoch."""
    return list(end - sum(epoch_seconds) + np.cumsum(epoch_seconds))


def train_peer(name: str, python: str, job: Job) -> Training:
    command = [python, str(HERE / "transfer_peers.py"), name, json.dumps(asdict(job))]
    output, seconds, cpu_seconds = timed(command)
    answer = json.loads(output.splitlines()[-1])
    return Training(**answer, process_seconds=seconds, cpu_seconds=cpu_seconds)


def timed(command: list[str]) -> tuple[str, float, float]:
    """Runs a command; returns what it prints, the seconds that it takes, and the processor time."""
    started, before = time.perf_counter(), sum(os.times()[2:4])
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode:
        sys.exit(f"{result.stderr}\n{' '.join(command)} has failed with what stands above")
    return result.stdout, time.perf_counter() - started, sum(os.times()[2:4]) - before


def copy_images(source: Path, target: Path, count: int) -> None:
    """Copies `count` images, or all if it is 0, evenly over the sorted files. Then they lie in the page cache."""
    files = sorted(source.glob("*/*.jpg"))
    for place in np.linspace(0, len(files) - 1, count or len(files)).astype(int):
        path = target / files[place].relative_to(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(files[place], path)


def lay_out(source: Path, target: Path, cache: Path) -> dict[str, int]:
    """Copies the images to SPLIT/CLASS/*, where this project puts them; returns how many are in each split."""
    config = default.get_config()
    config.data.source, config.data.cache_dir = str(source), str(cache)
    with saying_to_stderr():
        splits = list(csv.DictReader(open_dataset(config.data).splits_csv.splitlines()))
    for row in splits:
        path = target / row["split"] / row["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / row["name"], path)
    return Counter(row["split"] for row in splits)


def measures(it: Training, ours: Training, epochs: int) -> dict[str, float]:
    """The figures of a training of `epochs` epochs. Ratios are to `ours`, this project with the cache."""
    return {
        "epochs": epochs,
        "measured_epochs": min(epochs, len(it.epoch_ends)),
        "over_ours": it.seconds(epochs) / ours.seconds(epochs),
        "process_over_ours": it.process_seconds_for(epochs) / ours.process_seconds_for(epochs),
        "cpu_over_ours": it.cpu_seconds_for(epochs) / ours.cpu_seconds_for(epochs),
        "seconds": it.seconds(epochs),
        "process_seconds": it.process_seconds_for(epochs),
        "cpu_seconds": it.cpu_seconds_for(epochs),
        "epoch_seconds": it.epoch_seconds,
        "val_accuracy": it.val_accuracy[:epochs][-1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of class folders with JPEG files (.jpg)")
    parser.add_argument("--weights", type=Path, required=True, help=f"folder with {WEIGHTS}.h5 and .safetensors")
    parser.add_argument("--peer_python", default=".venv-benchmarks/bin/python", help="has TensorFlow and PyTorch")
    parser.add_argument("--epochs", default="10,30", help="lengths of training, each at least 2")
    parser.add_argument("--peer_epochs", type=int, default=10, help="measured; more are extrapolated")
    parser.add_argument("--rounds", type=int, default=1, help="of all trainings; the quickest of each counts")
    parser.add_argument("--images", type=int, default=0, help="0 is all of them")
    parser.add_argument("--cores", type=int, default=2, help="to run on, and decoding threads or processes")
    parser.add_argument("--out", type=Path, default=HERE / "results/transfer_learning.csv")
    options = parser.parse_args()
    lengths = [int(text) for text in options.epochs.split(",")]
    peer_epochs = min(options.peer_epochs, max(lengths))
    if min(*lengths, peer_epochs) < 2:
        parser.error("--epochs and --peer_epochs must be 2 or more: the first epoch is unlike the others")

    load = psutil.getloadavg()[0]
    machine = f"{cpu_name()}, {options.cores} cores, load {load:.1f} at the start"
    if hasattr(os, "sched_setaffinity"):  # which the processes started from here inherit
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    weights = options.weights.resolve() / WEIGHTS
    with tempfile.TemporaryDirectory() as temporary:
        data, split_data = Path(temporary, "data"), Path(temporary, "split")
        copy_images(options.data, data, options.images)
        counts = lay_out(data, split_data, Path(temporary, "splits"))
        job = Job(str(split_data), str(weights), peer_epochs, options.cores)
        train = partial(train_ours, data, weights, options.cores)
        tasks = {(OURS, epochs): partial(train, epochs, views=1) for epochs in lengths}
        tasks |= {(name, peer_epochs): partial(train_peer, name, options.peer_python, job) for name in PEERS}
        tasks[UNCACHED, UNCACHED_EPOCHS] = partial(train, UNCACHED_EPOCHS, views=0)
        rounds = [{key: task() for key, task in tasks.items()} for _ in range(options.rounds)]
    quickest = {key: min((it[key] for it in rounds), key=lambda it: it.process_seconds) for key in tasks}

    rows = [
        (name, it.versions, measures(it, quickest[OURS, epochs], epochs))
        for epochs in lengths
        for (name, measured_epochs), it in quickest.items()
        if name != OURS or measured_epochs == epochs
    ]
    print("Time to a trained head, as a multiple of this project's:")
    for name, _, row in rows:
        if name != OURS:
            print(f"{row['over_ours']:6.1f} x {name:32} {row['epochs']} epochs, {row['measured_epochs']} measured")
    images = f"{counts['train']} train, {counts['validation']} validation"
    columns = list(rows[0][2])
    print(f"\n{machine}; {images} pictures, batches of {BATCH}\n")
    header = ("epochs", "measured", "this/ours", "by process", "by cpu")
    header += ("seconds", "process s", "cpu s", "epoch s", "accuracy")
    print(f"{'':30}" + "".join(f"{text:>11}" for text in header))
    for name, _, row in rows:
        print(f"{name:30}" + "".join(f"{value:11.4g}" for value in row.values()))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with open(options.out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", "machine", "versions", "pictures", "batch", "trainer", *columns])
        for name, used, row in rows:
            common = [date.today().isoformat(), machine, used, images, BATCH, name]
            writer.writerow([*common, *(f"{value:.4g}" for value in row.values())])


if __name__ == "__main__":
    main()
