"""Used tokens: once among processes, across restarts and kills, bounded, and never in the way of advice."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cds_service.errors import NotReady
from cds_service.storage import use_log
from cds_service.storage.use_log import SLOT_SECONDS, UseLog
from cds_service.storage.used_tokens import REST_SECONDS, UsedTokens, used_tokens


def name(number: int = 0) -> bytes:
    return number.to_bytes(16, "big")


def first(tokens: UsedTokens, number: int = 0, seconds: float = 300) -> bool:
    return asyncio.run(tokens.first(name(number), seconds))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_name_is_taken_once(tmp_path):
    tokens = used_tokens(tmp_path, 300)
    assert [first(tokens, number) for number in (1, 2, 1, 2, 3)] == [True, True, False, False, True]
    assert tokens.since == 0


def test_two_processes_take_a_name_once_whoever_comes_first(tmp_path):
    one, other = used_tokens(tmp_path, 300), used_tokens(tmp_path, 300)
    assert first(one, 1) and not first(other, 1)
    assert first(other, 2) and not first(one, 2)
    one.look()
    assert len(one) == len(other) == 2


def test_whoever_starts_knows_what_was_used(tmp_path):
    assert first(used_tokens(tmp_path, 300), 1)
    later = used_tokens(tmp_path, 300)
    assert len(later) == 1 and not first(later, 1) and later.since == 0


def test_many_processes_at_once(tmp_path):
    """Each of four processes tries the same 300 names in the same order; every name is given once."""
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom cds_service.storage.used_tokens import used_tokens\n"
        "tokens = used_tokens(Path(sys.argv[1]), 300)\nsys.stdin.read(1)\n"
        "async def all():\n    return [await tokens.first(n.to_bytes(16, 'big'), 300) for n in range(300)]\n"
        "print(''.join('1' if one else '0' for one in asyncio.run(all())))"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    time.sleep(1)
    for run in runs:
        run.stdin.write("x")
        run.stdin.flush()
    told = [run.communicate(timeout=60)[0].strip() for run in runs]
    assert [sum(int(said[place]) for said in told) for place in range(300)] == [1] * 300


def test_what_is_over_goes_and_nothing_before(tmp_path):
    clock = Clock()
    tokens = UsedTokens(None, clock=clock)
    for minute in range(60):
        for number in range(100):
            assert first(tokens, minute * 100 + number, 300)
        clock.now += 60
        assert len(tokens) <= 100 * 7
        assert not first(tokens, minute * 100)


def test_without_room_a_token_is_put_off_and_nothing_is_pushed_out():
    tokens = UsedTokens(None, room=10)
    for number in range(10):
        assert first(tokens, number)
    with pytest.raises(NotReady):
        first(tokens, 10)
    assert not any(first(tokens, number) for number in range(10))


def test_files_turn_and_old_ones_go(tmp_path, monkeypatch):
    hours = [1_000_000.0]
    one, other = (UseLog(tmp_path, 300, uptime=lambda: hours[0]) for _ in range(2))
    assert one.claim([(name(1), 300)], name(1)).first
    hours[0] += SLOT_SECONDS
    assert not other.claim([(name(1), 300)], name(1)).first
    assert one.claim([(name(2), 300)], name(2)).first and len(list(tmp_path.glob("*.log"))) == 2
    for file in tmp_path.glob("*.log"):
        os.utime(file, (0, 0))
    hours[0] += SLOT_SECONDS
    one.claim([(name(3), 300)], name(3))
    assert len(list(tmp_path.glob("*.log"))) == 1
    one.close()
    other.close()


def test_a_file_that_turns_while_a_line_is_written(tmp_path):
    """One process is a whole slot late with its line; whoever wrote in the new file meanwhile is seen."""
    late, time_ = [0.0], [0.0]
    other = UseLog(tmp_path, 300, uptime=lambda: time_[0])

    def uptime() -> float:
        late[0] += 1
        return 0.0 if late[0] <= 3 else float(SLOT_SECONDS)

    one = UseLog(tmp_path, 300, uptime=uptime)
    time_[0] = SLOT_SECONDS
    assert other.claim([(name(1), 300)], name(1)).first
    late[0] = 2
    assert not one.claim([(name(1), 300)], name(1)).first
    one.close()
    other.close()


def test_torn_lines_are_skipped(tmp_path):
    log = UseLog(tmp_path, 300)
    log.claim([(name(1), 300)], name(1))
    (file,) = tmp_path.glob("*.log")
    with file.open("ab") as torn:
        torn.write(b"\x01torn line")
    log.claim([(name(2), 300)], name(2))
    log.close()
    again = UseLog(tmp_path, 300)
    assert {one for one, _ in again.earlier()} == {name(1), name(2)}
    again.close()


def test_after_the_machine_went_down_older_tokens_are_not_believed(tmp_path, monkeypatch):
    tokens = used_tokens(tmp_path, 300)
    first(tokens, 1)
    monkeypatch.setattr(use_log, "_boot", lambda: "another")
    later = used_tokens(tmp_path, 300)
    assert not first(later, 1) and abs(later.since - time.time()) < 5
    for file in (tmp_path / "used-tokens").glob("*.log"):
        file.unlink()
    assert used_tokens(tmp_path, 300).since == 0


def test_without_a_place_for_the_log_older_tokens_are_not_believed(tmp_path):
    (tmp_path / "used-tokens").write_text("in the way")
    tokens = used_tokens(tmp_path, 300)
    assert first(tokens, 1) and not first(tokens, 1) and abs(tokens.since - time.time()) < 5


@pytest.mark.parametrize("fault", ["full", "short", "slow"])
def test_a_disk_that_fails_costs_no_advice_and_catches_up(tmp_path, monkeypatch, fault):
    clock = Clock()
    tokens = UsedTokens(UseLog(tmp_path, 300), clock=clock)
    real = os.write

    def broken(file: int, line: bytes) -> int:
        if fault == "full":
            raise OSError(28, "full")
        if fault == "short":
            return real(file, line[:5])
        time.sleep(0.06)
        return real(file, line)

    monkeypatch.setattr(use_log.os, "write", broken)
    assert first(tokens, 1) and first(tokens, 2) and not first(tokens, 1)
    began = time.monotonic()
    assert [first(tokens, number) for number in range(3, 40)] == [True] * 37
    assert time.monotonic() - began < 1
    monkeypatch.setattr(use_log.os, "write", real)
    clock.now += REST_SECONDS + 1
    assert first(tokens, 40)
    again = UseLog(tmp_path, 300)
    assert {one for one, _ in again.earlier()} == {name(number) for number in range(1, 41)}
    again.close()


def test_a_log_that_was_removed_is_begun_anew(tmp_path):
    clock = Clock()
    tokens = UsedTokens(UseLog(tmp_path, 300), clock=clock)
    first(tokens, 1)
    for file in tmp_path.glob("*.log"):
        file.unlink()
    tokens.look()
    clock.now += REST_SECONDS + 1
    assert first(tokens, 2) and not first(tokens, 1)
    assert list(Path(tmp_path).glob("*.log"))
