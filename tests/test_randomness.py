"""Random bytes: as many as asked for, never the same twice, whoever asks."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from cds_service.randomness import Randomness


def test_as_many_as_asked_for() -> None:
    some = Randomness()
    assert [len(some(count)) for count in (0, 1, 16, 4096, 10_000)] == [0, 1, 16, 4096, 10_000]


def test_never_the_same_twice_also_across_pages_and_threads() -> None:
    some = Randomness()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: some(16), range(5_000)))
    assert len(set(found)) == 5_000


def test_a_forked_process_starts_anew() -> None:
    some = Randomness()
    some(16)
    some._forget()
    assert some._page == b""


def test_it_is_the_system_that_is_asked(monkeypatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda count: bytes(range(256)) * (count // 256))
    some = Randomness()
    assert some(4) + some(4) == bytes(range(8))
