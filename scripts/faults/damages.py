"""Damaged and missing files: five damages to every kind of file that a run directory or the cache has."""

import random
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import program
from cases import Case
from program import Ended
from workload import Workload, digest_of_run, report_of, transfer

_Use = Callable[[Workload, Path, Path], tuple[Ended, bool]]
DAMAGES = ("truncated", "zeroed", "deleted", "flipped", "garbage")


def damage(file: Path, kind: str, seed: int = 0) -> None:
    """Does one of DAMAGES to a file."""
    content = file.read_bytes()
    chance = random.Random(f"{seed} {kind} {file.name} {len(content)}")
    match kind:
        case "truncated":
            file.write_bytes(content[: len(content) // 2])
        case "zeroed":
            file.write_bytes(bytes(len(content)))
        case "deleted":
            file.unlink()
        case "flipped":
            bits = bytearray(content)
            for _ in range(min(3, len(bits))):
                bits[chance.randrange(len(bits))] ^= 1 << chance.randrange(8)
            file.write_bytes(bytes(bits))
        case "garbage":
            file.write_bytes(chance.randbytes(max(len(content), 16)))


def kind_of(file: Path) -> str:
    """A path with `*` for what differs between files of one kind: digests and numbers of steps."""
    parts = [re.sub(r"[0-9a-f]{20,}", "*", part) for part in file.parts]
    return "/".join("*" if part.isdigit() else part for part in parts)


def kinds_of(folder: Path, below: str = "") -> dict[str, Path]:
    """A file of each kind, relative to the folder: of several the last, so of checkpoints the latest."""
    files = (file.relative_to(folder) for file in (folder / below).rglob("*") if file.is_file())
    return {kind_of(file): file for file in sorted(files, key=_natural)}


def damaged_files(work: Workload, share: float, seed: int) -> Iterator[Case]:
    """All of DAMAGES to a file of every kind, in every use of it; or a share of these cases, drawn by a seed."""
    for fault, tree, below, use in (
        ("damaged run, resumed", work.half, "", _resume),
        ("damaged run, evaluated", work.half, "", _evaluate),
        ("damaged run, asked to predict", work.half, "", _predict),
        ("damaged cache of data", work.prepared, "", _train_anew),
        ("damaged cache of decoded images", work.cache, "decoded", _train_anew),
        ("damaged cache of programs", work.cache, "xla", _train_anew),
    ):
        yield from _damaged(work, fault, tree, below, use, share, seed)


def damaged_features(work: Workload, share: float, seed: int) -> Iterator[Case]:
    """The same to the features that a frozen backbone has made of the images."""
    folder = work.scratch("features")
    cache = shutil.copytree(work.cache, folder / "cache")
    run = folder / "run"
    whole = program.run(transfer(work.folder, run, cache, work.half), folder, partial(digest_of_run, run)).found

    def use(work: Workload, folder: Path, cache: Path) -> tuple[Ended, bool]:
        run = folder / "run"
        ended = program.run(transfer(work.folder, run, cache, work.half), folder, partial(digest_of_run, run))
        return ended, whole is not None and ended.found == whole

    yield from _damaged(work, "damaged cache of features", cache, "features", use, share, seed)


def _damaged(work: Workload, fault: str, tree: Path, below: str, use: _Use, share: float, seed: int) -> Iterator[Case]:
    """Does the damages to copies of a tree, and uses them."""
    chance = random.Random(f"{seed} {fault}")
    for kind, file in kinds_of(tree, below).items():
        for how in DAMAGES:
            if chance.random() < share:
                folder = work.scratch("damaged")
                copy = shutil.copytree(tree, folder / "copy")
                damage(copy / file, how, seed)
                ended, same = use(work, folder, copy)
                yield Case(fault, f"{kind} {how}", program.verdict(ended, same), ended.last_words)


def _resume(work: Workload, folder: Path, run: Path) -> tuple[Ended, bool]:
    return work.train(folder, run, work.cache)


def _evaluate(work: Workload, folder: Path, run: Path) -> tuple[Ended, bool]:
    ended = program.run(["evaluate", f"--workdir={run}"], folder, partial(report_of, run))
    return ended, ended.found == work.measured


def _predict(work: Workload, folder: Path, run: Path) -> tuple[Ended, bool]:
    ended = program.run(["predict", f"--workdir={run}", "--format=csv", str(work.images)], folder)
    return ended, ended.out == work.predicted


def _train_anew(work: Workload, folder: Path, cache: Path) -> tuple[Ended, bool]:
    return work.train(folder, folder / "run", cache)


def _natural(file: Path) -> list:
    """So that step 9 comes before step 10."""
    return [[int(piece) if piece.isdigit() else 0, piece] for piece in file.parts]
