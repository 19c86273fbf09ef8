"""
The library: the content in force, looked at every second, swapped whole or not at all.

A bad edit keeps the last good content and says so. The last good content is also kept on
disk, so a start with broken files still serves what worked before, and says so too.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from cds_service import __version__, content, folders, shelf
from cds_service.clients.clients import FILE as CLIENTS
from cds_service.content import Content
from cds_service.courtesy import giving_way
from cds_service.errors import ContentError, NotReady, Problem
from cds_service.telemetry import place

Announce = Callable[[str, dict[str, object]], None]
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
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
        found: dict[str, bytes] = {}
        problems: list[Problem] = []
        for name, folder in self._folders():
            try:
                found.update(folders.snapshot(folder, name))
            except ContentError as error:
                problems.extend(error.problems)
        if problems:
            raise ContentError(problems)
        found.pop(f"site/{CLIENTS}", None)
        return found

    def fingerprint(self) -> object:
        """Different whenever a content file was edited."""
        return [folders.fingerprint(folder, name) for name, folder in self._folders()]

    def _folders(self) -> list[tuple[str, Path]]:
        named = [("rules", self.rules), ("cards", self.cards)]
        return [*named, ("site", self.site)] if self.site is not None else named


@dataclass
class Library:
    """
    The content in force. ``announce`` is told every change: an event word and fields that may be logged.

    ``settling`` is how many seconds an edit must rest before it is read: editors write in several steps.
    """

    places: Places
    announce: Announce = lambda event, fields: None
    today: Callable[[], date] = lambda: datetime.now(UTC).date()
    settling: float = 0.1
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

        A broken edit changes nothing but the status. An edit that is still going on waits for the next look.
        """
        day = self.today()
        seen = (self.places.fingerprint(), day)
        if seen == self._seen or self._being_written(seen[0]):
            return False
        self._seen = seen
        made: Content | tuple[Problem, ...] | None
        try:
            made = self._made(day)
        except ContentError as error:
            made = error.problems
        except Exception as error:  # whatever a file makes us do, the content in force stays
            self.announce("content_look_failed", {"error": type(error).__name__, "place": place(error)})
            made = (Problem("content", 1, f"it cannot be read ({type(error).__name__})", "undo the last edit"),)
        if self._content is not None and self.places.fingerprint() != seen[0]:
            self._seen = None  # half of what was read may be older than the other half
            return False
        return self._take(made)

    def _being_written(self, fingerprint: object) -> bool:
        """Whether the folders go on changing; asked only while there is content in force to go on with."""
        if self._content is None:
            return False
        time.sleep(self.settling)
        return self.places.fingerprint() != fingerprint

    def _made(self, day: date) -> Content | None:
        """The content of the folders, None when it is what is in force. Raises ContentError."""
        files = self.places.files()
        known = folders.digest(files)
        if self._content is not None and known == self._content.digest and day == self._content.day:
            return None
        examples = not self._passed(known, day)
        return content.build(
            files, today=day, licences=self.places.licences, run_examples=examples, before=self._content
        )

    def _take(self, made: Content | tuple[Problem, ...] | None) -> bool:
        if isinstance(made, tuple):
            self._refuse(made)
        elif made is not None:
            self._swap(made)
        elif self.status.problems or self.status.from_last_good:
            self.status = replace(self.status, problems=(), refused_at=None, from_last_good=False)
            self.announce("content_restored", {"digest": self.status.digest})
        return isinstance(made, Content)

    def _swap(self, made: Content) -> None:
        self._content = made
        revision = self.status.revision + 1
        self.status = Status(made.digest, datetime.now(UTC), revision)
        self._keep(made)
        self.announce("content_loaded", {"digest": made.digest, "revision": revision, **made.counts})

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        self.status = replace(self.status, problems=problems, refused_at=datetime.now(UTC))
        self.announce("content_refused", {"count": len(problems), "digest": self.status.digest})
        for problem in problems[:_MOST_TOLD]:
            self.announce("content_problem", {"problem": str(problem)})

    # the last good content on disk

    @property
    def _kept(self) -> Path | None:
        return self.places.data / "last-good-content.zip" if self.places.data else None

    def _passed(self, known: str, day: date) -> bool:
        kept = self.places.data / "examples-passed" if self.places.data else None
        try:
            return kept is not None and kept.read_text() == _mark(known, day)
        except (OSError, ValueError):
            return False

    def _keep(self, made: Content) -> None:
        if self._kept is None:
            return
        try:
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            packed = folders.pack(made.files)
            _write(self._kept, packed)
            shelf.put(self._kept.parent, made.digest, packed)
            _write(self._kept.parent / "examples-passed", _mark(made.digest, made.day).encode())
        except OSError as error:
            self.announce("content_not_kept", {"error": type(error).__name__})

    def _recover(self) -> None:
        if self._kept is None or not self._kept.is_file():
            return
        try:
            files = folders.unpack(self._kept.read_bytes())
            made = content.build(files, today=self.today(), licences=self.places.licences, run_examples=False)
        except Exception as error:  # a damaged file may make the archive reader raise nearly anything
            self.announce("content_not_recovered", {"error": type(error).__name__})
            return
        self._content = made
        self.status = replace(
            self.status, digest=made.digest, loaded_at=datetime.now(UTC), revision=1, from_last_good=True
        )
        self.announce("content_recovered", {"digest": made.digest})

    async def watch(self, seconds: float, busy: Callable[[], bool] = lambda: False) -> None:
        """Look every *seconds*, off the event loop, until cancelled; while calls are *busy* they go first."""
        while True:
            await asyncio.sleep(seconds)
            try:
                with giving_way(busy):
                    await asyncio.to_thread(self.look)
            except Exception as error:  # the watcher must outlive any single look
                self.announce("content_look_failed", {"error": type(error).__name__, "place": place(error)})


def _mark(known: str, day: date) -> str:
    """What says that the examples of this content passed on this day, as this version of the service runs them."""
    return f"{known} {day} {__version__}"


def _write(path: Path, data: bytes) -> None:
    half = path.with_suffix(".tmp")
    half.write_bytes(data)
    os.replace(half, path)
