"""One resource's account of an exam, cut down to what joining and dating need."""

from __future__ import annotations

from typing import Final, NamedTuple

from cds_service.fhir.dates import When
from cds_service.fhir.resources import Resource
from cds_service.vocabulary.exams import Exam

STUDY, PROCEDURE, REPORT, DOSE, DOCUMENT, ORDER = range(6)
"""Kinds of account; a lower one is believed first when dates conflict."""

DENIED: Final = -1  # says the exam was cancelled or not done
PENDING: Final = 1  # asked for, not done
POSSIBLE: Final = 2
CERTAIN: Final = 3

DIAGNOSTIC: Final = "diagnostic"
SOME_EXAM: Final = Exam("", frozenset())
"""Imaging took place, but not even the modality could be read."""


class Seen(NamedTuple):
    """
    What was recognised, and its name.

    ``exam`` is None where the resource shows no exposure of its own (a dose report, an image import).
    ``sure`` is False when code, text and images disagree.
    """

    exam: Exam | None = None
    purpose: str = DIAGNOSTIC
    sure: bool = True
    name: str = ""


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


class Record:
    """
    One account of an exam.

    ``title`` is what the resource calls the exam; ``said`` is how its date came about: empty for the exam's own
    date, otherwise ``reported``, ``filed`` or ``requested``. ``twin`` is True when its source alone does not tell
    it from others.
    """

    __slots__ = ("keys", "kind", "said", "seen", "source", "standing", "teller", "title", "twin", "when")

    def __init__(
        self, kind: int, standing: int, source: str, when: When | None, seen: Seen, keys: Keys, teller: Resource | None
    ) -> None:
        self.kind = kind
        self.standing = standing
        self.source = source
        self.when = when
        self.seen = seen
        self.keys = keys
        self.teller = teller
        self.said = ""
        self.title = ""
        self.twin = source[-1] == "/"

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
