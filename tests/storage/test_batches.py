"""A thread that handles whatever has gathered, in order and in one go."""

from __future__ import annotations

import threading

from cds_service.storage.batches import Batches


def test_everything_is_handled_in_order_before_it_stops() -> None:
    seen: list[int] = []
    batches = Batches("numbers", seen.extend, room=1000)
    assert all(batches.offer(n) for n in range(1000))
    assert batches.close()
    assert seen == list(range(1000))


def test_what_gathers_meanwhile_is_one_batch() -> None:
    sizes: list[int] = []
    gate, busy = threading.Event(), threading.Event()

    def handle(batch: list[int]) -> None:
        sizes.append(len(batch))
        busy.set()
        gate.wait(5)

    batches = Batches("numbers", handle, room=10)
    batches.offer(0)
    busy.wait(5)
    for n in range(3):
        batches.offer(n)
    gate.set()
    batches.close()
    assert sizes == [1, 3]


def test_there_is_room_or_there_is_not() -> None:
    gate, busy = threading.Event(), threading.Event()

    def handle(batch: list[int]) -> None:
        busy.set()
        gate.wait(5)

    batches = Batches("numbers", handle, room=2)
    batches.offer(0)
    busy.wait(5)
    assert [batches.offer(n) for n in range(3)] == [True, True, False]
    gate.set()
    assert batches.close()
    assert not batches.offer(9)


def test_a_batch_that_fails_does_not_end_the_thread() -> None:
    seen: list[int] = []

    def handle(batch: list[int]) -> None:
        seen.extend(batch)
        if 0 in batch:
            raise RuntimeError

    batches = Batches("numbers", handle, room=10)
    batches.offer(0)
    while not seen:
        threading.Event().wait(0.001)
    assert batches.offer(1)
    assert batches.close()
    assert seen == [0, 1]


def test_lingering_gathers_a_batch_and_stopping_cuts_it_short() -> None:
    seen: list[list[int]] = []
    batches = Batches("numbers", seen.append, room=10, linger=30)
    batches.offer(0)
    batches.offer(1)
    assert batches.close(5)
    assert seen == [[0, 1]]


def test_a_handler_that_hangs_does_not_hold_up_the_end() -> None:
    gate = threading.Event()
    batches = Batches("numbers", lambda _: gate.wait(5) and None, room=10)
    batches.offer(0)
    assert not batches.close(0.05)
    gate.set()
