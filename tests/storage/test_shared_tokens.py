"""Used tokens of replicas on several machines: the database decides, and its absence silences nobody."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from cds_service.errors import StorageError
from cds_service.storage import shared_tokens, versions
from cds_service.storage.database import Database
from cds_service.storage.shared_tokens import SharedTokens
from cds_service.storage.used_tokens import UsedTokens, used_tokens
from tests.storage.kept import rows, url
from tests.storage.server import Server


def name(number: int) -> bytes:
    return number.to_bytes(16, "big")


def replica(folder: Path, address: str) -> SharedTokens:
    return SharedTokens(used_tokens(folder, 300), Database(address))


def all_first(*uses: tuple[SharedTokens, int], seconds: float = 300) -> list[bool]:
    """Every use at once, in one loop."""

    async def run() -> list[bool]:
        return list(await asyncio.gather(*(tokens.first(name(number), seconds) for tokens, number in uses)))

    return asyncio.run(run())


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_tokens, "PATIENCE_SECONDS", 5.0)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with its tables, of either kind."""
    if request.param == "sqlite":
        return url(tmp_path)
    server: Server = request.getfixturevalue("postgres")
    made = server.new_database()
    database = Database(made, lambda _: None)
    database.transact(versions.upgrade)
    database.close()
    return made


@pytest.mark.usefixtures("patient")
def test_two_machines_take_a_name_once(tmp_path, address):
    one, other = replica(tmp_path / "one", address), replica(tmp_path / "two", address)
    assert all_first((one, 1)) == [True] and all_first((other, 1)) == [False]
    assert all_first((other, 2)) == [True] and all_first((one, 2)) == [False]
    for number in range(10, 30):
        assert sorted(all_first((one, number), (other, number))) == [False, True]
    assert (
        sum(all_first(*((tokens, number) for number in range(40, 60) for tokens in (one, other) for _ in range(2))))
        == 20
    )
    one.close()
    other.close()


@pytest.mark.usefixtures("patient")
def test_what_is_over_goes(tmp_path):
    one = replica(tmp_path / "one", url(tmp_path))
    all_first((one, 1), seconds=-5)
    one._tidied = 0.0
    all_first((one, 2))
    one.close()
    assert [row["name"] for row in rows(tmp_path, "used_tokens")] == [name(2).hex()]


class Away(Database):
    """A database that hangs, or fails, as long as it is told to."""

    hangs = fails = True

    def transact(self, work):
        if self.hangs:
            time.sleep(0.5)
        if self.fails:
            raise StorageError("away")
        return super().transact(work)


@pytest.mark.parametrize("hangs", [True, False])
def test_a_database_that_is_away_silences_nobody_and_learns_later(tmp_path, monkeypatch, hangs):
    monkeypatch.setattr(shared_tokens, "REST_SECONDS", 0.3)
    database = Away(url(tmp_path))
    database.hangs = hangs
    tokens = SharedTokens(UsedTokens(None), database)
    began = time.monotonic()
    assert all_first(*((tokens, number) for number in range(5))) == [True] * 5
    assert time.monotonic() - began < 0.4
    began = time.monotonic()
    assert all_first((tokens, 5), (tokens, 1)) == [True, False]
    assert time.monotonic() - began < 0.1
    database.hangs = database.fails = False
    time.sleep(0.8)
    assert all_first((tokens, 6)) == [True]
    tokens.close()
    assert {row["name"] for row in rows(tmp_path, "used_tokens")} == {name(number).hex() for number in range(7)}
