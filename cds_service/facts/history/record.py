"""One resource's account of an exam, cut down to what joining and dating need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cds_service.fhir.dates import When
from cds_service.fhir.resources import DiagnosticReport, DocumentReference, ImagingStudy, Observation, Procedure
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

Teller = ImagingStudy | Procedure | DiagnosticReport | Observation | DocumentReference


@dataclass(slots=True)
class Keys:
    """
    What ties one account to another.

    ``uids`` are Study Instance UIDs; ``accessions`` pairs of assigner system and number; ``links`` are
    ``Type/id`` (or ``*/id``, ``uid:…``) of resources about the same exam; ``orders`` name the order behind it.
    """

    uids: list[str] = field(default_factory=list)
    accessions: list[tuple[str, str]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Record:
    """
    One account of an exam.

    ``exam`` is None where the resource shows no exposure of its own (a dose report, an image import).
    ``sure`` is False when its code, text and images disagree. ``said`` is how its date came about:
    empty for the exam's own date, otherwise ``reported``, ``filed`` or ``requested``.
    """

    kind: int
    standing: int
    source: str
    when: When | None
    exam: Exam | None
    keys: Keys
    teller: Teller | None = None
    purpose: str = DIAGNOSTIC
    sure: bool = True
    said: str = ""

    def rank(self) -> tuple[object, ...]:
        """A sort key that never depends on the order in which resources came."""
        exam, when, keys = self.exam, self.when, self.keys
        return (
            self.kind,
            (0, 0) if when is None else (when.day, when.until),
            self.source,
            ("", 0) if exam is None else (exam.modality, exam.mask, exam.contrast or "", exam.passes),
            self.standing,
            keys.uids,
            keys.accessions,
            keys.orders,
            0.0 if when is None else when.first.timestamp(),
        )
