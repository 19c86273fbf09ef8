"""Storage and life cycle at fault, row by row: nothing acknowledged is lost, and advice never waits."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cds_service.errors import StorageError
from cds_service.storage.export import FEEDBACK_COLUMNS, as_csv
from cds_service.storage.store import Store
from tests.requirements import figures
from tests.requirements.kills import Kills, Rows
from tests.storage.conftest import postgres
from tests.storage.kept import NOW, card, decision, overridden, rows, shown, store
from tests.storage.server import Server
from tests.storage.test_postgresql import afterwards, quick, url
from tests.storage.test_postgresql import rows as server_rows
from tests.storage.test_store import test_kill_loses_nothing_that_was_acknowledged_and_doubles_nothing as killed
from tests.storage.test_store import until

__all__ = ["afterwards", "postgres", "quick", "url"]  # fixtures


def advised(kept: Store) -> float:
    """Seconds that everything advice does with a store takes."""
    began = time.monotonic()
    kept.issued(card())
    kept.decided(decision())
    kept.suppressed(shown(), NOW)
    return time.monotonic() - began


def test_row_120_kill_during_feedback_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    for cycle in range(3):
        (tmp_path / str(cycle)).mkdir()
        killed(tmp_path / str(cycle))


def killed_service(folder: Path, cycles: int, rows_of: Rows, name: str, **environment: str) -> Kills:
    """A service killed so many times; what it acknowledged is there, once."""
    run = Kills(folder, environment)
    for _ in range(cycles):
        run.cycle()
    nothing = {"decisions lost": 0, "feedback lost": 0, "doubles": 0}
    run.settle(lambda: run.lost(rows_of) == nothing)
    lost = run.lost(rows_of)
    figures.say(f"kill -9    {name}: {cycles} cycles, {len(run.advised)} answers and {len(run.acknowledged)} reports "
                f"acknowledged, {len(run.unanswered)} cut off and sent again; {lost}")  # fmt: skip
    assert lost == nothing
    assert len(run.advised) >= cycles and len(run.acknowledged) >= cycles
    assert set(run.statuses) == {200}
    return run


def test_row_120_a_killed_service_loses_nothing_it_answered(tmp_path: Path) -> None:
    killed_service(tmp_path, 2, lambda table: rows(tmp_path, table), "SQLite")


@pytest.mark.soak
def test_row_120_two_hundred_kills(tmp_path: Path) -> None:
    killed_service(tmp_path, 200, lambda table: rows(tmp_path, table), "SQLite")


@pytest.mark.soak
def test_row_120_twenty_kills_beside_a_server(url: str, tmp_path: Path) -> None:
    killed_service(tmp_path, 20, lambda table: server_rows(url, table), "PostgreSQL", CDS_DATABASE_URL=url)


async def test_row_121_the_same_feedback_again_is_one_record(tmp_path: Path) -> None:
    kept = store(tmp_path)
    for _ in range(3):
        await kept.record_feedback("ehr", [overridden()])
    kept._feedback._away = True
    await kept.record_feedback("ehr", [overridden()])
    await until(lambda: not kept._feedback._spool.waiting)
    await kept.close()
    assert len(rows(tmp_path, "feedback")) == 1


async def test_row_122_a_locked_file_holds_up_nobody(tmp_path: Path) -> None:
    kept = store(tmp_path)
    other = sqlite3.connect(tmp_path / "service.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert advised(kept) < 0.1
    await asyncio.wait_for(kept.record_feedback("ehr", [overridden()]), 1.5)
    other.execute("ROLLBACK")
    other.close()
    await until(lambda: len(rows(tmp_path, "feedback")) == 1)
    await kept.close()


@pytest.fixture
def small() -> Iterator[Path]:
    """A disk of 600 kB."""
    if os.geteuid() != 0:
        pytest.fail("this test mounts a small disk, which only root may")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 1000):
                pass
        except OSError:
            pass


@pytest.mark.parametrize("at_start", [False, True])
async def test_row_123_a_full_disk_costs_no_advice_and_nothing_acknowledged(small: Path, at_start: bool) -> None:
    if at_start:
        fill(small)
    kept = store(small)
    acknowledged = []
    if not at_start:
        await kept.record_feedback("ehr", [overridden("before")])
        acknowledged.append("before")
        fill(small)
    for n in range(60):
        assert advised(kept) < 0.1
        try:
            await kept.record_feedback("ehr", [overridden(f"full-{n}", comment="x" * 1500)])
            acknowledged.append(f"full-{n}")
        except StorageError:
            break
    else:
        pytest.fail("a full disk was never told")
    (small / "filler").unlink()
    await kept.record_feedback("ehr", [overridden("after")])
    acknowledged.append("after")
    await until(lambda: {row["card"] for row in rows(small, "feedback")} >= set(acknowledged))
    await kept.close()


@pytest.mark.parametrize("fault", ["damaged", "deleted"])
async def test_row_124_a_damaged_or_deleted_file_is_begun_anew(tmp_path: Path, fault: str) -> None:
    await store(tmp_path).close()
    if fault == "damaged":
        (tmp_path / "service.db").write_bytes(b"garbage" * 5000)
    kept = store(tmp_path)
    if fault == "deleted":
        for file in tmp_path.glob("service.db*"):
            file.unlink()
    assert advised(kept) < 0.1
    await kept.record_feedback("ehr", [overridden()])
    await kept.close()
    assert len(rows(tmp_path, "feedback")) == 1
    assert bool(list(tmp_path.glob("service.db.damaged-*"))) == (fault == "damaged")


@pytest.mark.parametrize("fault", ["stop", "freeze"])
async def test_row_125_a_server_that_refuses_or_is_silent(
    afterwards: Server, url: str, tmp_path: Path, quick: None, fault: str
) -> None:
    getattr(afterwards, fault)()
    began = time.monotonic()
    kept = Store(tmp_path, url)
    assert time.monotonic() - began < 10
    assert advised(kept) < 0.1
    await kept.record_feedback("ehr", [overridden()])
    await kept.close()
    afterwards.restore()
    again = Store(tmp_path, url)
    await until(lambda: len(server_rows(url, "feedback")) == 1, 20)
    await again.close()


@pytest.mark.parametrize("begins", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_row_131_no_cell_of_an_export_is_run_by_a_spreadsheet(begins: str) -> None:
    header, row = csv.reader(io.StringIO("\n".join(as_csv([dict.fromkeys(FEEDBACK_COLUMNS, begins)])), newline=""))
    assert header == list(FEEDBACK_COLUMNS)
    assert row == ["'" + begins] * len(row), "shown as text, nothing of it lost"
