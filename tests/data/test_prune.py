"""The cache is cleared of what nothing uses, and of nothing else."""

import os
import time

import pytest

from study_classification.data.prune import prune
from study_classification.system.entries import SEAL, publish, workplace
from study_classification.system.locks import try_lock

KINDS = ("prepared", "decoded", "features", "labels")
FILES = ("fingerprints", "xla")


@pytest.fixture
def cache(tmp_path):
    for kind in KINDS:
        for name in ("used", "old"):
            with workplace(tmp_path / kind / name) as temporary:
                (temporary / "file").write_bytes(bytes(1000))
                publish(temporary, tmp_path / kind / name)
        age(tmp_path / kind / "old" / SEAL)
    for kind in FILES:
        (tmp_path / kind).mkdir()
        for name in ("used.txt", "old.txt"):
            (tmp_path / kind / name).write_bytes(bytes(500))
        age(tmp_path / kind / "old.txt")
    return tmp_path


def age(file, days=31):
    then = time.time() - days * 24 * 3600
    os.utime(file, (then, then))


def left(cache):
    return {str(path.relative_to(cache)) for path in cache.glob("*/*") if path.suffix != ".lock"}


USED = {*(f"{kind}/used" for kind in KINDS), *(f"{kind}/used.txt" for kind in FILES)}
OLD = {*(f"{kind}/old" for kind in KINDS), *(f"{kind}/old.txt" for kind in FILES)}


def test_what_is_not_used_goes_and_is_said(cache, capsys):
    size = sum(file.stat().st_size for kind in KINDS for file in (cache / kind / "old").iterdir())
    assert prune(cache, 30) == size + 1000
    assert left(cache) == USED
    said = capsys.readouterr().out
    assert "prepared/old  (not used for 31 days)" in said
    assert f"({size + 1000:,} bytes) removed" in said
    assert prune(cache, 30) == 0


def test_what_is_old_depends_on_the_user(cache):
    prune(cache, 40)
    assert left(cache) == USED | OLD
    prune(cache, 0)
    assert left(cache) == set()


def test_what_is_not_complete_goes_unless_somebody_works_on_it(cache):
    (cache / "decoded" / "half").mkdir()
    (cache / "features" / ".dead.1234").mkdir()
    (cache / "features" / ".dead.1234.lock").touch()
    for name in ("left", "running"):
        (cache / "staging" / name).mkdir(parents=True)
    with try_lock(cache / "staging" / "running.lock"), workplace(cache / "decoded" / "coming") as temporary:
        prune(cache, 40)
        assert left(cache) == USED | OLD | {"staging/running", str(temporary.relative_to(cache))}
