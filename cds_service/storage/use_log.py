"""
A log of used tokens that several processes append to, without locks.

One line is 32 bytes, appended with one system call; the system puts appended lines in an
order that is the same for everybody, and whoever stands first in it was first. A file holds
some minutes by the machine's own clock, which no correction of the time of day moves, and
goes once all in it is over. A torn line, as a full disk leaves it, is skipped.
"""

from __future__ import annotations

import errno
import math
import os
import secrets
import struct
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

SLOT_SECONDS = 600
SLOW_SECONDS = 0.05
"""A line takes some microseconds, unless the disk or the machine is in trouble."""

_LINE = struct.Struct("<16sIQ")
_CHECK = struct.Struct("<I")
_SIZE = _LINE.size + _CHECK.size
_BOOT = Path("/proc/sys/kernel/random/boot_id")

Use = tuple[bytes, float]
"""The name of a token, and for how many seconds it must be known."""


class Claim(NamedTuple):
    """Whether a name was ours first, and what others have used meanwhile."""

    first: bool
    others: Sequence[Use]


class _Line(NamedTuple):
    name: bytes
    left: float
    writer: int


_UNDISPUTED = Claim(True, ())


def since_boot() -> float:
    """Seconds since the machine started, the same for every process on it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class UseLog:
    """The log in *folder*; nothing in it matters longer than *keep* seconds. OSError when it cannot be opened."""

    def __init__(self, folder: Path, keep: float, *, uptime: Callable[[], float] = since_boot) -> None:
        self._folder = folder
        self._keep = keep
        self._uptime = uptime
        self._boot = _boot()
        self._me = secrets.randbits(64)
        self._slot = -1
        self._file = -1
        self._read = 0
        self.slow = 0
        """How many lines in a row took too long."""
        self.interrupted = False
        """Whether the machine went down while there were uses that may not have reached the disk."""
        folder.mkdir(parents=True, exist_ok=True)
        self._earlier = list(self._whole())
        self._turn()

    def earlier(self) -> Sequence[Use]:
        """What was used before, and is not over."""
        return self._earlier

    def claim(self, uses: Sequence[Use], name: bytes) -> Claim:
        """Write *uses* down, *name* among them; whether *name* stands in the log for the first time. Raises OSError."""
        lines = b"".join([self._line(*use) for use in uses])
        seen = [*self._turn(), *self._append(lines)]
        while self._slot != self._now():
            # The file changed under our pen: those who write the new one look for us there.
            seen += [*self._turn(), *self._append(lines)]
        return self._claim(seen, name) if seen else _UNDISPUTED

    def news(self) -> Sequence[Use]:
        """What others have used since we last looked. Raises OSError, also once when the log was removed."""
        if self._file >= 0 and os.fstat(self._file).st_nlink == 0:
            self.close()
            raise OSError(errno.ENOENT, "the log was removed")
        return self._claim([*self._turn(), *self._news()], b"").others

    def _claim(self, seen: Sequence[_Line], name: bytes) -> Claim:
        first = next((one.writer == self._me for one in seen if one.name == name), True)
        return Claim(first, [(one.name, one.left) for one in seen if one.writer != self._me])

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _now(self) -> int:
        return int(self._uptime() // SLOT_SECONDS)

    def _path(self, slot: int) -> Path:
        return self._folder / f"{self._boot}-{slot}.log"

    def _line(self, name: bytes, seconds: float) -> bytes:
        line = _LINE.pack(name, min(math.ceil(time.time() + seconds), 0xFFFFFFFF), self._me)
        return line + _CHECK.pack(zlib.crc32(line))

    def _turn(self) -> Sequence[_Line]:
        """Go to the file of this time, if it is another; what others wrote until then, there and here."""
        slot = self._now()
        if slot == self._slot and self._file >= 0:
            return ()
        seen = [*self._news()] if self._file >= 0 else []
        file = os.open(self._path(slot), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self.close()
        self._file, self._slot, self._read = file, slot, 0
        self._tidy()
        return [*seen, *self._news()]

    def _append(self, lines: bytes) -> Sequence[_Line]:
        """Write *lines*; what stands in the file that we have not read, our own included, if anybody else wrote."""
        began = time.monotonic()
        if os.write(self._file, lines) != len(lines):
            raise OSError(errno.ENOSPC, "a line was cut short")
        self.slow = self.slow + 1 if time.monotonic() - began > SLOW_SECONDS else 0
        end = os.lseek(self._file, 0, os.SEEK_CUR)  # an appending write leaves the place just behind itself
        if end == self._read + len(lines):
            self._read = end
            return ()
        return self._until(end)

    def _news(self) -> Sequence[_Line]:
        return self._until(os.fstat(self._file).st_size)

    def _until(self, end: int) -> Sequence[_Line]:
        fresh = os.pread(self._file, end - self._read, self._read)
        self._read += len(fresh)
        return list(_lines(fresh, time.time()))

    def _whole(self) -> Iterator[Use]:
        """Everything in the folder that is not over."""
        for path in sorted(self._folder.glob("*.log")):
            live = [one for one in _lines(path.read_bytes(), time.time()) if one.left > 0]
            self.interrupted = self.interrupted or bool(live and not path.name.startswith(f"{self._boot}-"))
            yield from ((one.name, min(one.left, self._keep)) for one in live)

    def _tidy(self) -> None:
        """Remove files in which all is over."""
        before = time.time() - self._keep - SLOT_SECONDS
        for path in self._folder.glob("*.log"):
            try:
                if path != self._path(self._slot) and path.stat().st_mtime < before:
                    path.unlink()
            except OSError:
                continue


def used(folder: Path) -> set[bytes]:
    """The names in the log in *folder* that are not over; nothing is written."""
    now = time.time()
    return {one.name for path in folder.glob("*.log") for one in _lines(path.read_bytes(), now) if one.left > 0}


def _lines(written: bytes, now: float) -> Iterator[_Line]:
    """The whole lines in *written*: torn ones are skipped."""
    place = 0
    while place + _SIZE <= len(written):
        line = written[place : place + _LINE.size]
        if _CHECK.unpack_from(written, place + _LINE.size)[0] == zlib.crc32(line):
            name, until, writer = _LINE.unpack(line)
            yield _Line(name, until - now, writer)
            place += _SIZE
        else:
            place += 1


def _boot() -> str:
    """What tells this run of the machine from the one before."""
    try:
        return _BOOT.read_text("ascii").strip().replace("-", "")
    except (OSError, ValueError):
        return "machine"
