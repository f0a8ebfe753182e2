"""Holds several processes together: when one ends with an error, all end at once with the same sentence.

Each process keeps a TCP connection to the first one. The reason of a failure goes over it and on to all others. If a
connection closes without a word, its process was killed, or its machine went down. Nothing here knows JAX.
"""

import json
import os
import secrets
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from study_classification.errors import EnvironmentFault
from study_classification.system.console import complain

CONNECT_SECONDS = 60.0
REASON_SECONDS = 20.0  # how long an error waits for another process to explain it
PARTING_SECONDS = 10.0  # how long the first process waits for the others to finish


@dataclass(frozen=True)
class Ending:
    """The end of a process.

    Attributes:
        index: the number of the process.
        code: its exit code; 0 means that its work is done.
        sentence: its last sentence; '' if there is none.
    """

    index: int
    code: int
    sentence: str = ""

    def to_line(self) -> bytes:
        return json.dumps([self.index, self.code, self.sentence]).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Ending":
        return cls(*json.loads(line))


class Lifeline:
    """The connections of one process to the others.

    `end` is called, in a thread of its own, with the ending that another process has given to all.
    """

    def __init__(self, index: int, count: int, end: Callable[[Ending], None] | None = None):
        self.index, self._count, self._end = index, count, end or _end_process
        self._peers: dict[int, socket.socket] = {}
        self._parted: set[int] = set()
        self._changed = threading.Condition()
        self._over = False

    def listen(self) -> str:
        """The first process begins to wait for the others; returns what `connect` takes: a port and a secret word."""
        server, word = socket.create_server(("", 0)), secrets.token_hex(16)
        threading.Thread(target=self._accept, args=(server, word), daemon=True).start()
        return f"{server.getsockname()[1]} {word}"

    def connect(self, host: str, told: str) -> None:
        """Another process connects to the first one.

        Raises:
            EnvironmentFault: if it cannot connect.
        """
        port, word = told.split()
        try:
            peer = socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS)
        except OSError as error:
            raise EnvironmentFault(
                f"process {self.index} cannot reach the first one at {host}:{port} ({error}): let the hosts reach "
                "each other on all ports"
            ) from None
        peer.settimeout(None)
        peer.sendall(f"{word} {self.index}\n".encode())
        self._follow(0, peer)

    def tell(self, code: int, sentence: str) -> None:
        """Lets all other processes end as this one does. Only the first ending counts."""
        with self._changed:
            self._over, over = True, self._over
        if not over:
            self._send(Ending(self.index, code, sentence), list(self._peers.values()))

    def part(self) -> None:
        """Says that this process is done. The processes wait until all are done."""
        with self._changed:
            self._over, over = True, self._over
            peers = list(self._peers.values())
        if over:
            return
        if self.index:
            self._send(Ending(self.index, 0), peers)
        with self._changed:
            self._changed.wait_for(lambda: len(self._parted) >= len(self._peers), PARTING_SECONDS)
        if not self.index:
            self._send(Ending(self.index, 0), peers)

    def _accept(self, server: socket.socket, word: str) -> None:
        with server:
            while len(self._peers) < self._count - 1:
                peer, _ = server.accept()
                peer.settimeout(CONNECT_SECONDS)
                try:  # a stranger on the network may say anything
                    said, index = peer.makefile("rb").readline(100).decode("ascii").split()
                    known = secrets.compare_digest(said, word)
                except (OSError, ValueError):
                    known = False
                if known:
                    peer.settimeout(None)
                    self._follow(int(index), peer)
                else:
                    peer.close()

    def _follow(self, index: int, peer: socket.socket) -> None:
        _keep_alive(peer)
        with self._changed:
            self._peers[index] = peer
        threading.Thread(target=self._read, args=(index, peer), daemon=True).start()

    def _read(self, index: int, peer: socket.socket) -> None:
        lost = Ending(
            index,
            EnvironmentFault.exit_code,
            f"process {index} of {self._count} was lost: it was killed, or its machine went down; what was saved "
            "before is intact: run the same command again",
        )
        try:
            line = peer.makefile("rb").readline()
            ending = Ending.from_line(line) if line.endswith(b"\n") else lost
        except OSError:
            ending = lost
        with self._changed:
            if ending.code == 0:
                self._parted.add(index)
                self._changed.notify_all()
                return
            self._over, over = True, self._over
        if not over:
            self._send(ending, [other for place, other in self._peers.items() if place != index])
            self._end(ending)

    @staticmethod
    def _send(ending: Ending, peers: list[socket.socket]) -> None:
        for peer in peers:
            try:
                peer.sendall(ending.to_line())
            except OSError:
                continue  # that one is gone


def _keep_alive(peer: socket.socket) -> None:
    """Lets a connection count as closed after 20 seconds of silence, as when a machine goes down."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _end_process(ending: Ending) -> None:
    """Ends this process at once, whatever its main thread waits for."""
    complain(f"error: {ending.sentence}")
    os._exit(ending.code)


_lifeline: Lifeline | None = None


def hold(lifeline: Lifeline) -> None:
    """Makes this process end with the others from now on."""
    global _lifeline
    _lifeline = lifeline


def wait_for_the_reason(error: BaseException) -> None:
    """Ends one of several processes after an internal error, and first waits for another process to tell the reason.

    If a process is lost, the others fail in their common work, and the lifeline tells why.
    """
    if _lifeline is not None:
        time.sleep(REASON_SECONDS)  # another process's ending ends this one meanwhile
        traceback.print_exception(error)
        end(1, f"process {_lifeline.index} failed: {type(error).__name__}: {error}")


def end(code: int, sentence: str = "") -> None:
    """Ends the program. One of several processes tells the others why, and does not wait as JAX would."""
    if _lifeline is None:
        sys.exit(code)
    if sentence and code < 128:  # a signal has reached all of them, and all have saved
        _lifeline.tell(code, sentence)
    else:
        _lifeline.part()
    os._exit(code)
