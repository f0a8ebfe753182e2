"""Foreign bytes to every reader: whatever they are, only errors that a user can mend come out, soon, in little memory.

Where `atheris` makes the inputs (requirements.txt), they follow the code that they reach; else mutations are blind.
"""

import multiprocessing
import os
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cases import Case
from program import EQUAL, HANG, SENTENCE, TRACEBACK
from targets import make_target

SECONDS, BYTES = 40, 2 << 30  # that one input may take
_TOKENS = (
    b"null", b"[]", b"{}", b"-1", b"0", b"1e999", b"NaN", b"true", b'"', b"'", b",", b"\n", b"\r", b"\0", b"\xff\xfe",
    b"\xef\xbb\xbf", b"\\ud800", b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\0" * 8, b"9" * 5000, b"[" * 3000,
)  # fmt: skip
_BEGUN, _ACCEPTED, _REFUSED, _SINCE = range(4)  # places in what a process and its watcher share


def fuzzed(names: Sequence[str], count: int, seed: int, out: Path, guided: bool = False) -> Iterator[Case]:
    """So many inputs to each target; of what came out wrong, an input for each place in the code is kept in `out`.

    An input that takes too long, or ends its process, is counted, and another process goes on behind it.
    """
    # What atheris instruments must not have been imported before.
    context = multiprocessing.get_context("spawn" if guided else "forkserver")
    for name in names:
        folder, wrong = out / name, Counter[str]()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "found").write_text("", encoding="utf-8")
        begun = accepted = refused = 0
        while begun < count:
            shared = context.RawArray("q", 4)
            arguments = (name, range(begun, count), seed, folder, shared)
            process = context.Process(target=_guided if guided else _blind, args=arguments)
            process.start()
            if end := _end(process, shared):
                wrong[f"{end}, input {begun + shared[_BEGUN] - 1} of seed {seed}"] += 1
            begun += max(shared[_BEGUN], 1)
            accepted, refused = accepted + shared[_ACCEPTED], refused + shared[_REFUSED]
        wrong.update((folder / "found").read_text(encoding="utf-8").splitlines())
        yield Case(f"fuzzing {name}", "accepted", EQUAL, "", accepted)
        yield Case(f"fuzzing {name}", "refused", SENTENCE, "", refused)
        for what, times in wrong.items():
            yield Case(f"fuzzing {name}", what, HANG if what.startswith(HANG) else TRACEBACK, "", times)


def mutated(inputs: Sequence[bytes], chance: random.Random) -> bytes:
    """A good input after a few random changes."""
    data = bytearray(chance.choice(inputs))
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        start = chance.randrange(len(data) + 1)
        stop = min(len(data), start + chance.choice((1, 1, 2, 4, 16, 256)))
        match chance.randrange(7):
            case 0 | 1 if data:
                data[min(start, len(data) - 1)] ^= 1 << chance.randrange(8)
            case 2:
                data[start:stop] = chance.randbytes(stop - start)
            case 3:
                del data[start:stop]
            case 4:
                data[start:start] = data[start:stop]
            case 5:
                data[start:stop] = chance.choice(_TOKENS)
            case _:
                data[start:] = chance.choice(inputs)[start:] if chance.random() < 0.5 else b""
    return bytes(data)


def try_one(read: Callable[[bytes], None], data: bytes, folder: Path, shared: Sequence[int]) -> None:
    """Reads one input, and keeps it where the error is not one that a user can mend."""
    from study_classification.errors import UserError

    shared[_BEGUN], shared[_SINCE] = shared[_BEGUN] + 1, time.monotonic_ns()
    try:
        read(data)
        shared[_ACCEPTED] += 1
    except UserError:
        shared[_REFUSED] += 1
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        last = [frame for frame in frames if "study_classification/" in frame.filename][-1:] or frames[-1:]
        what = f"{type(error).__name__} in {Path(last[0].filename).name} line {last[0].lineno}"
        with (folder / "found").open("a", encoding="utf-8") as found:
            found.write(f"{what}\n")
        kept = folder / what.replace(" ", "_")
        if not kept.exists() or len(data) < kept.stat().st_size:
            kept.write_bytes(data)


def _end(process, shared: Sequence[int]) -> str:
    """Waits for the end of a process; what was wrong with it, or ''."""
    while process.is_alive():
        process.join(0.2)
        if shared[_BEGUN] and process.is_alive() and time.monotonic_ns() - shared[_SINCE] > 1.5e9 * SECONDS:
            process.kill()
            process.join()
            return HANG
    return f"the process ended with {process.exitcode}" if process.exitcode else ""


def _blind(name: str, inputs: range, seed: int, folder: Path, shared: Sequence[int]) -> None:
    """Mutations by chance; the same number and seed are the same input."""
    target = make_target(name, folder / f"files-{os.getpid()}")
    _limit_memory()
    for number in inputs:
        try_one(target.read, mutated(target.inputs, random.Random(f"{seed} {number}")), folder, shared)


def _guided(name: str, inputs: range, seed: int, folder: Path, shared: Sequence[int]) -> None:
    """Mutations by atheris, which keeps an input that ends the process in the folder."""
    import atheris

    os.dup2(os.open(folder / "atheris.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    with atheris.instrument_imports(include=["study_classification", "PIL", "safetensors", "zipfile", "csv", "json"]):
        target = make_target(name, folder / f"files-{os.getpid()}")
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, content in enumerate(target.inputs):
        (corpus / str(number)).write_bytes(content)
    _limit_memory()
    limits = [f"-runs={len(inputs)}", f"-timeout={SECONDS}", "-rss_limit_mb=0", "-max_len=20000"]
    options = [f"-seed={seed + inputs.start + 1}", f"-artifact_prefix={folder}/", str(corpus)]
    atheris.Setup([sys.argv[0], *limits, *options], lambda data: try_one(target.read, data, folder, shared))
    atheris.Fuzz()


def _limit_memory() -> None:
    """What an input asks for beyond BYTES is refused to it as a MemoryError."""
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
