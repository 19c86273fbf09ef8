"""
When a server is no longer asked, and when it is asked again.

A server that hangs costs each call its whole deadline, and the calls that wait keep others out. So
a server that nearly always fails, and more than one call, is left alone for a moment; then one call, with
everything it asks for, tries it. What it answers decides. Only silence counts as failing: a refusal is an answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable

CLOSED = "closed"
OPEN = "open"
TRYING = "trying"

WINDOW = 4.0
"""Seconds that are looked back on, at most."""
LEAST = 8
"""So many failures it takes, however bad the share."""
SHARE = 0.9
"""And such a share of all that was asked."""
SHORTEST_REST = 1.0
LONGEST_REST = 4.0
PATIENCE = 2.0
"""Seconds after which a try that was never heard of again is given to another call."""


class Circuit:
    """
    One server: asked (closed), left alone (open), or tried.

    A trial belongs to one *errand*, any object that stands for a whole call, so that the call that
    finds the server well again gets all it asked for.

    >>> now = [0.0]
    >>> circuit = Circuit(clock=lambda: now[0])
    >>> for errand in ["a call"] * 7 + ["another call"]:
    ...     circuit.failed(errand)
    >>> circuit.state, circuit.allows("a third")
    ('open', False)
    >>> now[0] = 1.5
    >>> circuit.allows("a fourth"), circuit.allows("a fifth"), circuit.allows("a fourth")
    (True, False, True)
    >>> circuit.answered()
    >>> circuit.state, circuit.allows("a fifth")
    ('closed', True)
    """

    def __init__(
        self, changed: Callable[[str], None] = lambda state: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.state = CLOSED
        self._changed = changed
        self._clock = clock
        self._began = clock()
        self._now = self._before = (0, 0)  # answers and failures of this half of the window, and of the one before
        self._rest = SHORTEST_REST
        self._until = 0.0
        self._errand: object = None
        self._failing: object = None
        self._several = False

    def allows(self, errand: object) -> bool:
        """Whether *errand* may ask now."""
        if self.state == CLOSED or (self.state == TRYING and errand is self._errand):
            return True
        if self._clock() < self._until:
            return False
        self._errand = errand
        self._until = self._clock() + PATIENCE
        self._become(TRYING)
        return True

    def answered(self) -> None:
        """The server answered something."""
        self._turn()
        self._now = (self._now[0] + 1, self._now[1])
        if self.state != CLOSED:
            self._forget()
            self._rest, self._errand = SHORTEST_REST, None
            self._become(CLOSED)

    def failed(self, errand: object) -> None:
        """The server was silent to *errand*."""
        self._turn()
        self._now = (self._now[0], self._now[1] + 1)
        self._several = self._several or self._failing not in (None, errand)
        self._failing = errand
        if self.state == TRYING and errand is self._errand:
            self._rest = min(2 * self._rest, LONGEST_REST)
            self._open()
        elif self.state == CLOSED and self._is_bad():
            self._open()

    def _is_bad(self) -> bool:
        answers, failures = (sum(pair) for pair in zip(self._now, self._before, strict=True))
        return self._several and failures >= LEAST and failures >= SHARE * (answers + failures)

    def _open(self) -> None:
        self._until = self._clock() + self._rest
        self._errand = None
        self._become(OPEN)

    def _become(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._changed(state)

    def _turn(self) -> None:
        """Let go of what is too long ago."""
        passed = self._clock() - self._began
        if passed >= WINDOW / 2:
            before = self._now if passed < WINDOW else (0, 0)
            if not any(before):
                self._forget()
            self._before, self._now = before, (0, 0)
            self._began = self._clock()

    def _forget(self) -> None:
        self._now = self._before = (0, 0)
        self._failing, self._several = None, False
