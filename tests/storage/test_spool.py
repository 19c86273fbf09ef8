"""The spool: nothing that was set down is lost, whatever becomes of processes, disks and lines."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cds_service.errors import StorageError
from cds_service.storage.spool import Spool

ROOM = 100_000


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    one = Spool(tmp_path, "kind", ROOM)
    yield one
    one.close()


def replayed(spool: Spool) -> list[bytes]:
    taken: list[bytes] = []
    spool.replay(taken.extend)
    return taken


def test_what_was_set_down_is_handed_over_once_and_in_order(spool: Spool, tmp_path: Path) -> None:
    assert not spool.waiting
    for n in range(500):
        spool.put(b"%d" % n)
    assert spool.waiting
    assert replayed(spool) == [b"%d" % n for n in range(500)]
    assert not spool.waiting and replayed(spool) == []
    spool.put(b"more")
    assert replayed(spool) == [b"more"]
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_removed_that_was_not_taken(spool: Spool) -> None:
    for n in range(500):
        spool.put(b"%d" % n)
    taken: list[bytes] = []

    def take(records: Sequence[bytes]) -> None:
        if taken:
            raise StorageError("away again")
        taken.extend(records)

    with pytest.raises(StorageError):
        spool.replay(take)
    assert replayed(spool) == [b"%d" % n for n in range(500)], "some come twice, none is lost"


def test_what_is_set_down_during_a_replay_comes_too(spool: Spool) -> None:
    spool.put(b"a")
    taken: list[bytes] = []

    def take(records: Sequence[bytes]) -> None:
        taken.extend(records)
        if records == [b"a"]:
            spool.put(b"b")

    spool.replay(take)
    assert taken == [b"a", b"b"] and not spool.waiting


def test_files_are_for_their_owner_only(spool: Spool, tmp_path: Path) -> None:
    spool.put(b"a")
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_a_living_process_keeps_its_file_and_a_dead_ones_is_taken_up(spool: Spool, tmp_path: Path) -> None:
    other = Spool(tmp_path, "kind", ROOM)
    other.put(b"other")
    spool.put(b"mine")
    assert replayed(spool) == [b"mine"]
    other.close()
    assert spool.waiting
    assert replayed(spool) == [b"other"]
    assert len(list(tmp_path.iterdir())) == 1


def test_half_a_line_at_the_end_is_left_out(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "kind-1-x.spool").write_bytes(line(tmp_path, b"whole") + b"00000000 hal")
    assert replayed(spool) == [b"whole"]
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_line_is_left_out_and_its_file_kept(spool: Spool, tmp_path: Path) -> None:
    good = line(tmp_path, b"whole")
    (tmp_path / "kind-1-x.spool").write_bytes(good + b"00000000 damaged\n" + good)
    assert replayed(spool) == [b"whole", b"whole"]
    assert [path.name for path in tmp_path.iterdir()] == ["kind-1-x.damaged"]


def line(folder: Path, record: bytes) -> bytes:
    """*record* as it stands in a file."""
    one = Spool(folder / "made", "kind", ROOM)
    one.put(record)
    (path,) = (folder / "made").iterdir()
    written = path.read_bytes()
    one.replay(lambda _: None)
    one.close()
    (folder / "made").rmdir()
    return written


def test_it_holds_no_more_than_its_room_over_all_processes(tmp_path: Path) -> None:
    one, other = Spool(tmp_path, "kind", 100), Spool(tmp_path, "kind", 100)
    one.put(b"x" * 40)
    with pytest.raises(StorageError, match="no room"):
        other.put(b"x" * 60)
    other.put(b"x" * 20)
    one.close()
    other.close()


@pytest.mark.parametrize("cut", [True, False], ids=["the half line can be removed", "it stays"])
def test_a_full_disk_loses_nothing_acknowledged(spool: Spool, monkeypatch: pytest.MonkeyPatch, cut: bool) -> None:
    write, truncate = os.write, os.ftruncate
    spool.put(b"before")
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    if not cut:
        monkeypatch.setattr(os, "ftruncate", full)
    with pytest.raises(StorageError, match="no room"):
        spool.put(b"refused")
    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "ftruncate", truncate)
    spool.put(b"after")
    assert replayed(spool) == [b"before", b"after"]


def test_what_cannot_be_synced_is_not_acknowledged(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.put(b"before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError):
        spool.put(b"refused")
    monkeypatch.undo()
    assert replayed(spool) == [b"before"]


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "full")


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    spool = Spool(tmp_path / "file", "kind", ROOM)
    with pytest.raises(StorageError):
        spool.put(b"x")
    assert not spool.waiting
    spool.close()


def test_many_threads_set_down_at_once(spool: Spool) -> None:
    threads = [threading.Thread(target=lambda n=n: [spool.put(b"%d-%d" % (n, m)) for m in range(20)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(replayed(spool)) == sorted(b"%d-%d" % (n, m) for n in range(8) for m in range(20))
