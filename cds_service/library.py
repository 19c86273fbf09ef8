"""
The library: the content in force, looked at every second, swapped whole or not at all.

A bad edit keeps the last good content and says so. The last good content is also kept on
disk, so a start with broken files still serves what worked before, and says so too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from cds_service import content, folders
from cds_service.content import Content
from cds_service.errors import ContentError, NotReady, Problem

Announce = Callable[[str, dict[str, object]], None]


@dataclass(slots=True)
class Status:
    """What is in force and how the last look went; ``problems`` are those of a refused edit."""

    digest: str = ""
    loaded_at: datetime | None = None
    revision: int = 0
    from_last_good: bool = False
    problems: tuple[Problem, ...] = ()
    refused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """The folders content comes from; ``data`` is where the last good content is kept."""

    rules: Path
    cards: Path
    data: Path | None = None
    site: Path | None = None
    licences: frozenset[str] = frozenset()

    def files(self) -> dict[str, bytes]:
        """Every content file. Raises ContentError."""
        found = {**folders.snapshot(self.rules, "rules"), **folders.snapshot(self.cards, "cards")}
        if self.site is not None and self.site.is_dir():
            found.update(folders.snapshot(self.site, "site"))
        return found

    def fingerprint(self) -> object:
        """Different whenever a content file was edited."""
        return [folders.fingerprint(folder) for folder in (self.rules, self.cards, self.site) if folder is not None]


@dataclass
class Library:
    """The content in force. ``announce`` is told every change: an event word and fields that may be logged."""

    places: Places
    announce: Announce = lambda event, fields: None
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    status: Status = field(default_factory=Status)
    _content: Content | None = None
    _seen: object = None

    @property
    def content(self) -> Content:
        """The content in force. Raises NotReady when there is none."""
        if self._content is None:
            raise NotReady("no rules are in force yet")
        return self._content

    @property
    def ready(self) -> bool:
        """Whether any content is in force."""
        return self._content is not None

    def start(self) -> None:
        """Load the content; when it is broken, the last good content from disk."""
        self.look()
        if self._content is None:
            self._recover()

    def look(self) -> bool:
        """
        Look at the folders and swap the content if they changed; True when a swap happened.

        A broken edit changes nothing but the status.
        """
        day = self.today()
        seen = (self.places.fingerprint(), day)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            files = self.places.files()
            known = folders.digest(files)
            if self._content is not None and known == self._content.digest and day == self._content.day:
                self.status.problems = ()
                return False
            made = content.build(
                files, today=day, licences=self.places.licences, run_examples=not self._passed(known, day)
            )
        except ContentError as error:
            self._refuse(error.problems)
            return False
        self._swap(made)
        return True

    def _swap(self, made: Content) -> None:
        self._content = made
        revision = self.status.revision + 1
        self.status = Status(made.digest, datetime.now(UTC), revision)
        self._keep(made)
        self.announce("content_loaded", {"digest": made.digest, "revision": revision, **made.counts})

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        self.status.problems = problems
        self.status.refused_at = datetime.now(UTC)
        for problem in problems[:20]:
            self.announce("content_refused", {"problem": str(problem), "digest": self.status.digest})

    # the last good content on disk

    @property
    def _kept(self) -> Path | None:
        return self.places.data / "last-good-content.zip" if self.places.data else None

    def _passed(self, known: str, day: date) -> bool:
        kept = self.places.data / "examples-passed" if self.places.data else None
        try:
            return kept is not None and kept.read_text() == f"{known} {day}"
        except OSError:
            return False

    def _keep(self, made: Content) -> None:
        if self._kept is None:
            return
        with contextlib.suppress(OSError):
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            _write(self._kept, folders.pack(made.files))
            _write(self._kept.parent / "examples-passed", f"{made.digest} {made.day}".encode())

    def _recover(self) -> None:
        if self._kept is None or not self._kept.is_file():
            return
        try:
            files = folders.unpack(self._kept.read_bytes())
            made = content.build(files, today=self.today(), licences=self.places.licences, run_examples=False)
        except (OSError, zipfile.BadZipFile, ContentError):
            self.announce("content_not_recovered", {})
            return
        problems, refused_at = self.status.problems, self.status.refused_at
        self._content = made
        self.status = Status(made.digest, datetime.now(UTC), 1, True, problems, refused_at)
        self.announce("content_recovered", {"digest": made.digest})

    async def watch(self, seconds: float) -> None:
        """Look every *seconds*, off the event loop, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self.look)
            except Exception as error:  # the watcher must outlive any single look
                self.announce("content_look_failed", {"error": type(error).__name__})


def _write(path: Path, data: bytes) -> None:
    half = path.with_suffix(".tmp")
    half.write_bytes(data)
    os.replace(half, path)
