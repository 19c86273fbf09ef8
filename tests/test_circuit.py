"""A server that only fails is left alone, and found again when it is well."""

from __future__ import annotations

import pytest

from cds_service.circuit import CLOSED, LONGEST_REST, OPEN, PATIENCE, TRYING, Circuit


class Clocked:
    """A circuit whose clock is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.states: list[str] = []
        self.circuit = Circuit(self.states.append, lambda: self.now)

    def fail(self, times: int, errands: int = 4) -> Clocked:
        for number in range(times):
            self.circuit.failed(f"errand {number % errands}")
        return self

    def answer(self, times: int) -> Clocked:
        for _ in range(times):
            self.circuit.answered()
        return self

    def wait(self, seconds: float) -> Clocked:
        self.now += seconds
        return self

    @property
    def state(self) -> str:
        return self.circuit.state


def test_a_few_failures_are_nothing():
    assert Clocked().fail(7).state == CLOSED


def test_many_failures_and_nothing_else_open_it():
    assert Clocked().fail(8).state == OPEN


def test_one_call_alone_proves_nothing():
    assert Clocked().fail(50, errands=1).state == CLOSED


def test_half_of_the_calls_failing_at_once_do_not_open_it():
    assert Clocked().answer(64).fail(64).state == CLOSED


def test_what_is_long_ago_does_not_count():
    assert Clocked().answer(100).wait(2.5).fail(20).wait(2.5).fail(20).state == OPEN
    assert Clocked().fail(7).wait(5).fail(7).state == CLOSED
    assert Clocked().fail(4, errands=1).wait(9).fail(20, errands=1).state == CLOSED


def test_open_it_asks_nothing_until_the_rest_is_over():
    clocked = Clocked().fail(8)
    assert not clocked.circuit.allows("a") and not clocked.wait(0.9).circuit.allows("a")
    assert clocked.wait(0.2).circuit.allows("a") and clocked.state == TRYING


def test_one_call_tries_it_with_all_it_asks_for():
    clocked = Clocked().fail(8).wait(1.1)
    assert [clocked.circuit.allows(one) for one in "abaab"] == [True, False, True, True, False]
    clocked.answer(1)
    assert clocked.state == CLOSED and clocked.circuit.allows("b")
    assert clocked.fail(7).state == CLOSED, "what was before the fault is forgotten"


def test_each_failed_try_doubles_the_rest_up_to_the_longest():
    clocked = Clocked().fail(8)
    for rest in (1, 2, 4, LONGEST_REST, LONGEST_REST):
        assert not clocked.wait(rest - 0.1).circuit.allows(clocked)
        assert clocked.wait(0.1).circuit.allows(clocked)
        clocked.circuit.failed(clocked)
        assert clocked.state == OPEN
    assert not clocked.circuit.allows(clocked)


def test_a_try_that_is_never_heard_of_again_is_given_on():
    clocked = Clocked().fail(8).wait(1.1)
    assert clocked.circuit.allows("a")
    assert not clocked.wait(PATIENCE - 0.1).circuit.allows("b")
    assert clocked.wait(0.2).circuit.allows("b") and not clocked.circuit.allows("a")


def test_a_late_failure_of_another_call_does_not_end_a_try():
    clocked = Clocked().fail(8).wait(1.1)
    assert clocked.circuit.allows("a")
    clocked.circuit.failed("b")
    assert clocked.state == TRYING


def test_each_change_is_told_once():
    clocked = Clocked().fail(30).wait(1.1)
    clocked.circuit.allows("a")
    clocked.answer(3)
    assert clocked.states == [OPEN, TRYING, CLOSED]


@pytest.mark.parametrize("rounds", [3])
def test_after_a_good_answer_the_rest_is_short_again(rounds):
    clocked = Clocked().fail(8)
    for _ in range(rounds):
        clocked.wait(LONGEST_REST).circuit.allows(clocked)
        clocked.circuit.failed(clocked)
    clocked.wait(LONGEST_REST).circuit.allows(clocked)
    clocked.answer(1).fail(8)
    assert clocked.wait(1.0).circuit.allows("a")
