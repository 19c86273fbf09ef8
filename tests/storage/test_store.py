"""The whole store: what is issued, decided, reported and kept silent, over restarts and faults."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cds_service.errors import StorageError
from cds_service.hooks.feedback import FeedbackItem, Reason
from cds_service.storage import feedback as feedback_module
from cds_service.storage import versions
from cds_service.storage.copies import Copies
from cds_service.storage.database import Database
from cds_service.storage.feedback import Report
from cds_service.storage.journal import Journal
from tests.storage.kept import NOW, card, decision, overridden, rows, shown, store, url

ROOT = Path(__file__).parents[2]


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until something holds that another thread brings about."""
    end = time.monotonic() + seconds
    while not _now(holds):
        assert time.monotonic() < end, "it never came about"
        await asyncio.sleep(0.02)


def _now(holds: Callable[[], bool]) -> bool:
    try:
        return holds()
    except sqlite3.OperationalError:  # no tables yet
        return False


async def test_issued_cards_and_decisions_are_on_disk_after_closing(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.issued(card())
    kept.decided(decision())
    await kept.close()
    assert kept.dropped == 0
    [issued], [decided] = rows(tmp_path, "issued_cards"), rows(tmp_path, "decisions")
    assert issued["card"] == "card-1"
    assert issued["issued_at"] == "2026-03-02T14:00:00.000000+00:00"
    assert json.loads(issued["rules"]) == [["rule-a", "3"], ["rule-b", "1"]]
    assert json.loads(issued["suggestions"]) == {"uuid-1": "Order ultrasound"}
    assert (issued["patient"], issued["user"], issued["exam"]) == ("hash-of-p", "Practitioner/1", "CT head")
    assert decided["milliseconds"] == 1.5
    assert json.loads(decided["verdicts"]) == [{"rule": "rule-a", "outcome": "advice"}]


async def test_feedback_is_on_disk_when_it_is_acknowledged(tmp_path: Path) -> None:
    kept = store(tmp_path)
    name = kept.identity.card_id("ehr")
    reason = Reason("not-available", "urn:x", "Not available")
    await kept.record_feedback("ehr", [overridden(name, reasons=(reason,), comment="No sonographer at night")])
    [row] = rows(tmp_path, "feedback")
    await kept.close()
    assert (row["client"], row["card"], row["outcome"], row["ours"]) == ("ehr", name, "overridden", 1)
    assert row["outcome_at"] == "2026-03-02T14:00:00.000000+00:00"
    assert json.loads(row["reasons"]) == [["not-available", "urn:x", "Not available"]]
    assert row["comment"] == "No sonographer at night"


async def test_feedback_on_a_card_of_another_client_is_marked(tmp_path: Path) -> None:
    kept = store(tmp_path)
    await kept.record_feedback("ehr", [overridden(kept.identity.card_id("other"))])
    assert [row["ours"] for row in rows(tmp_path, "feedback")] == [0]
    await kept.close()


async def test_a_retry_is_stored_once_and_a_second_outcome_again(tmp_path: Path) -> None:
    kept = store(tmp_path)
    first = FeedbackItem("card-1", "accepted", NOW, ("s1", "s2"))
    for item in (first, first, first._replace(accepted_suggestions=("s2", "s1"))):
        await kept.record_feedback("ehr", [item, item])
    assert len(rows(tmp_path, "feedback")) == 1
    await kept.record_feedback("ehr", [first._replace(at=NOW + timedelta(seconds=1)), first._replace(at=None)])
    await kept.record_feedback("ehr", [first._replace(accepted_suggestions=("s3",))])
    await kept.record_feedback("other", [first])
    assert len(rows(tmp_path, "feedback")) == 5
    await kept.close()


async def test_many_reports_at_once_share_commits_and_none_is_lost(tmp_path: Path) -> None:
    kept = store(tmp_path)
    await asyncio.gather(*(kept.record_feedback("ehr", [overridden(f"card-{n}")]) for n in range(300)))
    assert len(rows(tmp_path, "feedback")) == 300
    await kept.close()


async def test_odd_letters_are_stored(tmp_path: Path) -> None:
    kept = store(tmp_path)
    await kept.record_feedback("ehr", [overridden("a\0b", comment="=HYPERLINK('x') <b> ä 🩻")])
    [row] = rows(tmp_path, "feedback")
    await kept.close()
    assert (row["card"], row["comment"]) == ("ab", "=HYPERLINK('x') <b> ä 🩻")


async def test_overriding_a_card_silences_its_rules_for_this_patient_and_exam(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.issued(card())
    assert not kept.suppressed(shown(), NOW)
    await kept.record_feedback("ehr", [overridden()])
    assert kept.suppressed(shown("rule-a"), NOW)
    assert kept.suppressed(shown("rule-b"), NOW)
    assert not kept.suppressed(shown("rule-c"), NOW)
    assert not kept.suppressed(shown(exam="CT chest"), NOW)
    assert not kept.suppressed(shown(), NOW + timedelta(hours=24))
    await kept.close()


async def test_the_card_may_come_back_in_another_spelling(tmp_path: Path) -> None:
    kept = store(tmp_path)
    name = kept.identity.card_id("ehr")
    kept.issued(card(name))
    await kept.record_feedback("ehr", [overridden(name.upper())])
    assert kept.suppressed(shown(), NOW)
    await kept.close()


async def test_only_an_override_by_the_cards_own_client_silences(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.issued(card())
    await kept.record_feedback("ehr", [FeedbackItem("card-1", "accepted", NOW)])
    await kept.record_feedback("other", [overridden()])
    await kept.record_feedback("ehr", [overridden("unknown-card")])
    assert not kept.suppressed(shown(), NOW)
    assert not kept.suppressed(shown(client="other"), NOW)
    await kept.close()


async def test_an_outcome_in_the_future_counts_from_now(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.issued(card())
    await kept.record_feedback("ehr", [overridden(at=NOW.replace(year=2999))])
    assert not kept.suppressed(shown(), NOW.replace(year=2998))
    await kept.close()


async def test_silence_and_cards_outlast_a_restart(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    kept = store(tmp_path)
    kept.issued(card("in-memory", encounter="e"))
    kept.issued(card("on-disk", exam="CT chest"))
    await kept.record_feedback("ehr", [overridden("in-memory", at=now)])
    await kept.close()
    again = store(tmp_path)
    assert again.suppressed(shown(encounter="e"), now)
    assert not again.suppressed(shown(exam="CT chest"), now)
    await again.record_feedback("ehr", [overridden("on-disk", at=now)])
    assert again.suppressed(shown(exam="CT chest"), now)
    await again.close()


async def test_silence_that_is_over_is_removed_at_start(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.issued(card())
    await kept.record_feedback("ehr", [overridden(at=NOW.replace(year=2020))])
    await kept.close()
    assert len(rows(tmp_path, "suppressions")) == 2
    await store(tmp_path).close()
    assert rows(tmp_path, "suppressions") == []


async def test_memory_of_cards_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds_service.storage.store._RECENT_CARDS", 3)
    kept = store(tmp_path)
    for n in range(10):
        kept.issued(card(f"card-{n}"))
    assert list(kept._recent) == ["card-7", "card-8", "card-9"]
    await kept.close()
    assert len(rows(tmp_path, "issued_cards")) == 10


# Faults


async def test_feedback_on_a_locked_database_is_set_down_and_replayed_and_advice_never_waits(tmp_path: Path) -> None:
    kept = store(tmp_path)
    other = sqlite3.connect(tmp_path / "service.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    kept.issued(card())
    kept.decided(decision())
    assert not kept.suppressed(shown(), NOW)
    assert time.monotonic() - began < 0.05
    await kept.record_feedback("ehr", [overridden()])
    assert time.monotonic() - began < 2
    assert kept.suppressed(shown(), NOW), "what was overridden is silent at once"
    began = time.monotonic()
    await kept.record_feedback("ehr", [overridden("card-2")])
    assert time.monotonic() - began < 0.5, "once it is known to be away, the database is not waited for"
    other.execute("ROLLBACK")
    other.close()
    await until(lambda: len(rows(tmp_path, "feedback")) == 2)
    await kept.close()
    assert [row["card"] for row in rows(tmp_path, "feedback")] == ["card-1", "card-2"]
    assert len(rows(tmp_path, "issued_cards")) == len(rows(tmp_path, "decisions")) == 1
    assert list((tmp_path / "spool").iterdir()) == []


async def test_database_that_cannot_be_opened_at_start_is_opened_later(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    kept = store(tmp_path / "data")
    kept.issued(card())
    with pytest.raises(StorageError):
        await kept.record_feedback("ehr", [overridden()])
    (tmp_path / "data").unlink()
    await kept.record_feedback("ehr", [overridden()])
    assert kept.suppressed(shown(), NOW)
    await until(lambda: len(rows(tmp_path / "data", "feedback")) == 1)
    await kept.close()
    assert len(rows(tmp_path / "data", "feedback")) == len(rows(tmp_path / "data", "issued_cards")) == 1


async def test_database_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store(tmp_path)
    monkeypatch.setattr(feedback_module, "PATIENCE_SECONDS", 0.05)
    transact = kept._database.transact
    monkeypatch.setattr(kept._database, "transact", lambda work: time.sleep(0.3))
    await kept.record_feedback("ehr", [overridden()])
    monkeypatch.setattr(kept._database, "transact", transact)
    await until(lambda: len(rows(tmp_path, "feedback")) == 1)
    await kept.close()


async def test_with_neither_database_nor_room_on_the_disk_feedback_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback_module, "ROOM", 0)
    kept = store(tmp_path, spool_bytes=300)
    await kept.record_feedback("ehr", [overridden()])
    with pytest.raises(StorageError, match="no room"):
        await kept.record_feedback("ehr", [overridden("card-2", comment="x" * 300)])
    await kept.close()


async def test_feedback_that_no_database_takes_does_not_hold_up_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store(tmp_path)
    kept._feedback._away = True
    for name in ("card-1", "poison", "card-2"):
        await kept.record_feedback("ehr", [overridden(name)])
    plain = kept._feedback._row

    def row(report: Report, item: FeedbackItem) -> dict[str, Any]:
        return {**plain(report, item), **({"ours": None} if item.card == "poison" else {})}

    monkeypatch.setattr(kept._feedback, "_row", row)
    await until(lambda: len(rows(tmp_path, "feedback")) == 2)
    await kept.close()
    assert [row["card"] for row in rows(tmp_path, "feedback")] == ["card-1", "card-2"]
    [left] = (tmp_path / "spool").iterdir()
    assert left.name.startswith("rejected-") and b"poison" in left.read_bytes()


async def test_what_a_killed_process_set_down_reaches_the_database_at_the_next_start(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", SET_DOWN, str(tmp_path)], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    [left] = (tmp_path / "spool").iterdir()
    left.write_bytes(left.read_bytes() + b"0badc0de half a li")
    kept = store(tmp_path)
    await until(lambda: len(rows(tmp_path, "feedback")) == 3)
    await kept.close()
    assert list((tmp_path / "spool").iterdir()) == []


SET_DOWN = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.storage.kept import overridden, store

async def main():
    kept = store(Path(sys.argv[1]))
    kept._feedback.replay = kept._upkeep.close() or None
    kept._feedback._away = True
    for n in range(3):
        await kept.record_feedback("ehr", [overridden(f"card-{n}")])
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_overrides_of_another_process_are_heard_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds_service.storage.store._POLL_SECONDS", 0.1)
    one, other = store(tmp_path), store(tmp_path)
    one.issued(card())
    assert not other.suppressed(shown(), NOW)
    await one.record_feedback("ehr", [overridden(at=datetime.now(UTC))])
    await until(lambda: other.suppressed(shown(), NOW))
    await one.close()
    await other.close()


def copies(folder: Path) -> Copies:
    return Copies(folder / "journal")


def test_journal_counts_what_it_has_no_room_for(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    journal = Journal(Database(url(tmp_path / "data")), copies(tmp_path), room=5, linger=0)
    for n in range(50):
        journal.record(decision(f"decision-{n}"))
    journal.close()
    left = b"".join(path.read_bytes() for path in (tmp_path / "journal").iterdir())
    assert journal.dropped >= 40
    assert left.count(b"\n") >= 50 - journal.dropped  # the rest waits on the disk for the next start


def test_journal_writes_when_the_database_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds_service.storage.journal._RETRY_SECONDS", 0.02)
    (tmp_path / "data").touch()
    database = Database(url(tmp_path / "data"))
    journal = Journal(database, copies(tmp_path), linger=0)
    journal.record(card())
    time.sleep(0.1)
    (tmp_path / "data").unlink()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not (tmp_path / "data" / "service.db").exists():
        time.sleep(0.02)
    journal.close()
    database.close()
    assert journal.dropped == 0
    assert len(rows(tmp_path / "data", "issued_cards")) == 1


def test_records_that_can_never_be_stored_do_not_block_the_rest(tmp_path: Path) -> None:
    database, file = Database(url(tmp_path)), tmp_path / "service.db"
    database.transact(versions.prepare)
    journal = Journal(database, copies(tmp_path), linger=0)
    journal.record(decision()._replace(milliseconds=None))  # type: ignore[arg-type]
    time.sleep(0.1)
    journal.record(decision("decision-2"))
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and not (file.exists() and rows(tmp_path, "decisions")):
        time.sleep(0.02)
    assert rows(tmp_path, "decisions")
    assert journal.dropped == 1
    journal.close()
    database.close()
    assert [row["decision"] for row in rows(tmp_path, "decisions")] == ["decision-2"]


WRITER = """
import asyncio, sys
from pathlib import Path
from tests.storage.kept import overridden, store

async def main():
    kept = store(Path(sys.argv[1]))
    for n in range(100000):
        names = [f"{n}-{part}" for part in range(3)]
        await asyncio.gather(*(kept.record_feedback("ehr", [overridden(name)]) for name in names))
        print(*names, flush=True)

asyncio.run(main())
"""


def test_kill_loses_nothing_that_was_acknowledged_and_doubles_nothing(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline() for _ in range(20)]
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged += writer.stdout.read().splitlines()
    writer.wait()
    writer.stdout.close()
    names = [name for line in acknowledged for name in line.split()]
    stored = [row["card"] for row in rows(tmp_path, "feedback")]
    assert len(names) >= 60
    assert set(names) <= set(stored)
    assert len(stored) == len(set(stored))
    asyncio.run(_repeat(tmp_path, names))
    assert len(rows(tmp_path, "feedback")) == len(stored)


async def _repeat(folder: Path, names: list[str]) -> None:
    """The client sends everything again, as clients do."""
    kept = store(folder)
    await kept.record_feedback("ehr", [overridden(name) for name in names])
    await kept.close()
