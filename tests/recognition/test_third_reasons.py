"""Reasons by somebody else, written after the reading was tuned twice: nothing wrong, and nearly everything read."""

from __future__ import annotations

from functools import cache

from tests.recognition.benchmark import examples
from tests.recognition.reading import Read, read
from tests.recognition.scoring import RIGHT, WRONG


@cache
def scored() -> tuple[Read, ...]:
    return tuple(read("reasons", example) for example in examples("third", "reasons"))


def test_there_are_many() -> None:
    assert len(scored()) == 1230


def test_nothing_is_read_wrongly() -> None:
    assert not [one for one in scored() if one.score == WRONG]


def test_nineteen_in_twenty_are_read_whole() -> None:
    missed = [one for one in scored() if one.score != RIGHT]
    assert len(missed) <= len(scored()) * 0.05, missed
