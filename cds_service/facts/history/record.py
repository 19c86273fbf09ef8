"""One resource's account of an exam, cut down to what joining and dating need."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from cds_service.fhir.dates import When
from cds_service.vocabulary.exams import Exam

STUDY, PROCEDURE, REPORT, DOSE, DOCUMENT, ORDER = range(6)
"""Kinds of account; a lower one is believed first when dates conflict."""

_DESCRIBED: Final = (STUDY, DOCUMENT)

DENIED: Final = -1  # says the exam was cancelled or not done
PENDING: Final = 1  # asked for, not done
POSSIBLE: Final = 2
CERTAIN: Final = 3

PRECISE: Final = 3
"""A date of that many days or more joins nothing without a key."""

DIAGNOSTIC: Final = "diagnostic"
SOME_EXAM: Final = Exam("", frozenset())
"""Imaging took place, but not even the modality could be read."""


class Seen:
    """
    What was recognised, its name, and the resource's own words for it.

    ``exam`` is None where the resource shows no exposure of its own (a dose report, an image import).
    ``sure`` is False when code, text and images disagree. ``open`` says that modality or region are not told,
    so that other accounts of the exam may tell them. Made once for each distinct text, and compared as such.
    """

    __slots__ = ("exam", "modality", "name", "open", "purpose", "sure", "title")

    def __init__(
        self, exam: Exam | None = None, purpose: str = DIAGNOSTIC, *, sure: bool = True, name: str = "", title: str = ""
    ) -> None:
        self.exam = exam
        self.purpose = purpose
        self.sure = sure
        self.name = name
        self.title = title
        self.modality = exam.modality if exam is not None else ""
        self.open = not self.modality or exam is None or not exam.regions

    def called(self, name: str, title: str = "") -> Seen:
        """The same under a name and the resource's own words."""
        return Seen(self.exam, self.purpose, sure=self.sure, name=name, title=title)


class Keys:
    """
    What ties one account to another.

    ``uids`` are Study Instance UIDs; ``accessions`` pairs of assigner system and number; ``links`` are
    ``Type/id`` (or ``*/id``, ``uid:…``) of resources about the same exam; ``orders`` name the order behind it.
    """

    __slots__ = ("accessions", "links", "orders", "uids")

    def __init__(self) -> None:
        self.uids: tuple[str, ...] = ()
        self.accessions: tuple[tuple[str, str], ...] = ()
        self.links: tuple[str, ...] = ()
        self.orders: tuple[str, ...] = ()


NO_KEYS: Final = Keys()


class Record(msgspec.Struct, eq=False, gc=False):
    """
    One account of an exam.

    ``said`` is how its date came about: empty for the exam's own date, otherwise ``reported``, ``filed`` or
    ``requested``. What joining asks (``source`` as Type/id, ``keys``, and ``twin``: whether its source alone
    does not tell it from others) is added to those accounts that are joined at all.
    """

    kind: int
    standing: int
    teller: Any
    seen: Seen
    when: When | None
    said: str = ""
    source: str = ""
    keys: Keys = NO_KEYS
    twin: bool = False

    @property
    def title(self) -> str:
        """What the resource calls the exam."""
        if self.kind in _DESCRIBED:
            return self.teller.description or ""
        return self.seen.title

    def rank(self) -> tuple[object, ...]:
        """A sort key that never depends on the order in which resources came; the one believed first is first."""
        when = self.when
        if not self.twin:
            return (self.kind, 0 if when is None else when.day, self.source)
        exam, keys = self.seen.exam, self.keys
        return (
            self.kind,
            0 if when is None else when.day,
            self.source,
            (0, 0.0) if when is None else (when.until, when.first.timestamp()),
            ("", 0) if exam is None else (exam.modality, exam.mask, exam.contrast or "", exam.passes),
            (self.standing, self.seen.purpose, self.seen.sure, self.said),
            (keys.uids, keys.accessions, keys.links, keys.orders),
        )
