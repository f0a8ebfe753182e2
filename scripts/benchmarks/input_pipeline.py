"""Times pipelines from JPEG files to uint8 batches: this project's streaming, tf.data, PyTorch's DataLoader.

    python scripts/benchmarks/input_pipeline.py --data=FOLDER --peer_python=.venv-benchmarks/bin/python

README.md says what is measured and how. All figures go to a CSV file. The printed table begins with the ratios.
"""

import argparse
import csv
import json
import os
import platform
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import asdict
from datetime import date
from pathlib import Path
from statistics import median

import input_wait
import numpy as np
import psutil
from peers import Peer
from PIL import Image
from pipelines import PIPELINES, Job

from study_classification.system.console import saying_to_stderr

HERE = Path(__file__).resolve().parent
OURS = "study_classification"
VIEWS = {"training canvas 80": 80, "evaluation 256, 224": 0}  # -> Job.canvas_size
# Enlarged copies of the images -> short side in pixels, what both sides are multiples of, grain in levels: without
# it they would decode faster than real ones.
ENLARGED = {"as on the web": (683, 1, 3), "as of a camera": (2000, 16, 4)}


class Served(Peer):
    """A pipeline in its own process.

    Attributes:
        versions: the versions of its Python and its libraries.
        sample: its first batch.
        peak_bytes: the peak memory of the process and its children in an untimed pass.
        rates: images/s of each timed pass.
        cpu_seconds, images: processor time of the process and its children, and images, over all timed passes.
    """

    def __init__(self, name: str, python: str, job: Job, sample: Path):
        super().__init__(
            [python, str(HERE / "pipelines.py"), name, json.dumps(asdict(job)), str(sample)],
            os.environ | {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""},
        )
        self.versions = self.about["versions"]
        self.sample = np.load(sample).astype(int)
        self.peak_bytes, self.rates, self.cpu_seconds, self.images = 0, [], 0.0, 0
        finished = threading.Event()
        watcher = threading.Thread(target=self._watch_memory, args=[finished])
        watcher.start()
        self.ask()
        finished.set()
        watcher.join()

    def run(self) -> None:
        """Makes one pass over the images and times it."""
        before = self._cpu_seconds()
        answer = self.ask()
        self.cpu_seconds += self._cpu_seconds() - before
        self.images += answer["pictures"]
        self.rates.append(answer["pictures"] / answer["seconds"])

    @property
    def per_core_second(self) -> float:
        """Images in a second of processor time: the work of a core, however busy the machine is."""
        return self.images / self.cpu_seconds

    def _processes(self) -> list[psutil.Process]:
        process = psutil.Process(self.pid)
        return [process, *process.children(recursive=True)]

    def _cpu_seconds(self) -> float:
        return sum(sum(process.cpu_times()[:2]) for process in self._processes())

    def _watch_memory(self, finished: threading.Event) -> None:
        while not finished.is_set():
            self.peak_bytes = max(self.peak_bytes, memory([process.pid for process in self._processes()]))
            finished.wait(0.05)


def memory(pids: list[int]) -> int:
    """The bytes that a process (the first) and its children hold together. Shared memory counts once.

    Anonymous memory is divided among the processes that share it, which are all in the family. Mapped files (libraries)
    count for the first process only, for others may share them too. Without Linux's /proc, shared memory counts
    repeatedly.
    """
    if not Path("/proc/self/smaps_rollup").exists():
        return sum(psutil.Process(pid).memory_info().rss for pid in pids)
    lines = Path(f"/proc/{pids[0]}/status").read_text(encoding="utf-8").splitlines()
    kilobytes = [line.split()[1] for line in lines if line.startswith("RssFile:")]
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        kilobytes += [line.split()[1] for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:"))]
    return 1024 * sum(map(int, kilobytes))


def compare(job: Job, peer_python: str, rounds: int) -> dict[str, Served]:
    """Compares all pipelines on one job, in turns."""
    with ExitStack() as stack:
        served = {}
        for name in PIPELINES:
            python = sys.executable if name == OURS else peer_python
            served[name] = Served(name, python, job, Path(job.cache, "sample.npy"))
            stack.callback(served[name].close)
        for _ in range(rounds):
            for pipeline in served.values():
                pipeline.run()
        return served


def enlarge(source: Path, target: Path, count: int, short_side: int, multiple: int, grain: float) -> None:
    """Writes `count` images of the source, enlarged, as JPEG files."""
    files = sorted(source.glob("*/*.jpg"))
    random = np.random.default_rng(0)
    for file in files[:: max(1, len(files) // count)][:count]:
        image = Image.open(file).convert("RGB")
        width, height = (round(short_side * side / min(image.size) / multiple) * multiple for side in image.size)
        pixels = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
        pixels = pixels + random.normal(0, grain, (height, width, 1)).astype(np.float32)
        path = target / file.relative_to(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of class folders with JPEG files (.jpg)")
    parser.add_argument("--peer_python", default=".venv-benchmarks/bin/python", help="has TensorFlow and PyTorch")
    parser.add_argument("--workers", type=int, default=2, help="decoding threads or processes, and cores to run on")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--enlarged", type=int, default=192, help="how many pictures to enlarge; 0 leaves these out")
    parser.add_argument("--out", type=Path, default=HERE / "results/input_pipeline.csv")
    options = parser.parse_args()

    load = psutil.getloadavg()[0]
    machine = f"{cpu_name()}, {os.cpu_count()} cores, load {load:.1f} at the start"
    rows = []

    def add(images: str, view: str, pipeline: str, versions: str, **values: float) -> None:
        common = [date.today().isoformat(), machine, versions, options.workers, images, view, pipeline]
        rows.extend([*common, name, f"{value:.4g}"] for name, value in values.items())

    with tempfile.TemporaryDirectory() as temporary:
        cache = Path(temporary, "cache")
        cache.mkdir()
        folders = {"as they are": options.data}
        for images, properties in ENLARGED.items() if options.enlarged else ():
            folders[images] = Path(temporary, images)
            enlarge(options.data, folders[images], options.enlarged, *properties)
        ratios, table = [], []
        for images, folder in folders.items():
            for view, canvas_size in VIEWS.items():
                job = Job(str(folder), canvas_size, options.workers, str(cache))
                served = compare(job, options.peer_python, options.rounds)
                ours = served[OURS]
                best = max((name for name in served if name != OURS), key=lambda name: served[name].per_core_second)
                ratio = ours.per_core_second / served[best].per_core_second
                ratios.append(f"{ratio:5.2f} x {best:21} {images:14}  {view}")
                for name, it in served.items():
                    values = {
                        "ours_over_this": ours.per_core_second / it.per_core_second,
                        "images_per_core_second": it.per_core_second,
                        "ours_over_this_by_the_clock": median(ours.rates) / median(it.rates),
                        "images_per_second": median(it.rates),
                        "peak_megabytes": it.peak_bytes / 1e6,
                        "mean_difference_in_levels": np.abs(it.sample - ours.sample).mean(),
                    }
                    add(images, view, name, it.versions, **values)
                    table.append(f"{images:14} {view:20} {name:21}" + "".join(f"{v:11.2f}" for v in values.values()))
        with saying_to_stderr():
            waits = input_wait.measure(options.data, cache, options.workers, options.rounds)
        for name, (milliseconds, share) in waits.items():
            add("as they are", "training step", name, ours.versions, step_ms=milliseconds, wait_share=share)

    print("Images per core-second of this project's streaming, against the best of the others:", *ratios, sep="\n")
    print(f"\n{machine}; 'levels' is the mean difference from this project's pictures\n")
    header = ("ours/this", "img/core-s", "by clock", "img/s", "peak MB", "levels")
    print(f"{'pictures':14} {'view':20} {'pipeline':21}" + "".join(f"{text:>11}" for text in header), *table, sep="\n")
    print("\ninput of a training step")
    for name, (milliseconds, share) in waits.items():
        print(f"  {name:12} {milliseconds:7.1f} ms a step, {share:7.2%} of it waiting for the batch")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with open(options.out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["date", "machine", "versions", "workers", "pictures", "view", "pipeline", "measure", "value"])
        writer.writerows(rows)


def cpu_name() -> str:
    """The name of the processor, by Linux or else by Python."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
