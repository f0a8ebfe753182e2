"""kill -9 and SIGTERM at random moments: while preparing, while training, while saving."""

import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import program
from cases import Case
from program import EQUAL, Running
from workload import Workload, train

STAGES = ("saving", "preparing", "training")
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)


def killed(work: Workload, count: int, seed: int) -> Iterator[Case]:
    """So many signals, each to a new run that is then resumed; the resumed run has to be the uninterrupted one."""
    chance = random.Random(seed)
    number = 0
    for attempt in range(10 * count):
        if number == count:
            return
        stage, sent = STAGES[attempt % 3], _SIGNALS[attempt // 3 % 3]
        folder = work.scratch("killed")
        cache = work.new_cache(folder) if stage == "preparing" else shutil.copytree(work.cache, folder / "cache")
        running = Running(train(work.folder, folder / "run", cache), folder)
        if not _reached(running, stage, folder, chance) or not running.alive:
            running.ended()
            continue
        running.kill(sent)
        first = running.ended()
        number += 1
        ended, same = work.train(folder, folder / "run", cache)
        result = program.verdict(ended, same)
        if result == EQUAL and first.code != -sent:  # SIGTERM while it trains is answered with a sentence
            result = program.verdict(first, same=True)
        yield Case(f"{sent.name} while {stage}", f"seed {seed}, attempt {attempt}", result, ended.last_words)


def _reached(running: Running, stage: str, folder: Path, chance: random.Random) -> bool:
    """Waits for a random moment of a stage; False if the process has ended before."""
    checkpoints = folder / "run" / "checkpoints"
    match stage:
        case "preparing":
            reached = running.wait_for((folder / "cache" / "prepared").exists)
            longest = 1.0
        case "training":
            reached = running.wait_for(lambda: any(path.name.isdigit() for path in _inside(checkpoints)))
            longest = 1.5
        case _:
            wanted = chance.randrange(1, 10)
            seen: set[str] = set()

            def saving() -> bool:
                seen.update(path.name for path in _inside(checkpoints) if not path.name.isdigit())
                return len(seen) >= wanted

            reached = running.wait_for(saving)
            longest = 0.05
    time.sleep(chance.uniform(0, longest))
    return reached


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
