"""A database that is locked, full, damaged, deleted or of another time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, create_mock_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from cds_service.errors import SettingsError, StorageError
from cds_service.storage import schema, versions
from cds_service.storage.database import Database, passes
from tests.storage.kept import rows, url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(url(tmp_path / "data"), busy_seconds=0.1)
    yield database
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def note(connection: Connection) -> None:
    """Some work: one suppression more."""
    key = dict.fromkeys(("client", "patient", "encounter", "exam"), "x")
    schema.add(connection, schema.suppressions, [{**key, "rule": str(time.time_ns()), "until": 1.0}])


def count(folder: Path) -> int:
    return len(rows(folder, "suppressions"))


def aside(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if ".damaged-" in file.name)


def test_work_is_committed_with_full_durability(database: Database, folder: Path) -> None:
    database.transact(note)
    assert count(folder) == 1
    assert rows(folder, "alembic_version") == [{"version_num": versions.HEAD}]
    modes = database.transact(
        lambda connection: [
            connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")
        ]
    )
    assert modes == ["wal", 2]


def test_opening_again_keeps_everything(database: Database, folder: Path) -> None:
    database.transact(note)
    database.close()
    again = Database(url(folder))
    again.transact(note)
    again.close()
    assert count(folder) == 2
    assert rows(folder, "alembic_version") == [{"version_num": versions.HEAD}]


def test_work_that_comes_after_the_end_opens_nothing(database: Database, folder: Path) -> None:
    database.transact(note)
    database.close()
    with pytest.raises(StorageError, match="let go") as late:
        database.transact(note)
    assert passes(late.value)
    assert count(folder) == 1


def test_a_connection_that_outlasts_its_database_is_closed(database: Database) -> None:
    held = []

    def work(connection: Connection) -> None:
        held.append(connection.connection.driver_connection)
        database.close()

    database.transact(work)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        held[0].execute("select 1")


def test_work_that_fails_leaves_nothing(database: Database, folder: Path) -> None:
    def half(connection: Connection) -> None:
        note(connection)
        connection.execute(text("select * from nowhere"))

    with pytest.raises(StorageError, match="OperationalError"):
        database.transact(half)
    assert count(folder) == 0


def test_opened_is_called_once_for_each_opening(folder: Path) -> None:
    calls: list[int] = []

    def opened(connection: Connection) -> None:
        versions.prepare(connection)
        calls.append(1)

    database = Database(url(folder), opened)
    database.transact(note)
    database.transact(note)
    assert len(calls) == 1
    database.close()
    again = Database(url(folder), opened)
    again.transact(note)
    assert len(calls) == 2
    again.close()


def test_lock_of_another_process_is_not_waited_for_long(database: Database, folder: Path) -> None:
    database.transact(note)
    other = sqlite3.connect(folder / "service.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    with pytest.raises(StorageError, match="OperationalError"):
        database.transact(note)
    assert time.monotonic() - began < 1
    other.execute("ROLLBACK")
    other.close()
    database.transact(note)
    assert count(folder) == 2


def test_full_disk_is_a_storage_error_and_passes(database: Database, folder: Path) -> None:
    database.transact(note)
    engine = database._engine
    assert engine is not None
    event.listen(engine, "begin", _no_more_pages)

    def much(connection: Connection) -> None:
        for _ in range(200):
            note(connection)

    with pytest.raises(StorageError, match="OperationalError"):
        database.transact(much)
    event.remove(engine, "begin", _no_more_pages)
    database.transact(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=100000"))
    database.transact(note)
    assert count(folder) == 2


def _no_more_pages(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA max_page_count=1")


@pytest.mark.parametrize(
    "damage", [b"this is no database, not at all " * 100, b"\0" * 5000, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_damaged_file_is_kept_aside_at_start(database: Database, folder: Path, damage: bytes) -> None:
    folder.mkdir()
    (folder / "service.db").write_bytes(damage)
    database.transact(note)
    assert count(folder) == 1
    kept = [name for name in aside(folder) if not name.endswith(("-wal", "-shm"))]
    assert [(folder / name).read_bytes() for name in kept] == [damage]


def test_damage_in_a_part_nobody_touches_is_found_at_start(database: Database, folder: Path) -> None:
    plain = {
        "client": "x",
        "service": "x",
        "digest": "x",
        "decided_at": "x",
        "verdicts": "y" * 500,
        "milliseconds": 1.0,
    }
    many = [{**plain, "decision": f"decision-{n}"} for n in range(500)]
    database.transact(lambda connection: schema.add(connection, schema.decisions, many))
    database.close()
    file = folder / "service.db"
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xab" * 8192
    file.write_bytes(content)
    again = Database(url(folder))
    again.transact(note)
    again.close()
    assert count(folder) == 1
    assert aside(folder)


def test_damage_met_later_is_kept_aside_too(database: Database, folder: Path) -> None:
    database.transact(note)
    database.transact(lambda connection: connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all())
    (folder / "service.db").write_bytes(b"garbage" * 5000)
    database._engine.dispose()  # type: ignore[union-attr]  # as the pool does with idle connections
    database.transact(note)
    assert count(folder) == 1
    assert aside(folder)


def test_damage_that_comes_back_at_once_is_a_storage_error(database: Database) -> None:
    def work(connection: Connection) -> None:
        damage = sqlite3.DatabaseError()
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise DBAPIError("", None, damage)

    with pytest.raises(StorageError, match="DBAPIError"):
        database.transact(work)


def test_deleted_file_is_begun_anew(database: Database, folder: Path) -> None:
    database.transact(note)
    for file in folder.iterdir():
        file.unlink()
    database.transact(note)
    assert count(folder) == 1


def test_file_that_vanishes_during_the_work_is_not_taken_for_stored(database: Database, folder: Path) -> None:
    def work(connection: Connection) -> None:
        note(connection)
        (folder / "service.db").unlink()

    with pytest.raises(StorageError, match="removed"):
        database.transact(work)


def test_place_that_cannot_be_written_is_a_storage_error_until_it_can(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    database = Database(url(tmp_path / "data"))
    with pytest.raises(StorageError):
        database.transact(note)
    (tmp_path / "data").unlink()
    database.transact(note)
    assert count(tmp_path / "data") == 1
    database.close()


def test_database_of_a_later_release_is_left_alone(database: Database, folder: Path) -> None:
    database.transact(lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StorageError, match="version 9999"):
        Database(url(folder)).transact(note)
    assert not aside(folder)


def test_statements_are_understood_by_postgresql_too() -> None:
    said: list[str] = []
    engine = create_mock_engine(
        make_url("postgresql://"),
        lambda statement, *_, **__: said.append(str(statement.compile(dialect=engine.dialect))),
    )
    schema.metadata.create_all(engine, checkfirst=False)
    schema.put(engine, schema.suppressions, [{"client": "x"}])  # type: ignore[arg-type]
    assert sum("CREATE TABLE" in one for one in said) == len(schema.metadata.tables)
    assert "ON CONFLICT (client, patient, encounter, rule, exam) DO UPDATE SET until" in said[-1]


@pytest.mark.parametrize(
    "wrong", ["nonsense", "nosuchdatabase://host/db", "postgresql+nosuchdriver://host/db", "mssql+pymssql://host/db"]
)
def test_wrong_address_is_a_settings_error_at_start(wrong: str) -> None:
    with pytest.raises(SettingsError, match="CDS_DATABASE_URL"):
        Database(wrong)


def test_a_server_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is different without a file, tried with the engine of a file in the server's place."""
    made = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    monkeypatch.setattr("cds_service.storage.engines.create_engine", lambda *_, **__: made)
    database = Database("sqlite://")
    assert database.file is None
    database.transact(note)
    assert (
        database.transact(lambda connection: connection.exec_driver_sql("select count(*) from suppressions").scalar())
        == 1
    )
    database._set_aside()
    database.close()
