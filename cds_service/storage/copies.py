"""
Copies on the local disk of what the journal still holds in memory: a kill loses nothing that was answered.

Two files take turns. While one is written, what stands in the other reaches the database; then it is emptied.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from cds_service.errors import StorageError
from cds_service.storage.spool import Spool, Take

ROOM = 32_000_000
"""Bytes of each file."""

NOWHERE = -1
"""Where a record stands that found no room on the disk."""


class Copies:
    """Copies in *folder*; they outlast the process, not a power cut."""

    def __init__(self, folder: Path, room: int = ROOM) -> None:
        self._lock = threading.Lock()
        self._files = tuple(Spool(folder, "journal", room, lasting=False) for _ in range(2))
        self._waiting = [0, 0]
        self._now = 0

    def put(self, record: bytes) -> int:
        """Set *record* down; where, for ``done``. Never fails: without room it stands nowhere."""
        with self._lock:
            try:
                self._files[self._now].put(record)
            except StorageError:
                return NOWHERE
            self._waiting[self._now] += 1
            return self._now

    def done(self, places: Iterable[int]) -> None:
        """Records that stand at *places* need their copies no more."""
        with self._lock:
            for place in places:
                if place != NOWHERE:
                    self._waiting[place] -= 1
            for place, file in enumerate(self._files):
                if not self._waiting[place]:
                    file.clear()
                    self._now = place

    def adopt(self, take: Take) -> None:
        """Hand over what a process that is gone has left; StorageError when *take* stops it."""
        self._files[0].adopt(take)

    def close(self) -> None:
        """Let go of the files; what is left in them waits for the next start."""
        for file in self._files:
            file.close()
