import json
import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from study_classification.errors import RunError
from study_classification.runs import lock
from study_classification.runs.lock import locked


def train_until_killed(workdir, begun):
    with locked(workdir):
        begun.set()
        time.sleep(60)


@pytest.fixture
def holder(tmp_path):
    """Another process that trains there."""
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    process = context.Process(target=train_until_killed, args=(tmp_path, begun))
    process.start()
    assert begun.wait(60)
    yield process
    process.kill()
    process.join()


def content(tmp_path):
    return json.loads((tmp_path / lock.FILE).read_text())


def test_the_second_is_refused_and_the_first_does_not_notice(holder, tmp_path):
    before = content(tmp_path)
    assert before["process"] == holder.pid
    message = rf"is being trained by process {holder.pid} on .*give another --workdir"
    with pytest.raises(RunError, match=message), locked(tmp_path):
        pytest.fail("it is not locked")
    assert content(tmp_path) == before
    holder.kill()
    holder.join()
    with locked(tmp_path):
        assert content(tmp_path)["process"] == os.getpid()
    assert not (tmp_path / lock.FILE).exists()


def left_behind(tmp_path, **changes):
    (tmp_path / lock.FILE).write_text(json.dumps(lock._this_process() | {"process": 2**22 + 1} | changes))


@pytest.mark.parametrize("changes", [{}, {"host": "another container"}, {"boot": "before the machine began anew"}])
def test_what_a_dead_process_of_this_machine_left_is_taken_over(tmp_path, changes):
    left_behind(tmp_path, **changes)
    with locked(tmp_path):
        assert content(tmp_path) == lock._this_process() | {"since": content(tmp_path)["since"]}


def test_what_another_machine_left_is_explained(tmp_path):
    left_behind(tmp_path, host="far", boot="another", since="2026-01-02 03:04:05")
    message = r"was trained by process 4194305 on far, since 2026-01-02 03:04:05, .* if it has, remove .*/\.lock; else"
    with pytest.raises(RunError, match=message), locked(tmp_path):
        pass
    assert content(tmp_path)["host"] == "far"


@pytest.mark.parametrize("text", ["", "null", "nonsense", "{}", "[1]"])
def test_a_damaged_text_is_no_lock(tmp_path, text):
    (tmp_path / lock.FILE).write_text(text)
    with locked(tmp_path):
        assert content(tmp_path)["process"] == os.getpid()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda file: os.symlink("nowhere", file)])
def test_what_is_no_file_is_named(tmp_path, make):
    make(tmp_path / lock.FILE)
    with pytest.raises(RunError, match=r"/\.lock is no file, .*: remove it"), locked(tmp_path):
        pass


def test_an_error_ends_the_lock(tmp_path):
    with pytest.raises(ValueError), locked(tmp_path):
        raise ValueError
    assert not (tmp_path / lock.FILE).exists()  # another machine could not see that the process has ended
    with locked(tmp_path):
        pass


def test_whoever_has_the_lock_takes_it_again_and_others_do_not(tmp_path):
    def elsewhere():
        with pytest.raises(RunError, match="is being trained"), locked(tmp_path):
            pass
        return True

    with ThreadPoolExecutor(1) as other, locked(tmp_path):
        with locked(tmp_path):
            pass
        assert (tmp_path / lock.FILE).exists()
        assert other.submit(elsewhere).result()
    assert not (tmp_path / lock.FILE).exists()


def test_where_the_file_system_has_no_locks_the_process_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_lock", lambda opened: None)
    left_behind(tmp_path)
    with locked(tmp_path):
        pass
    left_behind(tmp_path, process=os.getppid())
    with pytest.raises(RunError, match="is being trained by process"), locked(tmp_path):
        pass


@pytest.mark.parametrize("again", [False, True])
def test_a_file_that_is_removed_meanwhile_is_no_lock(tmp_path, monkeypatch, again):
    original, calls = lock._lock, []

    def slow(opened):
        calls.append(opened)
        if len(calls) == 1:
            (tmp_path / lock.FILE).unlink()
            if again:  # another process has made its own
                (tmp_path / lock.FILE).touch()
        return original(opened)

    monkeypatch.setattr(lock, "_lock", slow)
    with locked(tmp_path):
        assert len(calls) == 2 and content(tmp_path)["process"] == os.getpid()
