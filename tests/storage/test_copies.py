"""What the journal has not yet written stands on the disk too: a kill at any moment loses no decision."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from cds_service.storage.copies import NOWHERE, Copies
from cds_service.storage.journal import Decision, Facts
from tests.storage.kept import NOW, card, decision, rows, store


def until(done: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.05)
    assert done()  # type: ignore[operator]


def kept(folder: Path) -> list[bytes]:
    """What stands in the copies."""
    return [path.read_bytes() for path in sorted(folder.glob("journal-*"))]


def test_copies_take_turns_and_are_emptied(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    first = [copies.put(b"one"), copies.put(b"two")]
    copies.done(first[:1])
    assert b"two" in b"".join(kept(tmp_path))
    later = copies.put(b"three")
    copies.done([*first[1:], later])
    assert b"".join(kept(tmp_path)) == b""
    copies.close()


def test_under_steady_load_no_copy_grows_without_end(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    waiting = [copies.put(b"x" * 100)]
    for _ in range(1000):
        waiting.append(copies.put(b"x" * 100))
        copies.done([waiting.pop(0)])  # never is everything written
    assert len(b"".join(kept(tmp_path))) < 2000
    copies.close()


def test_without_room_a_record_stands_nowhere_and_nothing_fails(tmp_path: Path) -> None:
    copies = Copies(tmp_path, room=50)
    assert copies.put(b"x" * 100) == NOWHERE
    copies.done([NOWHERE])
    copies.close()


def with_facts(name: str) -> Decision:
    return decision(name)._replace(facts=[Facts(f"{name}/0", NOW, b'{"age": 9}')])


def decide(folder: Path, said: Connection) -> None:
    """Decide until killed; say what was decided, as an answer would."""
    kept = store(folder)
    for number in range(100_000):
        kept.issued(card(f"card-{number}"))
        kept.decided(with_facts(f"decision-{number}"))
        said.send(number)


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.3])
async def test_row_120_a_kill_loses_no_decision_and_no_card(tmp_path: Path, seconds: float) -> None:
    hears, says = get_context("spawn").Pipe(duplex=False)
    process = get_context("spawn").Process(target=decide, args=(tmp_path, says))
    process.start()
    said = hears.recv()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        said = hears.recv()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    says.close()
    while hears.poll():
        try:
            said = hears.recv()
        except EOFError:
            break
    again = store(tmp_path)
    until(lambda: len(rows(tmp_path, "decisions")) > said)
    await again.close()
    for table in ("decisions", "issued_cards", "facts"):
        names = [
            row[{"decisions": "decision", "issued_cards": "card", "facts": "facts"}[table]]
            for row in rows(tmp_path, table)
        ]
        assert len(names) == len(set(names))
        numbers = {int(name.split("-")[1].split("/")[0]) for name in names}
        assert numbers >= set(range(said + 1))
    assert not kept(tmp_path / "journal")
