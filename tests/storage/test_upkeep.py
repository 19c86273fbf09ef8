"""Chores are done in their time, and one that fails stops nothing."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

from cds_service.errors import StorageError
from cds_service.storage import schema
from cds_service.storage.database import Database
from cds_service.storage.journal import instant
from cds_service.storage.retention import Keeping, chore, step
from cds_service.storage.upkeep import Chore, Upkeep
from tests.storage.kept import NOW, rows, url


def test_chores_are_done_again_and_again_and_sooner_when_there_is_more() -> None:
    done: list[str] = []
    enough = threading.Event()

    def quick() -> bool:
        done.append("quick")
        enough.set() if done.count("quick") > 5 else None
        return True

    def slow() -> bool:
        done.append("slow")
        return False

    upkeep = Upkeep([Chore("slow", slow, 60, 0.01), Chore("quick", quick, 60, 0.01)])
    assert enough.wait(5)
    upkeep.close()
    assert done.count("slow") == 1


def test_a_chore_that_fails_is_done_again_and_stops_no_other() -> None:
    done: list[str] = []
    enough = threading.Event()

    def failing() -> bool:
        done.append("failing")
        raise StorageError("away") if len(done) % 2 else RuntimeError
        return False

    def other() -> bool:
        enough.set() if done.count("failing") > 3 else None
        return False

    upkeep = Upkeep([Chore("failing", failing, 0.01, 0.01), Chore("other", other, 0.01, 0.01)])
    assert enough.wait(5)
    upkeep.close()


def test_closing_does_not_wait_for_a_chore_that_hangs() -> None:
    gate, busy = threading.Event(), threading.Event()

    def hang() -> bool:
        busy.set()
        return gate.wait(10)

    upkeep = Upkeep([Chore("hang", hang, 1, 0.01)])
    busy.wait(5)
    began = time.monotonic()
    upkeep.close(0.1)
    assert time.monotonic() - began < 2
    gate.set()


def decisions(folder: Path, ages: list[int]) -> Database:
    """A database with one decision, with its facts, of each age in days."""
    database = Database(url(folder))
    plain = dict.fromkeys(("client", "service", "digest", "verdicts"), "x")
    made = [
        {**plain, "decision": f"d{n}", "decided_at": instant(NOW - timedelta(days=age)), "milliseconds": 1.0}
        for n, age in enumerate(ages)
    ]
    facts = [{"facts": one["decision"], "read_at": one["decided_at"], "said": "{}"} for one in made]

    def fill(connection: object) -> None:
        schema.add(connection, schema.decisions, made)  # type: ignore[arg-type]
        schema.add(connection, schema.facts, facts)  # type: ignore[arg-type]

    database.transact(fill)
    return database


def test_what_is_over_is_forgotten_and_facts_outlast_their_decisions(tmp_path: Path) -> None:
    database = decisions(tmp_path, [0, 9, 10, 11, 12])
    assert database.transact(lambda connection: step(connection, Keeping(decision_days=10), NOW)) is False
    assert [row["decision"] for row in rows(tmp_path, "decisions")] == ["d0", "d1", "d2"]
    assert [row["facts"] for row in rows(tmp_path, "facts")] == ["d0", "d1", "d2", "d3"]
    database.close()


def test_nothing_is_forgotten_where_a_site_wants_that(tmp_path: Path) -> None:
    database = decisions(tmp_path, [5000])
    assert database.transact(lambda connection: step(connection, Keeping(0, 0), NOW)) is False
    assert len(rows(tmp_path, "decisions")) == 1
    database.close()


def test_forgetting_goes_in_small_steps(tmp_path: Path) -> None:
    database = decisions(tmp_path, [5000] * 1200)
    forget = chore(database, Keeping())
    left = []
    while forget():
        left.append(len(rows(tmp_path, "decisions")))
    assert left == [700, 200] and rows(tmp_path, "decisions") == rows(tmp_path, "facts") == []
    database.close()
