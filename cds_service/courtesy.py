"""
Long work beside calls, which go first.

Reading edited rules takes seconds, and the interpreter does one thing at a time: between small pieces of such work
whoever does it gives way. Where nobody said to whom, nothing is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

PIECE_SECONDS = 0.02
"""How long the work waits at most between two pieces."""

ALL_SECONDS = 3.0
"""How long it waits altogether: an edit is taken up even while calls never cease."""

_NAP_SECONDS = 0.001


class _Waiting:
    """To whom the work gives way, and for how much longer."""

    __slots__ = ("_busy", "_left")

    def __init__(self, busy: Callable[[], bool]) -> None:
        self._busy = busy
        self._left = ALL_SECONDS

    def wait(self) -> None:
        began = time.monotonic()
        until = began + min(PIECE_SECONDS, self._left)
        while self._busy() and time.monotonic() < until:
            time.sleep(_NAP_SECONDS)
        self._left -= time.monotonic() - began


_WAITING: ContextVar[_Waiting | None] = ContextVar("courtesy", default=None)


@contextmanager
def giving_way(busy: Callable[[], bool]) -> Iterator[None]:
    """While inside, ``unhurried`` work waits as long as calls are *busy*, up to its limits."""
    token = _WAITING.set(_Waiting(busy))
    try:
        yield
    finally:
        _WAITING.reset(token)


def pause() -> None:
    """Let calls go first, if this is work that gives way: for work that is no loop."""
    waiting = _WAITING.get()
    if waiting is not None:
        waiting.wait()


def unhurried(items: Iterable[T], piece: int = 1) -> Iterator[T]:
    """The *items*; before every *piece* of so many calls go first, if this is work that gives way."""
    waiting = _WAITING.get()
    for number, item in enumerate(items):
        if waiting is not None and number % piece == 0:
            waiting.wait()
        yield item
