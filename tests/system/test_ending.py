"""The end of the program: one sentence, and the exit code that the documentation names."""

import signal
import subprocess
import sys

import pytest

from study_classification import errors
from study_classification.system.ending import exiting_on_user_errors


@pytest.fixture(autouse=True)
def _ctrl_c():
    """Ctrl-C as at a terminal: a job in the background is deaf to it, and its children with it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_has_the_exit_code_of_a_shell(number, code, capsys):
    with pytest.raises(SystemExit) as left, exiting_on_user_errors():
        raise errors.Interrupted("all is saved", number)
    assert left.value.code == code
    assert capsys.readouterr().err == "stopped: all is saved\n"


def test_ctrl_c_before_the_training_is_one_sentence(capsys):
    with pytest.raises(SystemExit) as left, exiting_on_user_errors():
        raise KeyboardInterrupt
    assert left.value.code == 130
    assert capsys.readouterr().err.startswith("stopped: nothing that was saved is lost")


def test_a_mistake_is_called_an_error(capsys):
    with pytest.raises(SystemExit) as left, exiting_on_user_errors():
        raise errors.AccuracyError("too low")
    assert (left.value.code, capsys.readouterr().err) == (7, "error: too low\n")


def test_a_fault_of_the_program_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), exiting_on_user_errors():
        raise ZeroDivisionError


def interrupted(program, *waited_for):
    """Runs a program, sends it SIGINT when it has written each of these lines, and gives its exit code and stderr."""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in waited_for:
        assert process.stdout.readline().strip() == line
        process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    return process.returncode, error


IMPORTING = """
import sys, time
from study_classification import main

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == WANTED:
            print("importing", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Slow())
sys.argv = ["study-classification", "--help"]
main.run()
"""


@pytest.mark.parametrize("module", ["absl", "study_classification.commands.flags"])
def test_ctrl_c_while_modules_are_imported(module):
    code, error = interrupted(IMPORTING.replace("WANTED", repr(module)), "importing")
    assert (code, error.count("\n")) == (130, 1), error
    assert error.startswith("stopped: nothing that was saved is lost")


TIDYING = """
import time
from study_classification.system.ending import exiting_on_user_errors

try:
    with exiting_on_user_errors():
        print("working", flush=True)
        time.sleep(60)
finally:
    print("tidying", flush=True)
    time.sleep(60)
"""


def test_a_second_ctrl_c_does_not_wait():
    code, error = interrupted(TIDYING, "working", "tidying")
    assert (code, error.count("\n")) == (130, 1), error
