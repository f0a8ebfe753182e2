"""Does to the program what machines and people do to it, and counts what comes of it. See README.md.

python scripts/faults/run.py [--short] [--parts=kills,damages,...] [--out=FOLDER] [--seed=N]
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import program
from cases import Case, to_markdown, write_csv
from damages import damaged_files
from full_disk import full_disk
from kills import killed
from moving_data import moving_data
from program import DIFFERENT, EQUAL
from together import two_at_once
from workload import Workload, digest_of_folder, make_workload


@dataclass(frozen=True)
class Sizes:
    """How much of each part is done."""

    kills: int = 50
    damages: float = 1.0  # the share of all pairs of a file and a damage
    moves: int = 3
    pairs: int = 4
    disks: int = 12


SHORT = Sizes(kills=1, damages=0.005, moves=0, pairs=1, disks=1)

PARTS: dict[str, Callable[[Workload, Sizes, int], Iterator[Case]]] = {
    "kills": lambda work, sizes, seed: killed(work, sizes.kills, seed),
    "damages": lambda work, sizes, seed: damaged_files(work, sizes.damages, seed),
    "moves": lambda work, sizes, seed: moving_data(work, sizes.moves, seed),
    "together": lambda work, sizes, seed: two_at_once(work, sizes.pairs),
    "disk": lambda work, sizes, seed: full_disk(work, sizes.disks),
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a little of each part")
    parser.add_argument("--parts", default=",".join(PARTS), help="which, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("faults"), help="folder for faults.md and faults.csv")
    parser.add_argument("--seed", type=int, default=0, help="another one draws other moments and damages")
    given = parser.parse_args(arguments)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    program.start_server()
    cases: list[Case] = []
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        work = make_workload(Path(folder))
        for part in given.parts.split(","):
            began = time.monotonic()
            for case in PARTS[part](work, SHORT if given.short else Sizes(), given.seed):
                cases.append(case)
                if case.bad:
                    print(f"{case.fault}: {case.what}: {case.verdict}: {case.note}", flush=True)
            print(f"{part}: {time.monotonic() - began:.0f} s", flush=True)
        unchanged = digest_of_folder(work.pictures) == work.pictures_digest
        cases.append(Case("the folder of pictures, after all this", "", EQUAL if unchanged else DIFFERENT))
    write_csv(cases, given.out / "faults.csv")
    (given.out / "faults.md").write_text(to_markdown(cases), encoding="utf-8")
    print(to_markdown(cases))
    return int(any(case.bad for case in cases))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
