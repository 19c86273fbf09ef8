"""
Ways to a database: a file of ours that survives a power cut, or a server that may not answer.

A server that takes a connection and then says nothing would hold a thread for ever, so every transaction with one
has a time after which its connection is cut.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from cds_service.errors import SettingsError

CONNECT_SECONDS = 2
"""How long a server may take to let us in."""

ANSWER_SECONDS = 2.5
"""How long a transaction with a server may take."""

_SERVER: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "cds-service",
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 3000,
    "prepare_threshold": None,  # what stands between us and the server may not know prepared statements
}


def usable(url: str) -> URL:
    """The address of the database, once its driver is known to be there."""
    try:
        address = make_url(url)
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        address.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError):
        raise SettingsError("CDS_DATABASE_URL is no address of a database we know.") from None
    except ImportError as error:
        raise SettingsError(
            f"CDS_DATABASE_URL needs the Python package {error.name}, which is not installed."
        ) from None
    return address


def of_file(address: URL, busy_seconds: float) -> Engine:
    """The engine for an SQLite file; a lock is waited for *busy_seconds*."""
    engine = create_engine(address, connect_args={"timeout": busy_seconds, "isolation_level": "IMMEDIATE"})
    event.listen(engine, "connect", _durable)
    return engine


def of_server(address: URL) -> Engine:
    """The engine for a server; what the address itself says of a connection goes first."""
    more = {name: value for name, value in _SERVER.items() if name not in address.query}
    return create_engine(address, connect_args=more, pool_size=4, max_overflow=2, pool_timeout=CONNECT_SECONDS)


def _durable(connection: Any, _: Any) -> None:
    """Readers never wait for writers, and what is committed survives a power cut."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def careful(connection: Connection) -> None:
    """Have the server write what is committed to its disk before it says so, whatever it does by default."""
    said = "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
    connection.exec_driver_sql(said)


@contextmanager
def limited(connection: Connection, seconds: float = ANSWER_SECONDS) -> Iterator[None]:
    """While inside, the connection to a server is cut after *seconds*: whoever waits on it gets an error."""
    driven: Any = connection.connection.driver_connection
    cutter = threading.Timer(seconds, _cut, (driven.pgconn,))
    cutter.daemon = True
    cutter.start()
    try:
        yield
    finally:
        cutter.cancel()


def _cut(pgconn: Any) -> None:
    with suppress(Exception), socket.socket(fileno=os.dup(pgconn.socket)) as wire:
        wire.shutdown(socket.SHUT_RDWR)
