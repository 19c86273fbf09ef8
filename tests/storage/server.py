"""A PostgreSQL server of the tests' own: in a folder of its own, on a free port of this machine, as a plain user."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

ROOT = Path(__file__).parents[2]
MISSING = (
    "These tests need the programs of a PostgreSQL server (initdb, postgres). Run scripts/ensure-postgres as root,"
    " or install the package postgresql."
)


def programs() -> Path:
    """The folder of the newest server's programs; installed when they are missing and we may."""
    found = _found()
    if found is None and os.geteuid() == 0:
        subprocess.run([ROOT / "scripts" / "ensure-postgres"], check=False)
        found = _found()
    if found is None:
        pytest.fail(MISSING)
    return found


def _found() -> Path | None:
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: float(one.parent.name), reverse=True)
    return next((one for one in folders if (one / "initdb").exists() and (one / "postgres").exists()), None)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Server:
    """One server: started, stopped, killed, frozen and woken by its own process ids."""

    def __init__(self, folder: Path) -> None:
        self._programs = programs()
        self._folder = folder
        self._as: dict[str, Any] = _plain_user()
        if self._as:
            os.chown(folder, self._as["user"], self._as["group"])
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        made = ["--auth=trust", "--username=cds", "--encoding=UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [self._programs / "initdb", "-D", folder / "data", *made],
            check=True, capture_output=True, cwd=folder, **self._as,
        )  # fmt: skip

    @property
    def url(self) -> str:
        """The address of the server's own database."""
        return f"postgresql://cds@127.0.0.1:{self.port}/postgres"

    def new_database(self) -> str:
        """The address of an empty database."""
        self._made += 1
        name = f"cds{self._made}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://cds@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        options = ["-p", str(self.port), "-h", "127.0.0.1", "-k", str(self._folder)]
        options += ["-c", "fsync=off"]  # it is killed here, but the machine never loses power
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *options],
                cwd=self._folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **self._as,
            )  # fmt: skip
        end = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how: int = signal.SIGQUIT) -> None:
        """Stop at once, as in a crash."""
        if self._process is not None:
            self.wake()
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def freeze(self) -> None:
        """Answer nothing any more, and keep every connection open."""
        assert self._process is not None
        for process in (self._process.pid, *_children(self._process.pid)):
            os.kill(process, signal.SIGSTOP)

    def restore(self) -> None:
        """Run again, whatever was done to it."""
        self.wake()
        if self._process is None:
            self.start()

    def wake(self) -> None:
        """Go on as if nothing had been."""
        if self._process is not None:
            for process in (self._process.pid, *_children(self._process.pid)):
                os.kill(process, signal.SIGCONT)


def _plain_user() -> dict[str, Any]:
    """Whom the server runs as when we are root, which it refuses."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    pytest.fail("PostgreSQL does not run as root, and there is neither a user postgres nor nobody.")


def _children(process: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == process:
                found.append(int(entry.name))
        except (OSError, IndexError):
            continue
    return found


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as one is inside."""
    with tempfile.TemporaryDirectory(prefix="cds-postgres-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()
