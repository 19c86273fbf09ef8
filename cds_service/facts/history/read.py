"""
Resources read into records: does it count, what exam, and when.

What never counts and what is plainly no imaging is left out before anything costly. Statuses and dates
follow FHIR R4: a ``registered`` report is no read exam, ``issued`` is not an exam date, ``authoredOn`` neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from cds_service.facts.history import categories
from cds_service.facts.history.recognition import NO_IMAGING, UNREAD, Eyes
from cds_service.facts.history.record import (
    CERTAIN,
    DENIED,
    DOCUMENT,
    DOSE,
    ORDER,
    PENDING,
    POSSIBLE,
    PROCEDURE,
    REPORT,
    SOME_EXAM,
    STUDY,
    Record,
    Seen,
)
from cds_service.fhir.dates import When, when, when_in
from cds_service.fhir.records import Records
from cds_service.fhir.resources import (
    DiagnosticReport,
    DocumentReference,
    ImagingStudy,
    Observation,
    Procedure,
    ServiceRequest,
)

_STUDY: Final[dict[str | None, int | None]] = {
    "available": CERTAIN,
    "registered": POSSIBLE,
    "cancelled": DENIED,
    "entered-in-error": None,
}
_REPORT: Final[dict[str | None, int | None]] = {
    **dict.fromkeys(("partial", "preliminary", "final", "amended", "corrected", "appended"), CERTAIN),
    **dict.fromkeys(("registered", "cancelled", "entered-in-error")),
}
_PROCEDURE: Final[dict[str | None, int | None]] = {
    "completed": CERTAIN,
    "not-done": DENIED,
    **dict.fromkeys(("preparation", "on-hold", "entered-in-error")),
}
_ORDER: Final = {
    "completed": POSSIBLE,
    "active": PENDING,
    "on-hold": PENDING,
    **dict.fromkeys(("draft", "revoked", "entered-in-error", "unknown")),
}
_DOSE: Final[dict[str | None, int | None]] = {
    **dict.fromkeys(("final", "amended", "corrected", "preliminary"), CERTAIN),
    **dict.fromkeys(("cancelled", "entered-in-error", "registered")),
}
_NOT_ORDERED: Final = frozenset({"proposal", "plan", "option"})
_LONG_AGO: Final = datetime(1900, 1, 1, tzinfo=UTC)
_REPORTING: Final = timedelta(days=2)  # a report is issued within these days, or its date joins nothing
_DOSE_SUMMARY: Final = "73569-6"


class Bounds:
    """The child's birth, if known, and the moment of the hook."""

    __slots__ = ("_born", "_today", "birth", "now")

    def __init__(self, birth: When | None, now: datetime) -> None:
        self.birth = birth
        self.now = now
        self._born = 0 if birth is None else birth.day
        self._today = now.astimezone(UTC).toordinal()

    def hold(self, moment: When | None) -> bool:
        """Whether an exam can have been then: not before birth, not after now; no date can be any."""
        if moment is None:
            return True
        if moment.until < self._born:
            return False
        return moment.day < self._today - 1 or moment.first <= self.now

    def cut(self, moment: When | None) -> tuple[datetime, datetime]:
        """The part of *moment* between birth and now; all of it when there is no date."""
        if moment is not None and self._born + 1 < moment.day and moment.until < self._today - 1:
            return moment.first, moment.last
        born = _LONG_AGO if self.birth is None else self.birth.first
        if moment is None:
            return min(born, self.now), self.now
        last = min(moment.last, self.now)
        return min(max(moment.first, born), last), last


class Accounts:
    """
    What the record tells of exams, each account dated and recognised.

    ``told`` are accounts of exams that were done, perhaps done, or explicitly not done; ``asked`` are orders
    still open, or closed; ``unread`` names the types of resources whose exam cannot be read.
    """

    def __init__(self, records: Records, eyes: Eyes, bounds: Bounds) -> None:
        self.unread: dict[str, None] = {}
        self._eyes = eyes
        self._bounds = bounds
        self.told = [
            *self._studies(records.read(ImagingStudy).items),
            *self._reports(records.read(DiagnosticReport).items),
            *self._procedures(records.read(Procedure).items),
            *self._doses(records.read(Observation).items),
            *self._documents(records.read(DocumentReference).items),
        ]
        self.asked = [*self._orders(records.read(ServiceRequest).items)]

    def _studies(self, studies: Iterable[ImagingStudy]) -> list[Record]:
        told, look = [], self._eyes.study
        for study in studies:
            status = study.status
            standing = _STUDY.get(status, POSSIBLE)
            if standing is None or (status == "registered" and not (study.numberOfInstances or study.series)):
                continue
            seen = look(study)
            if seen is UNREAD:
                self.unread["ImagingStudy"] = None
                continue
            told.append(Record(STUDY, standing, study, seen, when(study.started) or _earliest(study)))
        return told

    def _reports(self, reports: Iterable[DiagnosticReport]) -> list[Record]:
        told, look = [], self._eyes.report
        for report in reports:
            standing = _REPORT.get(report.status, POSSIBLE)
            if standing is None:
                continue
            seen = look(report)
            if seen is NO_IMAGING or (seen.exam is None and not report.imagingStudy):
                if seen is UNREAD:
                    self.unread["DiagnosticReport"] = None
                continue
            moment, said = when(report.effectiveDateTime) or when_in(report.effectivePeriod), ""
            if moment is None and (moment := when(report.issued)) is not None:
                moment, said = _on_or_before(moment, _REPORTING), "reported"
            told.append(Record(REPORT, standing, report, seen, moment, said))
        return told

    def _procedures(self, procedures: Iterable[Procedure]) -> list[Record]:
        told, look = [], self._eyes.procedure
        for procedure in procedures:
            seen = look(procedure)
            if seen is NO_IMAGING:
                continue
            standing = _PROCEDURE.get(procedure.status, POSSIBLE)
            if standing is None:
                continue
            if seen is UNREAD:
                self.unread["Procedure"] = None
                continue
            moment = when(procedure.performedDateTime) or when_in(procedure.performedPeriod)
            told.append(Record(PROCEDURE, standing, procedure, seen, moment))
        return told

    def _doses(self, observations: Iterable[Observation]) -> list[Record]:
        found = [one for one in observations if one.code is not None and categories.has_code(one.code, _DOSE_SUMMARY)]
        told = [_dose(observation) for observation in found]
        return [record for record in told if record is not None]

    def _documents(self, documents: Iterable[DocumentReference]) -> list[Record]:
        told = [_document(document, self._eyes, self._bounds) for document in documents]
        return [record for record in told if record is not None]

    def _orders(self, orders: Iterable[ServiceRequest]) -> list[Record]:
        told = [_order(order, self._eyes) for order in orders]
        return [record for record in told if record is not None]


def _order(order: ServiceRequest, eyes: Eyes) -> Record | None:
    standing = _ORDER.get(order.status or "unknown")
    if standing is None or order.intent in _NOT_ORDERED or order.doNotPerform:
        return None
    seen = eyes.concept(order.code, order.bodySite or ())
    if seen.exam is None:
        return None
    moment, said = when(order.occurrenceDateTime) or when_in(order.occurrencePeriod), "requested"
    if moment is None:
        moment = when(order.authoredOn)
    elif standing == POSSIBLE:
        said = ""
    return Record(ORDER, standing, order, seen, moment, said)


def _earliest(study: ImagingStudy) -> When | None:
    starts = [start for series in study.series or () if (start := when(series.started)) is not None]
    return min(starts) if starts else None


def _dose(observation: Observation) -> Record | None:
    standing = _DOSE.get(observation.status, POSSIBLE)
    if standing is None:
        return None
    moment = when(observation.effectiveDateTime) or when_in(observation.effectivePeriod)
    seen = categories.dosed(observation.component or (), observation.valueString or "")
    return Record(DOSE, standing, observation, seen, moment)


def _document(document: DocumentReference, eyes: Eyes, bounds: Bounds) -> Record | None:
    if document.status not in ("current", None):
        return None
    standing, seen = CERTAIN, eyes.concept(document.type)
    if seen.exam is None:
        if document.type is not None and not categories.names_imaging(document.type):
            return None
        standing, seen = POSSIBLE, eyes.concept(None, (), (document.description or "",))
        if seen.exam is None and document.type is None:
            return None
        seen = seen if seen.exam is not None else Seen(SOME_EXAM, sure=False)
    context = document.context
    moment, said = when_in(context.period) if context is not None else None, ""
    if moment is None and (moment := when(document.date)) is not None:
        moment, said = _on_or_before(moment, None, bounds.birth), "filed"
    return Record(DOCUMENT, standing, document, seen, moment, said)


def _on_or_before(moment: When, lag: timedelta | None, birth: When | None = None) -> When:
    if lag is not None:
        return moment._replace(first=moment.first - lag, day=moment.day - lag.days, timed=False)
    first = birth or when("1900") or moment
    return moment._replace(first=min(first.first, moment.first), day=min(first.day, moment.day), timed=False)
