"""A picture is found by its own link, for as long as the link lasts, and by nothing else."""

from __future__ import annotations

import pytest

from cds_service.storage.identity import Identity
from cds_service.timeline.links import ROOM, Pictures


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def pictures(clock: Clock, secret: bytes = b"one") -> Pictures:
    return Pictures(Identity(secret).seal, seconds=600, clock=clock)


def test_a_link_leads_to_its_picture() -> None:
    held = pictures(Clock())
    first, second = held.hold(b"<one/>"), held.hold(b"<two/>")
    assert (held.find(first), held.find(second)) == (b"<one/>", b"<two/>")


def test_a_link_is_over_after_its_time() -> None:
    clock = Clock()
    held = pictures(clock)
    name = held.hold(b"<one/>")
    clock.now += 599
    assert held.find(name)
    clock.now += 2
    assert held.find(name) is None


def test_a_link_cannot_be_made_to_last() -> None:
    clock = Clock()
    held = pictures(clock)
    until, rest = held.hold(b"<one/>").split(".", 1)
    assert held.find(f"{int(until, 16) + 600:x}.{rest}") is None


@pytest.mark.parametrize("guess", ["", ".", "..", "a", "a.b", "a.b.c", "ü.b.c", "f" * 5000, "zz.name." + "0" * 32])
def test_a_guess_finds_nothing(guess: str) -> None:
    held = pictures(Clock())
    held.hold(b"<one/>")
    assert held.find(guess) is None


def test_a_link_of_another_installation_finds_nothing() -> None:
    clock = Clock()
    name = pictures(clock, b"other").hold(b"<one/>")
    assert pictures(clock).find(name) is None


def test_links_differ_and_say_nothing() -> None:
    held = pictures(Clock())
    assert held.hold(b"<one/>") != held.hold(b"<one/>")


def test_a_picture_too_large_is_not_kept() -> None:
    assert pictures(Clock()).hold(b" " * (ROOM + 1)) == ""
