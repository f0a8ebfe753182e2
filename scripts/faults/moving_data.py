"""Images that change or vanish while the program reads them, and come back afterwards."""

import random
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import program
from cases import Case
from program import Running
from workload import Workload, prepare


def _remove_some(images: Path, chance: random.Random) -> None:
    for file in chance.sample(sorted(images.rglob("*.png")), 6):
        file.unlink()


def _remove_all(images: Path, chance: random.Random) -> None:
    images.rename(images.with_name("away"))


def _cut_some(images: Path, chance: random.Random) -> None:
    for file in chance.sample(sorted(images.rglob("*.png")), 6):
        file.write_bytes(file.read_bytes()[:40])


def _exchange_some(images: Path, chance: random.Random) -> None:
    for file in chance.sample(sorted(images.rglob("cat/*.png")), 6):
        shutil.copyfile(images / "dog" / file.name, file)


CHANGES: dict[str, Callable[[Path, random.Random], None]] = {
    "vanish": _remove_some,
    "vanish with their folder": _remove_all,
    "are cut off": _cut_some,
    "are exchanged": _exchange_some,
}


def moving_data(work: Workload, count: int, seed: int) -> Iterator[Case]:
    """Each of CHANGES so many times, at random moments of preparing.

    Preparing ends well or with a sentence; and when the images are again what they were, so is the run that is
    trained on them.
    """
    chance = random.Random(seed)
    for number in range(count):
        for name, change in CHANGES.items():
            folder = work.scratch("moving")
            shutil.copytree(work.images, folder / "photos")
            shutil.copyfile(work.folder / "tiny.py", folder / "tiny.py")
            here, cache = replace(work, folder=folder), work.new_cache(folder)
            running = Running(prepare(folder, cache), folder)
            running.wait_for((cache / "prepared").exists)
            time.sleep(chance.uniform(0, 0.3))
            change(here.images, chance)
            first = running.ended()
            yield Case(f"pictures {name} while read", str(number), program.verdict(first, True), first.last_words)
            shutil.rmtree(here.images, ignore_errors=True)
            shutil.copytree(work.images, here.images)
            ended, same = here.train(folder, folder / "run", cache)
            yield Case("... and are back", f"{name} {number}", program.verdict(ended, same), ended.last_words)
