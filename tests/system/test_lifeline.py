"""What ends one of several processes ends all: sockets between threads of one process stand for the processes."""

import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from study_classification.errors import EnvironmentFault
from study_classification.system import lifeline
from study_classification.system.lifeline import Ending, Lifeline


class Crew:
    """Three lifelines, and what each of them was ended by."""

    def __init__(self, count=3):
        self.endings = [[] for _ in range(count)]
        self.ended = threading.Semaphore(0)
        self.lines = [Lifeline(index, count, self._note(index)) for index in range(count)]
        told = self.lines[0].listen()
        for line in self.lines[1:]:
            line.connect("127.0.0.1", told)
        while len(self.lines[0]._peers) < count - 1:
            time.sleep(0.01)

    def _note(self, index):
        def end(ending):
            self.endings[index].append(ending)
            self.ended.release()

        return end

    def wait_for(self, count):
        for _ in range(count):
            assert self.ended.acquire(timeout=20)


@pytest.fixture
def crew():
    crew = Crew()
    yield crew
    close(*crew.lines)


def close(*lines):
    for line in lines:
        for peer in line._peers.values():
            peer.close()


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_refusal_reaches_all_others_with_its_words_and_code(crew, index):
    crew.lines[index].tell(3, "猫 is no folder")
    crew.wait_for(2)
    assert crew.endings == [[] if other == index else [Ending(index, 3, "猫 is no folder")] for other in range(3)]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_process_that_is_gone_without_a_word_is_named(crew, index):
    crew.lines[index]._over = True
    for peer in crew.lines[index]._peers.values():
        peer.shutdown(socket.SHUT_RDWR)  # as the system does for a process that is killed
    crew.wait_for(2)
    for other in {0, 1, 2} - {index}:
        (ending,) = crew.endings[other]
        assert (ending.index, ending.code) == (index, 5)
        assert f"process {index} of 3 was lost" in ending.sentence


def test_who_is_done_does_not_end_the_others(crew):
    parting = [threading.Thread(target=line.part) for line in crew.lines]
    for thread in parting[1:]:
        thread.start()
    time.sleep(0.2)
    assert all(thread.is_alive() for thread in parting[1:])  # they stay until the first one is done
    parting[0].start()
    for thread in parting:
        thread.join(5)
        assert not thread.is_alive()
    assert crew.endings == [[], [], []]


def test_the_first_process_stays_until_all_others_are_done(crew):
    leaving = threading.Thread(target=crew.lines[0].part)
    leaving.start()
    crew.lines[1]._send(Ending(1, 0), list(crew.lines[1]._peers.values()))
    time.sleep(0.2)
    assert leaving.is_alive()  # the third is at work
    crew.lines[2]._send(Ending(2, 0), list(crew.lines[2]._peers.values()))
    leaving.join(5)
    assert not leaving.is_alive() and crew.endings == [[], [], []]


def test_a_process_that_is_killed_in_the_middle_of_a_word_is_named(crew):
    crew.lines[1]._over = True
    for peer in crew.lines[1]._peers.values():
        peer.sendall(b'[1, 3, "the fol')
        peer.shutdown(socket.SHUT_RDWR)
    crew.wait_for(2)
    assert [crew.endings[other][0].code for other in (0, 2)] == [5, 5]
    assert "process 1 of 3 was lost" in crew.endings[2][0].sentence


def test_the_first_ending_counts(crew):
    crew.lines[1].tell(3, "first")
    crew.wait_for(2)
    crew.lines[2].tell(4, "second")
    crew.lines[0].tell(5, "third")
    time.sleep(0.2)
    assert [len(endings) for endings in crew.endings] == [1, 0, 1]


@pytest.mark.parametrize("words", [b"GET / HTTP/1.1\r\n", b"password 1\n"])
def test_a_stranger_is_sent_away(words):
    first = Lifeline(0, 2, lambda ending: None)
    port = int(first.listen().split()[0])
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(words)
        assert stranger.recv(10) in (b"",)
    assert first._peers == {}


def test_a_first_process_that_cannot_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(EnvironmentFault, match=f"process 1 cannot reach the first one at 127.0.0.1:{port}"):
        Lifeline(1, 2).connect("127.0.0.1", f"{port} word")


def test_alone_an_end_is_an_exit(monkeypatch):
    monkeypatch.setattr(lifeline, "_lifeline", None)
    with pytest.raises(SystemExit) as left:
        lifeline.end(4, "why")
    assert left.value.code == 4


def test_a_mistake_is_told_to_the_others_and_a_signal_is_not(monkeypatch):
    told, codes = [], []

    class Line:
        def tell(self, *words):
            told.append(words)

        def part(self):
            told.append("done")

    monkeypatch.setattr(lifeline, "_lifeline", Line())
    monkeypatch.setattr(lifeline.os, "_exit", codes.append)
    for code, sentence in ((3, "no folder"), (143, "all is saved"), (0, "")):  # a signal reaches each by itself
        lifeline.end(code, sentence)
    assert told == [(3, "no folder"), "done", "done"] and codes == [3, 143, 0]


def test_a_process_ends_with_the_code_and_the_words_of_another():
    program = (
        "import sys, time; from study_classification.system import lifeline\n"
        "line = lifeline.Lifeline(1, 2); line.connect('127.0.0.1', ' '.join(sys.argv[1:])); lifeline.hold(line)\n"
        "time.sleep(60)"
    )
    first = Lifeline(0, 2, lambda ending: None)
    told = first.listen().split()
    other = subprocess.Popen([sys.executable, "-c", program, *told], stderr=subprocess.PIPE, env=dict(os.environ))
    while not first._peers:
        time.sleep(0.05)
    first.tell(7, "the accuracy is 0.5")
    assert other.communicate(timeout=20)[1] == b"error: the accuracy is 0.5\n"
    assert other.returncode == 7
    close(first)
