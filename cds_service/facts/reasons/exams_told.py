"""Exams a text tells of as done, by the small words around them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Final

_BEFORE: Final = frozenset(
    (
        *("on", "outside", "osh", "prior", "previous", "earlier", "recent", "initial", "repeat", "since", "abnormal"),
        "comparison",
    )
)
_AFTER: Final = frozenset(
    (
        *("showed", "shows", "showing", "shown", "demonstrated", "demonstrates", "revealed", "reveals", "read", "done"),
        *("performed", "obtained", "yesterday", "outside", "osh", "ago", "positive", "negative", "normal", "equivocal"),
        *("inconclusive", "nondiagnostic", "indeterminate", "unremarkable", "suggested", "suggests", "report"),
    )
)
_ENDS: Final = frozenset((",", ";", ".", "!", "?", "(", ")", "-", "\n", ":"))
_NEAR_BEFORE: Final = 3
_NEAR_AFTER: Final = 5


def done_exams(words: Sequence[str], known: Container[str]) -> Iterator[str]:
    """
    The words of *words* that name an exam which was done: seen on it, outside film, it showed.

    >>> list(done_exams("appendicitis seen on outside ct , mri to follow".split(), {"ct", "mri"}))
    ['ct']
    >>> list(done_exams("ct at outside hospital yesterday showed appendicitis".split(), {"ct"}))
    ['ct']
    >>> list(done_exams("ct for appendicitis , negative ua".split(), {"ct"}))
    []
    """
    for at, word in enumerate(words):
        if word in known and (_told_before(words, at) or _told_after(words, at)):
            yield word


def _told_before(words: Sequence[str], at: int) -> bool:
    for place in range(at - 1, max(-1, at - 1 - _NEAR_BEFORE), -1):
        word = words[place]
        if word in _ENDS:
            return False
        if word in _BEFORE:
            return words[place + 1] != "to"
    return False


def _told_after(words: Sequence[str], at: int) -> bool:
    for word in words[at + 1 : at + 1 + _NEAR_AFTER]:
        if word in _ENDS:
            return False
        if word in _AFTER:
            return True
    return False
