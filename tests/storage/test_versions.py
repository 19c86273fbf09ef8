"""The steps make the tables the code works with, from every state there was."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from cds_service.errors import StorageError
from cds_service.storage import schema, versions
from cds_service.storage.database import Database
from tests.storage.kept import rows, url


def differences(connection: Connection) -> list[object]:
    """What the tables there are lack or have too much."""
    context = MigrationContext.configure(connection, opts={"compare_server_default": False})
    return list(compare_metadata(context, schema.metadata))


def test_steps_from_nothing_make_the_tables_the_code_works_with(tmp_path: Path) -> None:
    engine = create_engine(url(tmp_path))
    with engine.begin() as connection:
        assert versions.stand(connection) == ""
        assert versions.upgrade(connection) == ""
        assert versions.stand(connection) == versions.HEAD
        assert differences(connection) == []
    engine.dispose()


def test_tables_of_a_new_file_are_those_too(tmp_path: Path) -> None:
    database = Database(url(tmp_path))
    assert database.transact(differences) == []
    assert database.transact(versions.stand) == versions.HEAD
    database.close()


def test_a_file_of_before_there_were_steps_is_brought_up_to_date_with_everything_in_it(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "service.db")
    old.executescript(
        "CREATE TABLE schema_version (version INTEGER PRIMARY KEY); INSERT INTO schema_version VALUES (1);"
        "CREATE TABLE feedback (id INTEGER PRIMARY KEY, client TEXT NOT NULL DEFAULT '', card TEXT NOT NULL DEFAULT '',"
        " outcome TEXT NOT NULL DEFAULT '', outcome_at TEXT NOT NULL DEFAULT '', content TEXT NOT NULL DEFAULT '',"
        " received_at TEXT NOT NULL DEFAULT '', suggestions TEXT NOT NULL DEFAULT '', reasons TEXT NOT NULL DEFAULT '',"
        " comment TEXT NOT NULL DEFAULT '', ours BOOLEAN NOT NULL, UNIQUE (client, card, outcome_at, content));"
        "INSERT INTO feedback (client, card, ours) VALUES ('ehr', 'card-1', 1);"
        "CREATE TABLE issued_cards (card TEXT PRIMARY KEY NOT NULL, issued_at TEXT NOT NULL DEFAULT '');"
        "CREATE TABLE decisions (decision TEXT PRIMARY KEY NOT NULL, decided_at TEXT NOT NULL DEFAULT '');"
        "CREATE TABLE suppressions (client TEXT NOT NULL, until FLOAT NOT NULL, PRIMARY KEY (client));"
    )
    old.close()
    database = Database(url(tmp_path))
    assert database.transact(versions.stand) == versions.HEAD
    database.close()
    assert [row["card"] for row in rows(tmp_path, "feedback")] == ["card-1"]
    names = {row["name"] for row in rows(tmp_path, "sqlite_master")}
    assert "facts" in names and "schema_version" not in names


def test_a_step_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "service.db")
    old.executescript(
        "CREATE TABLE decisions (decision TEXT PRIMARY KEY NOT NULL, decided_at TEXT NOT NULL DEFAULT '')"
    )
    before = list(old.execute("select name, sql from sqlite_master order by name"))
    database = Database(url(tmp_path))
    with pytest.raises(StorageError):
        database.transact(versions.stand)
    assert list(old.execute("select name, sql from sqlite_master order by name")) == before
    old.close()


def test_the_steps_are_one_line_up_to_this_release() -> None:
    steps = ScriptDirectory(str(versions.STEPS))
    assert steps.get_heads() == [versions.HEAD]
    assert [step.revision for step in reversed(list(steps.walk_revisions()))] == list(versions.KNOWN)
