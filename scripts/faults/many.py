"""Prepares very many images, starts again, and says what that takes of memory and of the processor.

python scripts/faults/many.py [--counts=100000,200000] [--folder=FOLDER]
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = 100
COLUMNS = "| images | | processor, s | peak of memory, MB |\n|---|---|---|---|"


def main(arguments: Sequence[str]) -> int:
    """Returns 1 if a command fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="100000,200000", help="of images, rising, separated by commas")
    parser.add_argument("--folder", type=Path, help="for the images, which are kept there for the next time")
    given = parser.parse_args(arguments)
    print(COLUMNS, flush=True)
    with tempfile.TemporaryDirectory(prefix="many-") as scratch:
        for count in map(int, given.counts.split(",")):
            images = (given.folder or Path(scratch)) / f"images-{count}"
            make_images(images, count)
            cache = Path(scratch) / f"cache-{count}"
            for what in ("prepared", "started again"):
                code, seconds, megabytes = prepare(images, cache)
                print(f"| {count:,} | {what} | {seconds:.1f} | {megabytes:.0f} |", flush=True)
                if code:
                    return 1
    return 0


def make_images(folder: Path, count: int) -> None:
    """So many different PNG files of 8 x 8 pixels, in CLASSES folders; those that are there already are kept."""
    chance = np.random.default_rng(0)
    for name in range(CLASSES):
        (folder / f"class_{name:03}").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = chance.integers(0, 256, (8, 8, 3), np.uint8)
        file = folder / f"class_{number % CLASSES:03}" / f"image_{number:07}.png"
        if not file.exists():
            Image.fromarray(pixels).save(file)


def prepare(images: Path, cache: Path) -> tuple[int, float, float]:
    """Exit code, seconds of the processor and peak of memory in MB of the verb `prepare`."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "study_classification.main", "prepare"]
    command += [f"--config={root}/configs/photos.py:data={images}", f"--config.data.cache_dir={cache}"]
    places = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    process = subprocess.Popen(
        command, env=os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": places}, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return process.returncode, used.ru_utime + used.ru_stime, kilobytes * 1024 / 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
