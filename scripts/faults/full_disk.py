"""A disk that becomes full: the run and the cache lie on a file system with too little room, of every size."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import program
from cases import SKIPPED, Case
from workload import Workload

_FAULT = "full disk"


def full_disk(work: Workload, count: int) -> Iterator[Case]:
    """So many sizes, from next to nothing to nearly enough; with more room, the same command then goes on."""
    if os.geteuid() or not shutil.which("mount"):
        yield Case(_FAULT, "", SKIPPED, "mounting a small file system needs root")
        return
    programs = _kilobytes(work.cache / "xla")
    needed = _kilobytes(work.prepared) + _kilobytes(work.whole_run)
    for number in range(count):
        size = programs + 32 + needed * number // count
        folder = work.scratch("full")
        disk = folder / "disk"
        disk.mkdir()
        try:
            _mount(disk, f"size={size}k")
        except subprocess.CalledProcessError as error:
            yield Case(_FAULT, "", SKIPPED, f"no small file system can be mounted here ({error.stderr.strip()})")
            return
        with contextlib.ExitStack() as stack:
            stack.callback(subprocess.run, ["umount", "--lazy", str(disk)], check=True)
            cache = work.new_cache(disk)
            ended, same = work.train(folder, disk / "run", cache)
            yield Case(_FAULT, f"{size} kB", program.verdict(ended, same), ended.last_words)
            _mount(disk, "remount,size=100m")
            ended, same = work.train(folder, disk / "run", cache)
            yield Case("... and again room", f"{size} kB", program.verdict(ended, same), ended.last_words)


def _mount(folder: Path, options: str) -> None:
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True, capture_output=True, text=True
    )


def _kilobytes(folder: Path) -> int:
    return sum(4 + file.stat().st_size // 1024 for file in folder.rglob("*"))
