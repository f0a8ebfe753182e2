"""Runs a program in another process that answers each line with a line of JSON."""

import json
import subprocess
import sys
import tempfile


class Peer:
    """The process, and its description of itself when it was ready.

    Its stderr is shown only if it fails, for TensorFlow prints a lot.
    """

    def __init__(self, command: list[str], environment: dict[str, str] | None = None):
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - as long as the process lives
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=self._errors, text=True, env=environment
        )
        self.pid = self._process.pid
        self.about = self._answer()

    def ask(self, line: str = "") -> dict:
        """The answer to a line. If the process has failed, this program ends."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()
        self._errors.close()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            sys.exit(f"{self._errors.read()}\n{' '.join(self._process.args)} has failed with what stands above")
        return json.loads(line)
