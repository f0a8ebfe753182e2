import os
import signal

import pytest

from study_classification.system.signals import requested_stop


@pytest.fixture
def received():
    """The numbers that the handlers from before the context were called with."""
    numbers = []
    before = {
        number: signal.signal(number, lambda n, _: numbers.append(n)) for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


def handlers():
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_handlers_are_given_back_when_nobody_asked(received):
    before = handlers()
    with requested_stop() as asked:
        assert handlers() != before
        assert asked(0) == 0
    assert handlers() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_remembered_and_the_second_has_its_ordinary_effect(received, number):
    before = handlers()
    with requested_stop() as asked:
        os.kill(os.getpid(), number)
        assert (asked(0), asked(1), received) == (number, number, [])
        os.kill(os.getpid(), signal.SIGINT)
        assert received == [signal.SIGINT]
        assert asked(2) == number
    assert handlers() == before
