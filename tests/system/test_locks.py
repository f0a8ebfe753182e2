"""Locks hold between open files, so one process can play two."""

import threading
import time

from study_classification.system import locks
from study_classification.system.locks import taking_turns, try_lock


def test_one_at_a_time(tmp_path):
    first = try_lock(tmp_path / "lock")
    assert try_lock(tmp_path / "lock") is None
    first.close()
    try_lock(tmp_path / "lock").close()


def test_the_second_says_that_it_waits_and_then_has_its_turn(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(locks, "_LOOK", 0.01)
    order = []

    def second():
        with taking_turns(tmp_path / "lock", "waiting for the first") as sure:
            order.append(("second", sure))

    with taking_turns(tmp_path / "lock", "nobody waits") as sure:
        thread = threading.Thread(target=second)
        thread.start()
        said, until = "", time.monotonic() + 60
        while "waiting for the first" not in said and time.monotonic() < until:
            time.sleep(0.01)
            said += capsys.readouterr().out
        time.sleep(0.1)  # in which the second looks several times
        order.append(("first", sure))
    thread.join()
    assert said == "waiting for the first\n"
    assert order == [("first", True), ("second", True)]
    assert not (tmp_path / "lock").exists()


def test_where_there_are_no_locks_nothing_is_sure(tmp_path, monkeypatch):
    def unsupported(opened):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(locks, "lock", unsupported)
    with taking_turns(tmp_path / "lock") as sure:
        assert not sure
    assert not (tmp_path / "lock").exists()


def test_who_waited_for_a_file_that_is_removed_locks_the_new_one(tmp_path, monkeypatch):
    """The first ends between the moments in which the second opens the file and locks it, and a third has begun."""
    own, third = locks.lock, []

    def lock(opened):
        if not third:
            (tmp_path / "lock").unlink()
            third.append(None)
            third.append(try_lock(tmp_path / "lock"))
        return own(opened)

    monkeypatch.setattr(locks, "lock", lock)
    assert try_lock(tmp_path / "lock") is None
    third[1].close()
