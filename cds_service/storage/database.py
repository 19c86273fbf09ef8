"""
One database, opened when it can be and opened again when it could not.

A damaged file is moved aside and a new one begun; a file deleted under us is begun anew,
because SQLite would go on writing into nothing. Nothing here is ever waited for longer
than a busy moment.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cds_service.errors import StorageError
from cds_service.storage import engines
from cds_service.storage.versions import prepare
from cds_service.telemetry import log

T = TypeVar("T")

BUSY_SECONDS = 0.8
"""How long a lock held by another process is waited for."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SIDE_FILES = ("", "-wal", "-shm")
_QUICKLY_CHECKED = 32_000_000
_PASSING = (OperationalError, InterfaceError, PoolTimeout, OSError)


class Database:
    """
    Runs work in transactions; every failure is a StorageError, a wrong address a SettingsError.

    *opened* is called inside the first transaction each time the database was opened.
    """

    def __init__(
        self, url: str, opened: Callable[[Connection], None] = prepare, *, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        self._url = engines.usable(url)
        self._when_opened = opened
        self._busy_seconds = busy_seconds
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._closed = False
        self._identity: tuple[int, int] | None = None
        is_file = self._url.get_backend_name() == "sqlite" and self._url.database
        self.file = Path(self._url.database or "") if is_file else None

    def transact(self, work: Callable[[Connection], T]) -> T:
        """What *work* gives, once everything it did is committed and on disk."""
        began = time.monotonic()
        try:
            return self._attempt(work)
        except DBAPIError as error:
            if _is_damage(error):
                self._set_aside()
            elif not error.connection_invalidated or time.monotonic() - began > self._busy_seconds:
                raise StorageError(type(error).__name__) from error
        except (SQLAlchemyError, OSError, sqlite3.Error) as error:
            raise StorageError(type(error).__name__) from error
        try:
            return self._attempt(work)
        except (SQLAlchemyError, OSError, sqlite3.Error) as error:
            raise StorageError(type(error).__name__) from error

    def close(self) -> None:
        """Let go of the file or server for good: work that comes later, from a thread nobody waits for, fails."""
        with self._lock:
            self._closed = True
            self._dispose()

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        engine, identity = self._ready()
        with (
            self._closing(engine),
            engine.connect() as connection,
            self._limited(connection),
            connection.begin(),
        ):
            self._careful(connection)
            done = work(connection)
        if self.file is not None and _identity(self.file) != identity:
            raise StorageError("The database file was removed.")
        return done

    def _ready(self) -> tuple[Engine, tuple[int, int] | None]:
        """The engine, its tables made; made anew when the file is another than before."""
        with self._lock:
            if self._closed:
                raise StorageError("The database was let go of.")
            if self._engine is not None and self.file is not None and _identity(self.file) != self._identity:
                log().warning("database file is gone, beginning a new one")
                self._dispose()
            if self._engine is None:
                self._engine = self._opened()
            return self._engine, self._identity

    def _opened(self) -> Engine:
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        engine = self._new_engine()
        try:
            with engine.connect() as connection, self._limited(connection), connection.begin():
                self._check(connection)
                self._when_opened(connection)
        except BaseException:
            engine.dispose()
            raise
        self._identity = _identity(self.file) if self.file is not None else None
        return engine

    def _new_engine(self) -> Engine:
        if self._url.get_backend_name() == "sqlite":
            return engines.of_file(self._url, self._busy_seconds)
        return engines.of_server(self._url)

    @contextmanager
    def _closing(self, engine: Engine) -> Iterator[None]:
        """Close what was given back to an engine that was let go meanwhile: nobody else does it any more."""
        pool = engine.pool
        try:
            yield
        finally:
            if self._engine is not engine:
                pool.dispose()
                engine.dispose()

    def _limited(self, connection: Connection) -> AbstractContextManager[None]:
        return nullcontext() if connection.dialect.name == "sqlite" else engines.limited(connection)

    def _careful(self, connection: Connection) -> None:
        if connection.dialect.name != "sqlite":
            engines.careful(connection)

    def _check(self, connection: Connection) -> None:
        """Find damage before it costs something, as far as that is quick."""
        if self.file is None or self.file.stat().st_size > _QUICKLY_CHECKED:
            return
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            damage = sqlite3.DatabaseError("damaged")
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise DBAPIError("quick_check", None, damage)

    def _set_aside(self) -> None:
        """Keep a damaged file under another name, out of the way."""
        file = self.file
        if file is None:
            return
        with self._lock:
            self._dispose()
            stamp = f".damaged-{time.time_ns()}"
            for side in _SIDE_FILES:
                part = file.with_name(file.name + side)
                if part.exists():
                    part.rename(file.with_name(file.name + stamp + side))
        log().warning("database was damaged, moved aside, a new one begun")

    def _dispose(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()


def passes(error: StorageError) -> bool:
    """Whether what failed may go well later: a lock, a full disk, a server that is away, tables not yet upgraded."""
    return error.__cause__ is None or isinstance(error.__cause__, _PASSING)


def _is_damage(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file this is, whatever its name."""
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_dev, status.st_ino
