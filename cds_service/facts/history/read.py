"""
Resources read into records: does it count, what exam, when, and which keys.

What never counts and what is plainly no imaging is left out before anything costly. Statuses and dates
follow FHIR R4: a ``registered`` report is no read exam, ``issued`` is not an exam date, ``authoredOn`` neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cds_service.facts.history import categories
from cds_service.facts.history.keys import add_identifiers, add_links, add_orders
from cds_service.facts.history.recognition import Eyes, Seen
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
    Teller,
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
from cds_service.vocabulary.exams import Exam

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
_REPORTING: Final = timedelta(days=2)  # a report is issued within these days, or its date joins nothing
_DOSE_SUMMARY: Final = "73569-6"


class Bounds(NamedTuple):
    """The child's birth, if known, and the moment of the hook."""

    birth: When | None
    now: datetime

    def hold(self, moment: When | None) -> bool:
        """Whether an exam can have been then: not before birth, not after now; no date can be any."""
        if moment is None:
            return True
        return moment.first <= self.now and (self.birth is None or moment.until >= self.birth.day)


def accounts(records: Records, eyes: Eyes, bounds: Bounds) -> Iterator[Record]:
    """Every account of an exam that was done, perhaps done, or explicitly not done."""
    for study in records.read(ImagingStudy).items:
        yield from _study(study, eyes, bounds)
    for report in records.read(DiagnosticReport).items:
        yield from _report(report, eyes, bounds)
    for procedure in records.read(Procedure).items:
        yield from _procedure(procedure, eyes, bounds)
    for observation in records.read(Observation).items:
        if observation.code is not None and categories.has_code(observation.code, _DOSE_SUMMARY):
            yield from _dose(observation, bounds)
    for document in records.read(DocumentReference).items:
        yield from _document(document, eyes, bounds)


def orders(records: Records, eyes: Eyes, bounds: Bounds) -> Iterator[Record]:
    """Every order for an exam that is still open, or was closed."""
    for order in records.read(ServiceRequest).items:
        standing = _ORDER.get(order.status or "unknown")
        if standing is None or order.intent in _NOT_ORDERED or order.doNotPerform:
            continue
        seen = eyes.concept(order.code, order.bodySite or ())
        if seen.exam is None:
            continue
        moment = when(order.occurrenceDateTime) or when_in(order.occurrencePeriod)
        said = "requested"
        if moment is None:
            moment = when(order.authoredOn)
        elif standing == POSSIBLE:
            said = ""
            if not bounds.hold(moment):
                continue
        yield Record(
            ORDER, standing, f"ServiceRequest/{order.id or ''}", moment, seen.exam, _order_keys(order), None, said=said
        )


def _order_keys(order: ServiceRequest) -> Keys:
    keys = Keys()
    if order.identifier:
        add_identifiers(keys, order.identifier, study=False)
    if order.id:
        keys.orders += [f"ServiceRequest/{order.id}", f"*/{order.id}"]
    add_orders(keys, order.basedOn or ())
    add_orders(keys, order.replaces or ())
    return keys


def _study(study: ImagingStudy, eyes: Eyes, bounds: Bounds) -> Iterator[Record]:
    standing = _STUDY.get(study.status or "", POSSIBLE)
    if standing is None or (study.status == "registered" and not (study.numberOfInstances or study.series)):
        return
    moment = when(study.started) or _earliest(study)
    if not bounds.hold(moment):
        return
    keys = Keys()
    if study.identifier:
        add_identifiers(keys, study.identifier, study=True)
    if study.basedOn:
        add_orders(keys, study.basedOn)
    if study.procedureReference is not None:
        add_links(keys, (study.procedureReference,))
    yield _record(STUDY, standing, study, moment, eyes.study(study), keys)


def _earliest(study: ImagingStudy) -> When | None:
    starts = [start for series in study.series or () if (start := when(series.started)) is not None]
    return min(starts) if starts else None


def _report(report: DiagnosticReport, eyes: Eyes, bounds: Bounds) -> Iterator[Record]:
    standing = _REPORT.get(report.status or "", POSSIBLE)
    if standing is None:
        return
    imaging, hint = categories.of_report(report.category) if report.category else (None, None)
    if imaging is False:
        return
    seen = eyes.concept(report.code)
    if seen.exam is None:
        if imaging or categories.names_imaging(report.code):
            seen = Seen(hint or SOME_EXAM, sure=hint is not None)
        elif not report.imagingStudy:
            return
    moment, said = when(report.effectiveDateTime) or when_in(report.effectivePeriod), ""
    if moment is None and (moment := when(report.issued)) is not None:
        moment, said = _on_or_before(moment, _REPORTING), "reported"
    if not bounds.hold(moment):
        return
    keys = Keys()
    if report.identifier:
        add_identifiers(keys, report.identifier, study=False)
    if report.imagingStudy:
        add_links(keys, report.imagingStudy)
    if report.basedOn:
        add_orders(keys, report.basedOn)
    yield _record(REPORT, standing, report, moment, seen, keys, said)


def _procedure(procedure: Procedure, eyes: Eyes, bounds: Bounds) -> Iterator[Record]:
    standing = _PROCEDURE.get(procedure.status or "", POSSIBLE)
    if standing is None:
        return
    seen = eyes.concept(procedure.code, procedure.bodySite or ())
    if seen.exam is None:
        if procedure.category is None or not categories.is_imaging(procedure.category):
            return
        seen = Seen(SOME_EXAM, sure=False)
    moment = when(procedure.performedDateTime) or when_in(procedure.performedPeriod)
    if not bounds.hold(moment):
        return
    keys = Keys()
    if procedure.identifier:
        add_identifiers(keys, procedure.identifier, study=False)
    if procedure.report:
        add_links(keys, procedure.report)
    if procedure.basedOn:
        add_orders(keys, procedure.basedOn)
    if procedure.partOf:
        add_orders(keys, procedure.partOf)
    yield _record(PROCEDURE, standing, procedure, moment, seen, keys)


def _dose(observation: Observation, bounds: Bounds) -> Iterator[Record]:
    standing = _DOSE.get(observation.status or "", POSSIBLE)
    moment = when(observation.effectiveDateTime) or when_in(observation.effectivePeriod)
    if standing is None or not bounds.hold(moment):
        return
    keys = Keys()
    add_links(keys, observation.partOf or ())
    add_links(keys, observation.focus or ())
    add_orders(keys, observation.basedOn or ())
    seen = Seen(categories.dosed(observation.component or ()))
    yield _record(DOSE, standing, observation, moment, seen, keys)


def _document(document: DocumentReference, eyes: Eyes, bounds: Bounds) -> Iterator[Record]:
    if document.status not in ("current", None):
        return
    standing, seen = CERTAIN, eyes.concept(document.type)
    if seen.exam is None:
        if document.type is not None and not categories.names_imaging(document.type):
            return
        standing, seen = POSSIBLE, eyes.concept(None, (), (document.description or "",))
        if seen.exam is None and document.type is None:
            return
        seen = seen if seen.exam is not None else Seen(SOME_EXAM, sure=False)
    context = document.context
    moment, said = when_in(context.period) if context is not None else None, ""
    if moment is None and (moment := when(document.date)) is not None:
        moment, said = _on_or_before(moment, None, bounds.birth), "filed"
    if not bounds.hold(moment):
        return
    keys = Keys()
    if document.identifier:
        add_identifiers(keys, document.identifier, study=False)
    if context is not None and context.related:
        add_links(keys, context.related)
    yield _record(DOCUMENT, standing, document, moment, seen, keys, said)


def _on_or_before(moment: When, lag: timedelta | None, birth: When | None = None) -> When:
    if lag is not None:
        return moment._replace(first=moment.first - lag, day=moment.day - lag.days, timed=False)
    first = birth or when("1900") or moment
    return moment._replace(first=min(first.first, moment.first), day=min(first.day, moment.day), timed=False)


def _record(
    kind: int, standing: int, teller: Teller, moment: When | None, seen: Seen, keys: Keys, said: str = ""
) -> Record:
    source = f"{type(teller).__name__}/{teller.id or ''}"
    exam: Exam | None = seen.exam
    return Record(kind, standing, source, moment, exam, keys, teller, seen.purpose, seen.sure, said)
