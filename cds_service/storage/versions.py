"""
Which version a database's tables are at, and how they get to that of this release.

SQLite is brought up to date when it is opened. A server may be shared and have its own keepers, so there only the
command ``cds-service storage upgrade`` changes tables.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from cds_service.errors import StorageError
from cds_service.storage import schema

STEPS = Path(__file__).parent / "migrations"
KNOWN = tuple(sorted(path.stem[1:5] for path in (STEPS / "versions").glob("v*.py")))
"""Every version there was, oldest first."""

HEAD = KNOWN[-1]
"""The version this release works with."""

FIRST = KNOWN[0]
UPGRADE = "cds-service storage upgrade"
_LOCK = 0x1A6E_6EA7
"""What upgrades of one server's database hold, so that two never run at once."""

_marks = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def prepare(connection: Connection) -> None:
    """See that the tables are those of this release; make them so where the database is a file of ours."""
    found = stand(connection)
    if found == HEAD:
        return
    _refuse_newer(found)
    if connection.dialect.name != "sqlite":
        state = f"is at version {found}" if found else "has no tables yet"
        raise StorageError(f"The database {state}; this release needs version {HEAD}. Run: {UPGRADE}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    if stand(connection) == "":
        _begin(connection)
    else:
        upgrade(connection)


def stand(connection: Connection) -> str:
    """
    The version of the tables that are there; empty when there are none.

    Tables made before there were steps are those of the first.
    """
    names = set(inspect(connection).get_table_names())
    if _marks.name in names:
        return connection.execute(select(_marks.c.version_num)).scalar() or ""
    return FIRST if "decisions" in names else ""


def upgrade(connection: Connection) -> str:
    """Bring the tables to this release's version, step by step; the version they were at before."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    found = stand(connection)
    _refuse_newer(found)
    if found and _marks.name not in inspect(connection).get_table_names():
        _mark(connection, found)
    steps = ScriptDirectory(str(STEPS))
    with EnvironmentContext(Config(), steps, fn=lambda at, _: steps._upgrade_revs(HEAD, at)) as environment:
        environment.configure(connection=connection, target_metadata=schema.metadata)
        environment.run_migrations()
    return found


def _begin(connection: Connection) -> None:
    """All tables of this release at once, as the steps would have made them."""
    schema.metadata.create_all(connection)
    _mark(connection, HEAD)


def _mark(connection: Connection, version: str) -> None:
    _marks.create(connection)
    connection.execute(_marks.insert(), {"version_num": version})


def _refuse_newer(found: str) -> None:
    if found and found not in KNOWN:
        raise StorageError(f"The database is at version {found}; this release knows {HEAD}. Run the newer release.")
