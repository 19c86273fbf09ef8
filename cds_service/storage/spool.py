"""
A spool: records set down on the local disk for as long as the database is away.

Each process appends to a file of its own, which it holds locked; files whose process is gone are taken up by whoever
comes by. A line carries a checksum, so that half a line (a kill, a full disk) is told from a whole one. A file is
emptied only after everything in it was handed over, so what is handed over may come twice.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cds_service.errors import StorageError
from cds_service.telemetry import log

Take = Callable[[Sequence[bytes]], None]
"""Takes records over; raises StorageError when it cannot now."""

SUFFIX = ".spool"
_AT_ONCE = 200
_MODE = 0o600


class Spool:
    """
    Records of one kind, in *folder*.

    With *lasting*, a record that was put is on the disk and outlasts a power cut, and all files together take no more
    than *room* bytes; otherwise it outlasts the process, and *room* is that of the own file.
    """

    def __init__(self, folder: Path, kind: str, room: int, *, lasting: bool = True) -> None:
        self._folder = folder
        self._kind = kind
        self._room = room
        self._lasting = lasting
        self._lock = threading.Lock()
        self._replaying = threading.Lock()
        self._file = -1
        self._path = folder
        self._size = 0

    def put(self, record: bytes) -> None:
        """Set *record* down; StorageError when there is no room or no disk for it."""
        line = _line(record)
        with self._lock:
            try:
                self._append(line)
            except OSError as error:
                raise StorageError("There is no room on the disk to keep it.") from error

    @property
    def waiting(self) -> bool:
        """Whether there is anything to hand over."""
        return self._size > 0 or any(_size(path) for path in self._others())

    def replay(self, take: Take) -> None:
        """Hand everything over, the oldest files first; StorageError when *take* stops it."""
        with self._replaying:
            self.adopt(take)
            self._replay_own(take)

    def adopt(self, take: Take) -> None:
        """Hand over the files of processes that are gone, the oldest first; StorageError when *take* stops it."""
        for path in self._others():
            _adopt(path, take)

    def clear(self) -> None:
        """Forget what stands in the own file."""
        with self._lock:
            if self._size:
                self._empty()

    def close(self) -> None:
        """Let go of the file; an empty one is removed, another waits for the next start."""
        with self._lock:
            self._leave()

    def _append(self, line: bytes) -> None:
        if self._file < 0:
            self._begin()
        beside = sum(map(_size, self._others())) if self._lasting else 0
        if self._size + len(line) + beside > self._room:
            raise OSError("spool is full")
        try:
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError("half a line")
            if self._lasting:
                os.fsync(self._file)
        except OSError:
            self._take_back()
            raise
        self._size += len(line)

    def _take_back(self) -> None:
        """Remove half a line; where even that fails the file is left to itself, and a new one begun."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self._leave()

    def _empty(self) -> None:
        with suppress(OSError):
            os.ftruncate(self._file, 0)
            self._size = 0

    def _begin(self) -> None:
        """A file of our own: locked before others can see it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{self._kind}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        draft = self._folder / f".{name}"
        file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, _MODE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.rename(self._folder / name)
            _settle(self._folder)
        except OSError:
            os.close(file)
            draft.unlink(missing_ok=True)
            raise
        self._file, self._path, self._size = file, self._folder / name, 0

    def _leave(self) -> None:
        if self._file >= 0:
            with suppress(OSError):
                if os.fstat(self._file).st_size == 0:
                    self._path.unlink(missing_ok=True)
            os.close(self._file)
        self._file, self._size = -1, 0

    def _replay_own(self, take: Take) -> None:
        """Hand over our own file while it may still grow, and empty it once it doesn't."""
        done = 0
        while True:
            with self._lock:
                file, size = self._file, self._size
                if file >= 0 and done >= size:
                    self._empty()
                if file < 0 or done >= size:
                    return
            _hand_over(whole(os.pread(file, size - done, done)), take)
            done = size

    def _others(self) -> list[Path]:
        """The files of other processes, gone or not, by age."""
        found: list[tuple[float, Path]] = []
        for path in self._folder.glob(f"{self._kind}-*{SUFFIX}"):
            if path != self._path or self._file < 0:
                with suppress(OSError):
                    found.append((path.stat().st_mtime, path))
        return [path for _, path in sorted(found)]


def _line(record: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(record), record)


class Read(NamedTuple):
    """The records of a file; ``damaged`` when a line that was once whole no longer is."""

    records: list[bytes]
    damaged: bool


def whole(data: bytes) -> Read:
    """The records in *data*, without lines that are damaged; half a line at the end was never whole."""
    *lines, half = data.split(b"\n")
    parts = [line.partition(b" ") for line in lines]
    records = [record for check, _, record in parts if check == b"%08x" % zlib.crc32(record)]
    lost = len(lines) - len(records)
    if lost or half:
        log().warning("spool lines were damaged", count=lost + bool(half))
    return Read(records, lost > 0)


def _hand_over(read: Read, take: Take) -> None:
    for start in range(0, len(read.records), _AT_ONCE):
        take(read.records[start : start + _AT_ONCE])


def _adopt(path: Path, take: Take) -> None:
    """Hand over the file of a process that is gone, then remove it or, if damaged, keep it aside."""
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_nlink:  # else another took it up meanwhile
            read = whole(os.pread(file, os.fstat(file).st_size, 0))
            _hand_over(read, take)
            if read.damaged:
                path.rename(path.with_suffix(".damaged"))
            else:
                path.unlink(missing_ok=True)
    except OSError:
        return
    finally:
        os.close(file)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _settle(folder: Path) -> None:
    """Have the name of a new file outlast a power cut."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
