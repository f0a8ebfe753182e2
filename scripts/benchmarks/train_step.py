"""Times training steps and inference: this project, PyTorch and Keras on the same network and batch, in turns.

    python scripts/benchmarks/train_step.py --peer_python=.venv-benchmarks/bin/python

README.md says what is measured and how. All figures go to a CSV file. The printed table begins with the ratios.
"""

import argparse
import csv
import json
import os
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from statistics import median

import jax
from input_pipeline import HERE, OURS, cpu_name
from peers import Peer
from step_workers import WORKERS, Job

CPU = "original:128,resnet20:32,resnet18:64,mobilenet_v2:128,efficientnet_b0:128"
GPU = "resnet50:224,efficientnet_b0:224,efficientnet_b4:380,vgg16:224,original:128,resnet20:32"
CLASSES = {"original": 3, "resnet20": 10}  # else 1,000
SECONDS = 2.0  # that the slowest library's steps of one turn take, about


class Worker(Peer):
    """A library in its own process. `about` is empty if the library lacks the network."""

    def __init__(self, name: str, python: str, job: Job):
        super().__init__([python, str(HERE / "step_workers.py"), name, json.dumps(asdict(job))])
        self.rates: dict[str, list[float]] = {"train": [], "infer": []}
        self.host_shares: dict[str, list[float]] = {"train": [], "infer": []}
        self.peak_bytes = 0
        self._batch = job.batch

    def seconds(self, kind: str, count: int) -> float:
        """The seconds that `count` steps take."""
        answer = self.ask(f"{kind} {count}")
        self.peak_bytes = max(self.peak_bytes, answer["peak_bytes"])
        self.host_shares[kind].append(answer["host_seconds"] / answer["seconds"])
        return answer["seconds"]

    def turn(self, kind: str, count: int) -> None:
        """Times so many steps, and keeps images/s."""
        self.rates[kind].append(count * self._batch / self.seconds(kind, count))


def compare(job: Job, peer_python: str, rounds: int) -> dict[str, Worker]:
    """Times all libraries that have the network, in turns."""
    workers = {}
    for name in WORKERS:
        worker = Worker(name, sys.executable if name == OURS else peer_python, job)
        if worker.about:
            workers[name] = worker
        else:
            worker.close()
    for kind in ("train", "infer"):
        slowest = max(worker.seconds(kind, 1) for worker in workers.values())
        count = max(1, round(SECONDS / slowest))
        for _ in range(rounds):
            for worker in workers.values():
                worker.turn(kind, count)
    for worker in workers.values():
        worker.close()
    return workers


def rows_of(job: Job, workers: dict[str, Worker], peak_flops: float) -> list[dict]:
    """One row for each library and kind. The ratio is our rate / its rate."""
    rows = []
    for kind in ("train", "infer"):
        ours = median(workers[OURS].rates[kind])
        for name, worker in workers.items():
            rate = median(worker.rates[kind])
            flops = worker.about["flops"] * rate / job.batch if kind == "train" else 0.0
            rows.append(
                asdict(job)
                | {
                    "kind": kind,
                    "library": name,
                    "ours_over_it": ours / rate,
                    "images_per_second": rate,
                    "fastest": max(worker.rates[kind]),
                    "slowest": min(worker.rates[kind]),
                    "host_share": median(worker.host_shares[kind]),
                    "start_seconds": worker.about["start_seconds"],
                    "share_of_peak_flops": flops / peak_flops if peak_flops else "",
                    "peak_gigabytes": worker.peak_bytes / 1e9 or "",
                    "versions": worker.about["versions"],
                }
            )
    return rows


def main() -> None:
    on_gpu = jax.default_backend() != "cpu"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer_python", default=".venv-benchmarks/bin/python", help="has TensorFlow and PyTorch")
    parser.add_argument("--networks", default=GPU if on_gpu else CPU, help="NAME:SIZE,...; default: %(default)s")
    parser.add_argument("--batch", type=int, default=256 if on_gpu else 32)
    parser.add_argument("--precision", default="bfloat16" if on_gpu else "float32", choices=["float32", "bfloat16"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cores", type=int, default=os.cpu_count() if on_gpu else 2)
    parser.add_argument("--peak_tflops", type=float, default=0.0, help="of the device: H200, bfloat16: 989")
    parser.add_argument("--out", type=Path, default=HERE / "results/train_step.csv")
    options = parser.parse_args()
    machine = jax.devices()[0].device_kind if on_gpu else f"{cpu_name()}, {options.cores} cores"
    rows = []
    for text in options.networks.split(","):
        network, _, size = text.partition(":")
        classes = CLASSES.get(network, 1000)
        job = Job(network, int(size), options.batch, options.precision, classes, options.cores)
        workers = compare(job, options.peer_python, options.rounds)
        if len({worker.about["parameters"] for worker in workers.values()}) > 1:
            counts = {name: worker.about["parameters"] for name, worker in workers.items()}
            print(f"{network}: the parameters differ: {counts}", file=sys.stderr)
        rows += rows_of(job, workers, options.peak_tflops * 1e12)
        for row in rows[-2 * len(workers) :]:
            if row["library"] != OURS:
                label = f"{network} {size} px, {row['kind']}"
                print(f"{label:32} {row['ours_over_it']:6.2f} x {row['library']}", flush=True)
        starts = ", ".join(f"{name} {worker.about['start_seconds']:.1f} s" for name, worker in workers.items())
        print(f"{network} {size} px, first step after {starts}", flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with open(options.out, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["date", "machine", *rows[0]], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            numbers = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}
            writer.writerow({"date": date.today().isoformat(), "machine": machine} | numbers)


if __name__ == "__main__":
    main()
