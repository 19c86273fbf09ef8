"""Long work gives way to calls, for a while; an edit is taken up even when calls never cease."""

from __future__ import annotations

import asyncio
import time

import pytest

from cds_service import courtesy, yaml_source
from cds_service.courtesy import giving_way, unhurried
from tests.small import BELLY, Folder


def test_nobody_to_give_way_to_costs_no_time(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("nothing was to be waited for"))
    assert list(unhurried(range(5))) == [0, 1, 2, 3, 4]
    with giving_way(lambda: False):
        assert list(unhurried(range(5), 2)) == [0, 1, 2, 3, 4]


def test_it_waits_before_each_piece_until_calls_are_over():
    asked = []

    def busy() -> bool:
        asked.append(True)
        return len(asked) % 3 != 0

    with giving_way(busy):
        assert list(unhurried("abcd", 2)) == ["a", "b", "c", "d"]
    assert len(asked) == 6, "two naps before each of two pieces"


def test_calls_that_never_cease_hold_it_up_no_longer_than_it_may(monkeypatch):
    monkeypatch.setattr(courtesy, "ALL_SECONDS", 0.05)
    began = time.monotonic()
    with giving_way(lambda: True):
        assert sum(1 for _ in unhurried(range(10_000))) == 10_000
    assert 0.04 < time.monotonic() - began < 1


def test_reading_a_long_file_gives_way():
    asked = []
    with giving_way(lambda: asked.append(True)):
        yaml_source.read("[" + "{a: 1}, " * 100 + "]", file="x.yaml")
    assert len(asked) == 5


def test_what_comes_after_gives_way_to_nobody():
    with giving_way(lambda: True):
        pass
    began = time.monotonic()
    assert list(unhurried(range(100))) == list(range(100))
    assert time.monotonic() - began < courtesy.PIECE_SECONDS


async def test_an_edit_is_taken_up_while_calls_never_cease(tmp_path, monkeypatch):
    monkeypatch.setattr(courtesy, "ALL_SECONDS", 0.2)
    folder, asked = Folder(tmp_path).started(), []
    watching = asyncio.create_task(folder.library.watch(0.01, lambda: bool(asked.append(1)) or True))
    before = folder.library.content.digest
    folder.write("rules/belly.yaml", (BELLY + "\n# edited\n").encode())
    until = time.monotonic() + 20
    while folder.library.content.digest == before and time.monotonic() < until:
        await asyncio.sleep(0.02)
    watching.cancel()
    assert folder.library.content.digest != before and len(asked) > 10
