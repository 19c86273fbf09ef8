"""``cds-service storage``: the tables of the database, looked at and brought up to date."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cds_service.errors import StorageError
from cds_service.settings import Settings

FAILED = 1
_ABOUT = """\
Brings the tables of the database named by CDS_DATABASE_URL to the version of this release, step by step, keeping
everything in them. An SQLite file is brought up to date at every start; a PostgreSQL server only by this command, run
by somebody who may make and change tables. Run it before the new release starts; running it again does no harm.
"""


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    about = "the tables of the database"
    storage = commands.add_parser("storage", help=about, description=about)
    actions = storage.add_subparsers(required=True, metavar="action")
    form = argparse.RawDescriptionHelpFormatter
    upgrade = actions.add_parser(
        "upgrade", help="bring the tables to this release's version", description=_ABOUT, formatter_class=form
    )
    upgrade.set_defaults(run=_upgrade)
    status = actions.add_parser("status", help="tell at which version the tables are; exit status 1 unless right")
    status.set_defaults(run=_status)


def _upgrade(_: argparse.Namespace, settings: Settings) -> int:
    from cds_service.storage import versions

    def work(connection: Any) -> str:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        return versions.upgrade(connection)

    before = _in(settings, work)
    if before is None:
        return FAILED
    was = f"was at version {before}" if before else "had no tables"
    print(f"The database {was}; it is at version {versions.HEAD} now." if before != versions.HEAD else
          f"The database is at version {versions.HEAD} already.")  # fmt: skip
    return 0


def _status(_: argparse.Namespace, settings: Settings) -> int:
    from cds_service.storage import versions

    found = _in(settings, versions.stand)
    if found is None:
        return FAILED
    said = f"is at version {found}" if found else "has no tables yet"
    print(f"The database {said}; this release works with version {versions.HEAD}.")
    return 0 if found == versions.HEAD else FAILED


def _in(settings: Settings, work: Any) -> str | None:
    """What *work* gives in a transaction of the database; None, said why, when that fails."""
    from cds_service.storage.database import Database

    database = Database(settings.database_url, lambda _: None)
    try:
        return str(database.transact(work))
    except StorageError as error:
        print(f"The database cannot be used: {_why(error)}", file=sys.stderr)
        return None
    finally:
        database.close()


def _why(error: StorageError) -> str:
    """The server's own words, of which our own transactions' errors keep only the kind; never the password."""
    cause = getattr(error.__cause__, "orig", None)
    return str(cause).strip().splitlines()[0] if cause is not None and str(cause).strip() else str(error)
