"""Two processes at once: two preparations of the same images, two trainings in one run directory."""

import shutil
from collections.abc import Iterator
from functools import partial

import program
from cases import Case
from program import SENTENCE, Running
from workload import Workload, digest_of_run, prepare, train


def two_at_once(work: Workload, count: int) -> Iterator[Case]:
    """Each pair so many times."""
    for number in range(count):
        yield from _two_preparations(work, number)
        yield from _two_trainings(work, number)


def _two_preparations(work: Workload, number: int) -> Iterator[Case]:
    """Both end well, and what they leave is what one leaves."""
    folder = work.scratch("together")
    cache = work.new_cache(folder)
    both = [Running(prepare(work.folder, cache), folder / name) for name in "ab"]
    for name, running in zip("ab", both, strict=True):
        ended = running.ended()
        yield Case("two preparations", f"{number} {name}", program.verdict(ended, True), ended.last_words)
    ended, same = work.train(folder, folder / "run", cache)
    yield Case("two preparations", f"{number} used", program.verdict(ended, same), ended.last_words)


def _two_trainings(work: Workload, number: int) -> Iterator[Case]:
    """The second one is refused, and the first one is as if it had been alone."""
    folder = work.scratch("together")
    run = folder / "run"
    cache = shutil.copytree(work.cache, folder / "cache")
    first = Running(train(work.folder, run, cache), folder / "first", partial(digest_of_run, run))
    if number % 2 == 0:  # else they start at the same moment, and either may be refused
        first.wait_for((run / "checkpoints").exists)
    second = Running(train(work.folder, run, cache), folder / "second", partial(digest_of_run, run))
    ends = [first.ended(), second.ended()]
    verdicts = [program.verdict(ended, ended.found == work.whole) for ended in ends]
    for name, ended, verdict in zip(("first", "second"), ends, verdicts, strict=True):
        note = ended.last_words
        if verdicts == [SENTENCE, SENTENCE]:  # one of them has to get on
            verdict, note = program.DIFFERENT, f"both were refused: {note}"
        yield Case("two trainings in one run", f"{number} {name}", verdict, note)
