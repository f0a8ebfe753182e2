"""Does to the program what machines and people do to it, and counts what comes of it. See README.md.

python scripts/faults/run.py [--short] [--parts=kills,damages,...] [--out=FOLDER] [--seed=N]
"""

import argparse
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cases
import program
import soak
from cases import Case
from damages import damaged_features, damaged_files
from full_disk import full_disk
from fuzz import fuzzed
from kills import killed
from moving_data import moving_data
from program import DIFFERENT, EQUAL
from targets import TARGETS
from together import two_at_once
from workload import Workload, digest_of_folder, make_workload


@dataclass(frozen=True)
class Sizes:
    """How much of each part is done."""

    kills: int = 51  # a multiple of the stages
    damages: float = 1.0  # the share of all cases
    moves: int = 3  # of each change
    pairs: int = 4
    disks: int = 12
    inputs: int = 200_000  # to each target
    epochs: int = 2000
    predictions: int = 1_000_000


SHORT = Sizes(kills=1, damages=0.02, pairs=1, disks=1)

PARTS: dict[str, Callable[[Workload, Sizes, int, Path], Iterator[Case]]] = {
    "kills": lambda work, sizes, seed, out: killed(work, sizes.kills, seed),
    "damages": lambda work, sizes, seed, out: damaged_files(work, sizes.damages, seed),
    "features": lambda work, sizes, seed, out: damaged_features(work, sizes.damages, seed),
    "moves": lambda work, sizes, seed, out: moving_data(work, sizes.moves, seed),
    "together": lambda work, sizes, seed, out: two_at_once(work, sizes.pairs),
    "disk": lambda work, sizes, seed, out: full_disk(work, sizes.disks),
    "fuzz": lambda work, sizes, seed, out: fuzzed(list(TARGETS), sizes.inputs, seed, out / "fuzz", guided=False),
    "atheris": lambda work, sizes, seed, out: fuzzed(list(TARGETS), sizes.inputs, seed, out / "atheris", guided=True),
}


def main(arguments: Sequence[str]) -> int:
    """Returns 1 if anything came out that must not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a little of the quicker parts")
    parser.add_argument("--parts", help=f"which, separated by commas: {', '.join(PARTS)}, soak")
    parser.add_argument("--out", type=Path, default=Path("faults"), help="folder for the tables, and what went wrong")
    parser.add_argument("--seed", type=int, default=0, help="another one draws other moments, damages and inputs")
    given = parser.parse_args(arguments)
    parts = given.parts.split(",") if given.parts else _usual_parts(given.short)
    sizes = SHORT if given.short else Sizes()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    program.start_server()
    given.out.mkdir(parents=True, exist_ok=True)
    found: list[Case] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        work = make_workload(Path(folder))
        for part in parts:
            began = time.monotonic()
            if part == "soak":
                text = soak.to_markdown(list(soak.soaked(work, sizes.epochs, sizes.predictions)))
                (given.out / "soak.md").write_text(text, encoding="utf-8")
                print(text)
            else:
                found += _shown(PARTS[part](work, sizes, given.seed, given.out))
            print(f"{part}: {time.monotonic() - began:.0f} s", flush=True)
        unchanged = digest_of_folder(work.images) == work.images_digest
        found.append(Case("the folder of pictures, after all this", "", EQUAL if unchanged else DIFFERENT))
    cases.write_csv(found, given.out / "faults.csv")
    (given.out / "faults.md").write_text(cases.to_markdown(found), encoding="utf-8")
    print(cases.to_markdown(found))
    return int(any(case.bad for case in found))


def _usual_parts(short: bool) -> list[str]:
    """All of them, less what takes too long or is not installed."""
    if short:
        return [part for part in PARTS if part not in ("features", "moves", "fuzz", "atheris")]
    return [part for part in (*PARTS, "soak") if part != "atheris" or importlib.util.find_spec("atheris")]


def _shown(found: Iterator[Case]) -> Iterator[Case]:
    """The cases, of which the bad ones are printed as they come."""
    for case in found:
        if case.bad:
            print(f"{case.fault}: {case.what}: {case.verdict}: {case.note}", flush=True)
        yield case


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
