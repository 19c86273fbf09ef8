"""
Resources read into records: does it count, what exam, when, and which keys.

What never counts and what is plainly no imaging is left out before anything costly. Statuses and dates
follow FHIR R4: a ``registered`` report is no read exam, ``issued`` is not an exam date, ``authoredOn`` neither.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from cds_service.facts.history import categories
from cds_service.facts.history.keys import add_identifiers, add_links, add_orders
from cds_service.facts.history.recognition import Eyes
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
    Keys,
    Record,
    Seen,
)
from cds_service.fhir.dates import When, when, when_in
from cds_service.fhir.records import Records
from cds_service.fhir.resources import (
    CodeableConcept,
    DiagnosticReport,
    DocumentReference,
    ImagingStudy,
    Observation,
    Procedure,
    Resource,
    ServiceRequest,
)

_STUDY: Final = {
    "available": CERTAIN,
    "registered": POSSIBLE,
    "cancelled": DENIED,
    "entered-in-error": None,
}
_REPORT: Final = {
    **dict.fromkeys(("partial", "preliminary", "final", "amended", "corrected", "appended"), CERTAIN),
    **dict.fromkeys(("registered", "cancelled", "entered-in-error")),
}
_PROCEDURE: Final = {
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
_DOSE: Final = {
    **dict.fromkeys(("final", "amended", "corrected", "preliminary"), CERTAIN),
    **dict.fromkeys(("cancelled", "entered-in-error", "registered")),
}
_NOT_ORDERED: Final = frozenset({"proposal", "plan", "option"})
_NAMES: Final = ("ImagingStudy/", "Procedure/", "DiagnosticReport/", "Observation/", "DocumentReference/")
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


def accounts(records: Records, eyes: Eyes, bounds: Bounds) -> list[Record]:
    """Every account of an exam that was done, perhaps done, or explicitly not done."""
    told = [_study(study, eyes, bounds) for study in records.read(ImagingStudy).items]
    told += [_report(report, eyes, bounds) for report in records.read(DiagnosticReport).items]
    told += [_procedure(procedure, eyes, bounds) for procedure in records.read(Procedure).items]
    told += [
        _dose(observation, bounds)
        for observation in records.read(Observation).items
        if observation.code is not None and categories.has_code(observation.code, _DOSE_SUMMARY)
    ]
    told += [_document(document, eyes, bounds) for document in records.read(DocumentReference).items]
    return [record for record in told if record is not None]


def orders(records: Records, eyes: Eyes, bounds: Bounds) -> list[Record]:
    """Every order for an exam that is still open, or was closed."""
    told = [_order(order, eyes, bounds) for order in records.read(ServiceRequest).items]
    return [record for record in told if record is not None]


def _order(order: ServiceRequest, eyes: Eyes, bounds: Bounds) -> Record | None:
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
        if not bounds.hold(moment):
            return None
    record = Record(ORDER, standing, f"ServiceRequest/{order.id or ''}", moment, seen, _order_keys(order), None)
    record.said, record.twin = said, True  # few orders are ever sorted, and some are sent twice
    return record


def _order_keys(order: ServiceRequest) -> Keys:
    keys = Keys()
    if order.identifier:
        add_identifiers(keys, order.identifier, study=False)
    if order.id:
        keys.orders += (f"ServiceRequest/{order.id}",)
    add_orders(keys, order.basedOn or ())
    add_orders(keys, order.replaces or ())
    return keys


def _study(study: ImagingStudy, eyes: Eyes, bounds: Bounds) -> Record | None:
    standing = _STUDY.get(study.status or "", POSSIBLE)
    if standing is None or (study.status == "registered" and not (study.numberOfInstances or study.series)):
        return None
    moment = when(study.started) or _earliest(study)
    if not bounds.hold(moment):
        return None
    keys = Keys()
    if study.identifier:
        add_identifiers(keys, study.identifier, study=True)
    if study.basedOn:
        add_orders(keys, study.basedOn)
    if study.procedureReference is not None:
        add_links(keys, (study.procedureReference,))
    return _record(STUDY, standing, study, moment, eyes.study(study), keys, study.description or "")


def _earliest(study: ImagingStudy) -> When | None:
    starts = [start for series in study.series or () if (start := when(series.started)) is not None]
    return min(starts) if starts else None


def _report(report: DiagnosticReport, eyes: Eyes, bounds: Bounds) -> Record | None:
    standing = _REPORT.get(report.status or "", POSSIBLE)
    if standing is None:
        return None
    imaging, hint = categories.of_report(report.category) if report.category else (None, None)
    if imaging is False:
        return None
    seen = eyes.concept(report.code)
    if seen.exam is None:
        if imaging or categories.names_imaging(report.code):
            seen = Seen(hint or SOME_EXAM, sure=hint is not None)
        elif not report.imagingStudy:
            return None
    moment, said = when(report.effectiveDateTime) or when_in(report.effectivePeriod), ""
    if moment is None and (moment := when(report.issued)) is not None:
        moment, said = _on_or_before(moment, _REPORTING), "reported"
    if not bounds.hold(moment):
        return None
    keys = Keys()
    if report.identifier:
        add_identifiers(keys, report.identifier, study=False)
    if report.imagingStudy:
        add_links(keys, report.imagingStudy)
    if report.basedOn:
        add_orders(keys, report.basedOn)
    record = _record(REPORT, standing, report, moment, seen, keys, _title(report.code))
    record.said = said
    return record


def _procedure(procedure: Procedure, eyes: Eyes, bounds: Bounds) -> Record | None:
    standing = _PROCEDURE.get(procedure.status or "", POSSIBLE)
    if standing is None:
        return None
    seen = eyes.concept(procedure.code, procedure.bodySite or ())
    if seen.exam is None:
        if procedure.category is None or not categories.is_imaging(procedure.category):
            return None
        seen = Seen(SOME_EXAM, sure=False)
    moment = when(procedure.performedDateTime) or when_in(procedure.performedPeriod)
    if not bounds.hold(moment):
        return None
    keys = Keys()
    if procedure.identifier:
        add_identifiers(keys, procedure.identifier, study=False)
    if procedure.report:
        add_links(keys, procedure.report)
    if procedure.basedOn:
        add_orders(keys, procedure.basedOn)
    if procedure.partOf:
        add_orders(keys, procedure.partOf, "Procedure")
    return _record(PROCEDURE, standing, procedure, moment, seen, keys, _title(procedure.code))


def _dose(observation: Observation, bounds: Bounds) -> Record | None:
    standing = _DOSE.get(observation.status or "", POSSIBLE)
    moment = when(observation.effectiveDateTime) or when_in(observation.effectivePeriod)
    if standing is None or not bounds.hold(moment):
        return None
    keys = Keys()
    add_links(keys, observation.partOf or ())
    add_links(keys, observation.focus or ())
    add_orders(keys, observation.basedOn or ())
    seen = Seen(categories.dosed(observation.component or ()))
    return _record(DOSE, standing, observation, moment, seen, keys)


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
    if not bounds.hold(moment):
        return None
    keys = Keys()
    if document.identifier:
        add_identifiers(keys, document.identifier, study=False)
    if context is not None and context.related:
        add_links(keys, context.related)
    record = _record(DOCUMENT, standing, document, moment, seen, keys, document.description or "")
    record.said = said
    return record


def _on_or_before(moment: When, lag: timedelta | None, birth: When | None = None) -> When:
    if lag is not None:
        return moment._replace(first=moment.first - lag, day=moment.day - lag.days, timed=False)
    first = birth or when("1900") or moment
    return moment._replace(first=min(first.first, moment.first), day=min(first.day, moment.day), timed=False)


def _title(concept: CodeableConcept | None) -> str:
    if concept is None:
        return ""
    return concept.text or (concept.coding[0].display if concept.coding else None) or ""


def _record(
    kind: int, standing: int, teller: Resource, moment: When | None, seen: Seen, keys: Keys, title: str = ""
) -> Record:
    record = Record(kind, standing, _NAMES[kind] + (teller.id or ""), moment, seen, keys, teller)
    record.title = title
    return record
