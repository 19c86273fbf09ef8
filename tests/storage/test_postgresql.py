"""The same store on a real PostgreSQL server: tables, feedback, decisions, replicas, and a server that is away."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from cds_service import cli
from cds_service.errors import StorageError
from cds_service.storage import retention, versions
from cds_service.storage.database import Database
from cds_service.storage.store import Store
from tests.storage.kept import NOW, card, decision, overridden, shown
from tests.storage.server import MISSING, Server, programs
from tests.storage.test_store import until
from tests.storage.test_versions import differences


def rows(url: str, table: str) -> list[dict[str, Any]]:
    """Everything in *table*, read past the service."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(f'select * from "{table}"').fetchall()


def upgraded(url: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("CDS_DATABASE_URL", url)
    return cli.main(["storage", "upgrade"])


@pytest.fixture
def url(postgres: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A database with its tables."""
    made = postgres.new_database()
    assert upgraded(made, monkeypatch) == 0
    capsys.readouterr()
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cds_service.storage.store._POLL_SECONDS", 0.1)
    monkeypatch.setattr("cds_service.storage.store._REPLAY_SECONDS", 0.1)


def test_tables_are_made_by_the_command_only(
    postgres: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = postgres.new_database()
    database = Database(made)
    with pytest.raises(StorageError, match=r"no tables yet.*cds-service storage upgrade"):
        database.transact(lambda _: None)
    monkeypatch.setenv("CDS_DATABASE_URL", made)
    assert cli.main(["storage", "status"]) == 1
    assert upgraded(made, monkeypatch) == 0
    assert upgraded(made, monkeypatch) == 0
    assert cli.main(["storage", "status"]) == 0
    said = capsys.readouterr().out
    assert "has no tables yet" in said and "had no tables" in said and "already" in said
    assert database.transact(differences) == []
    database.close()


@pytest.mark.parametrize("version", versions.KNOWN[:-1])
def test_tables_of_an_earlier_release_are_told_and_upgraded_with_everything_in_them(
    postgres: Server, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    made = postgres.new_database()
    with monkeypatch.context() as earlier:
        earlier.setattr(versions, "HEAD", version)
        assert upgraded(made, monkeypatch) == 0
    with psycopg.connect(made) as connection:
        connection.execute("INSERT INTO feedback (card, ours) VALUES ('card-1', true)")
    database = Database(made)
    with pytest.raises(StorageError, match=f"at version {version}; this release needs version {versions.HEAD}"):
        database.transact(lambda _: None)
    assert upgraded(made, monkeypatch) == 0
    assert database.transact(differences) == []
    database.close()
    assert [row["card"] for row in rows(made, "feedback")] == ["card-1"]


def test_tables_of_a_later_release_are_left_alone(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    database = Database(url)
    with pytest.raises(StorageError, match="version 9999; this release knows"):
        database.transact(lambda _: None)
    assert upgraded(url, monkeypatch) == 1
    assert "9999" in capsys.readouterr().err
    database.close()


def test_a_server_that_cannot_be_reached_is_told_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upgraded("postgresql://cds:hush@127.0.0.1:1/none", monkeypatch) == 1
    said = capsys.readouterr().err
    assert "refused" in said and "hush" not in said


async def test_everything_is_kept_as_in_a_file(url: str, tmp_path: Path) -> None:
    kept = Store(tmp_path, url)
    name = kept.identity.card_id("ehr")
    kept.issued(card(name))
    kept.decided(decision())
    for _ in range(2):
        await kept.record_feedback("ehr", [overridden(name, at=datetime.now(UTC), comment="ä\0 🩻")] * 2)
        await kept.record_feedback("ehr", [overridden(name, at=NOW)])
    assert kept.suppressed(shown(), NOW)
    await kept.close()
    stored = rows(url, "feedback")
    assert len(stored) == 3 and all(row["ours"] for row in stored) and stored[0]["comment"] == "ä 🩻"
    assert len(rows(url, "issued_cards")) == len(rows(url, "decisions")) == 1
    again = Store(tmp_path, url)
    assert again.suppressed(shown(), NOW)
    await again.close()


async def test_an_override_is_heard_of_by_the_other_replicas(url: str, tmp_path: Path, quick: None) -> None:
    one, other = Store(tmp_path / "a", url), Store(tmp_path / "b", url)
    one.issued(card())
    await one.record_feedback("ehr", [overridden(at=datetime.now(UTC))])
    await until(lambda: other.suppressed(shown(), NOW), 5)
    await one.close()
    await other.close()


def test_what_is_over_is_forgotten_in_steps(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO decisions (decision, decided_at, milliseconds)"
            " SELECT n::text, '2020-01-01T00:00:00.000000+00:00', 1 FROM generate_series(1, 600) AS n"
        )
    database = Database(url)
    forget = retention.chore(database, retention.Keeping())
    assert [forget(), len(rows(url, "decisions")), forget(), len(rows(url, "decisions"))] == [True, 100, False, 0]
    database.close()


def test_what_is_committed_is_on_the_servers_disk_whatever_it_does_by_default(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER ROLE cds SET synchronous_commit = off")
    try:
        database = Database(url)
        said = database.transact(lambda connection: connection.exec_driver_sql("SHOW synchronous_commit").scalar())
        assert said == "on"
        database.close()
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER ROLE cds RESET synchronous_commit")


async def test_a_server_that_restarts_is_found_again_at_once(postgres: Server, url: str, tmp_path: Path) -> None:
    kept = Store(tmp_path, url)
    await kept.record_feedback("ehr", [overridden("card-1")])
    postgres.stop()
    postgres.start()
    await kept.record_feedback("ehr", [overridden("card-2")])
    assert [row["card"] for row in rows(url, "feedback")] == ["card-1", "card-2"]
    await kept.close()


@pytest.fixture
def afterwards(postgres: Server) -> Iterator[Server]:
    """The server, running again whatever a test did to it."""
    yield postgres
    postgres.restore()


@pytest.mark.parametrize("fault", ["gone", "frozen"])
async def test_while_the_server_is_away_feedback_is_kept_on_the_local_disk(
    afterwards: Server, url: str, tmp_path: Path, quick: None, fault: str
) -> None:
    kept = Store(tmp_path, url)
    kept.issued(card())
    await kept.record_feedback("ehr", [overridden("before")])
    (afterwards.stop if fault == "gone" else afterwards.freeze)()
    for n in range(5):
        began = time.monotonic()
        await kept.record_feedback("ehr", [overridden(f"meanwhile-{n}")])
        await kept.record_feedback("ehr", [overridden(f"meanwhile-{n}")])
        assert time.monotonic() - began < (3 if n == 0 else 0.5)
        began = time.monotonic()
        kept.issued(card(f"issued-{n}"))
        kept.suppressed(shown(), NOW)
        assert time.monotonic() - began < 0.05
    (afterwards.start if fault == "gone" else afterwards.wake)()
    await until(lambda: len(rows(url, "feedback")) == 6, 20)
    await until(lambda: len(rows(url, "issued_cards")) == 6, 20)
    await kept.record_feedback("ehr", [overridden("after")])
    await kept.close()
    cards = [row["card"] for row in sorted(rows(url, "feedback"), key=lambda row: row["id"])]
    assert cards == ["before", *(f"meanwhile-{n}" for n in range(5)), "after"]
    assert not any(path.stat().st_size for path in (tmp_path / "spool").iterdir())


async def test_a_server_that_is_away_at_start_is_found_later(
    afterwards: Server, url: str, tmp_path: Path, quick: None
) -> None:
    afterwards.stop()
    began = time.monotonic()
    kept = Store(tmp_path, url)
    assert time.monotonic() - began < 2.5
    await kept.record_feedback("ehr", [overridden("meanwhile")])
    await kept.close()
    afterwards.start()
    again = Store(tmp_path, url)
    await until(lambda: len(rows(url, "feedback")) == 1, 20)
    await again.close()


async def test_a_frozen_server_does_not_hold_up_the_end(afterwards: Server, url: str, tmp_path: Path) -> None:
    kept = Store(tmp_path, url)
    afterwards.freeze()
    kept.decided(decision())
    await kept.record_feedback("ehr", [overridden("meanwhile")])
    began = time.monotonic()
    await kept.close()
    assert time.monotonic() - began < 10
    afterwards.wake()
    again = Store(tmp_path, url)
    await until(lambda: len(rows(url, "feedback")) == 1, 20)
    await again.close()


def test_without_a_server_the_tests_say_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.storage.server._found", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(pytest.fail.Exception) as said:
        programs()
    assert str(said.value) == MISSING
