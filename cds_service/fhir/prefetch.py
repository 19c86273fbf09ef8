"""
What we ask clients to send along, and what each call's data is worth.

The templates keep to what every client understands: a read or a search by patient, each
parameter once. A key that came is read in one of six ways: null and an empty search mean
"none"; a missing key, an error in its place and a first page of many leave the rest
unknown; anything else is data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import NamedTuple, cast

from cds_service.errors import MissingPatient
from cds_service.fhir.bundles import Content, decode
from cds_service.fhir.records import LazyRecords, Records, Section
from cds_service.fhir.resources import (
    AllergyIntolerance,
    Condition,
    Device,
    DiagnosticReport,
    Encounter,
    ImagingStudy,
    MedicationRequest,
    Observation,
    Patient,
    Procedure,
    QuestionnaireResponse,
    Resource,
    ServiceRequest,
)
from cds_service.fhir.subjects import Standing, Subject, subject_of
from cds_service.hooks.request import HookRequest

NOT_SENT = "not sent"
NO_ENCOUNTER = "no encounter named"
REFUSED = "refused"
MORE_PAGES = "more pages"
ANOTHER_PATIENT = "another patient"
NOT_READABLE = "not readable"
PARTLY_READABLE = "partly not readable"

PATIENT = "patient"
ENCOUNTER = "encounter"


class Need(NamedTuple):
    """One prefetch key: what it holds, how it is asked for, and the facts that need it."""

    key: str
    kind: type[Resource]
    template: str
    facts: tuple[str, ...]


def _search(key: str, kind: type[Resource], facts: str, more: str = "") -> Need:
    return Need(key, kind, f"{kind.__name__}?patient={{{{context.patientId}}}}{more}", tuple(facts.split()))


NEEDS = (
    Need(PATIENT, Patient, "Patient/{{context.patientId}}", ("patient.",)),
    Need(ENCOUNTER, Encounter, "Encounter/{{context.encounterId}}", ("setting.",)),
    _search("conditions", Condition, "order.reason sign. safety."),
    _search("observations", Observation, "order.reason sign. exam. score. safety.", "&_sort=-date&_count=200"),
    _search("imagingStudies", ImagingStudy, "history."),
    _search("reports", DiagnosticReport, "history."),
    _search("procedures", Procedure, "history. sign. safety."),
    _search("devices", Device, "safety."),
    _search("allergies", AllergyIntolerance, "safety."),
    _search("medications", MedicationRequest, "sign. safety.", "&status=active"),
    _search("forms", QuestionnaireResponse, "sign. exam. score. safety."),
    _search("orders", ServiceRequest, "history."),
)
"""Everything we ask for. A key that no fact needs does not belong here."""

TEMPLATES: Mapping[str, str] = {need.key: need.template for need in NEEDS}
"""Prefetch templates by key, as discovery shows them."""

OF_HISTORY: Mapping[str, str] = {key: TEMPLATES[key] for key in (PATIENT, "imagingStudies", "reports", "procedures")}
"""The keys that tell of earlier exams; all that is asked for when a chart is opened."""

OF_DOSES: Mapping[str, str] = {**OF_HISTORY, "observations": "Observation?patient={{context.patientId}}&code=73569-6"}
"""The same with the radiation dose summaries (LOINC 73569-6), where a site has doses told."""

PURPOSES: Mapping[str, tuple[str, ...]] = {need.key: need.facts for need in NEEDS}
"""By key, the facts that are read from it; a name ending in a dot stands for its whole group."""

KIND_OF: Mapping[str, type[Resource]] = {need.key: need.kind for need in NEEDS}
"""By key, the type of resource it holds."""

_NONE: Mapping[str, str] = {}
_FEW: Mapping[str, bytes] = {}
_SEARCHES = tuple(need for need in NEEDS if need.kind is not Patient)


def absent(request: HookRequest, needs: Collection[str] = frozenset(TEMPLATES)) -> list[str]:
    """The keys among *needs* that the client did not send and that this call could resolve."""
    return [
        need.key
        for need in NEEDS
        if need.key in needs
        and need.key not in request.prefetch
        and (need.key != ENCOUNTER or request.context.encounter_id)
    ]


def records(
    request: HookRequest, *, fetched: Mapping[str, bytes] = _FEW, gaps: Mapping[str, str] = _NONE
) -> LazyRecords:
    """
    The record of this call's patient, made of what was sent and what was *fetched*.

    A fetched value adds to the first page that was sent, or stands for what was not sent at all.
    *gaps* says why a key could not be fetched. Nothing is decoded before it is asked for.
    """
    call = _Call(request, fetched, gaps)
    readers = {need.kind: partial(call.search, need) for need in _SEARCHES}
    return LazyRecords(request.context.patient_id, {Patient: call.patient.section, **readers})


def patient_of(record: Records) -> Patient:
    """This call's Patient; raises MissingPatient when it is not there or is somebody else."""
    section = record.read(Patient)
    if not section.items:
        raise MissingPatient(f"The Patient of this call is needed and could not be had: {section.gap}.")
    return section.items[0]


def patient_in(raw: bytes, patient_id: str) -> Section[Patient]:
    """The Patient of that id in *raw*; any other Patient is none."""
    content = decode(Patient, raw)
    own = tuple(one for one in cast("tuple[Patient, ...]", content.items) if one.id == patient_id)
    if own:
        return Section(own[:1], complete=True, gap="")
    return Section(gap=ANOTHER_PATIENT if content.items else _trouble(content) or NOT_SENT)


class _OwnPatient:
    """This call's Patient, decoded when first asked for: the fetched one, else the one sent."""

    def __init__(self, request: HookRequest, fetched: Mapping[str, bytes], gaps: Mapping[str, str]) -> None:
        self._raw = fetched.get(PATIENT) or request.prefetch.get(PATIENT)
        self._gap = gaps.get(PATIENT, NOT_SENT)
        self._patient_id = request.context.patient_id
        self._section: Section[Patient] | None = None

    def section(self) -> Section[Resource]:
        """The one Patient, or why there is none."""
        if self._section is None:
            self._section = Section(gap=self._gap) if self._raw is None else patient_in(self._raw, self._patient_id)
        return cast("Section[Resource]", self._section)

    def known(self) -> Patient | None:
        """The Patient itself."""
        items = cast("Section[Patient]", self.section()).items
        return items[0] if items else None


class _Call:
    """One call's values, each decoded when its section is asked for."""

    def __init__(self, request: HookRequest, fetched: Mapping[str, bytes], gaps: Mapping[str, str]) -> None:
        self._request = request
        self._fetched = fetched
        self._gaps = gaps
        self.patient = _OwnPatient(request, fetched, gaps)
        patient_id, known = request.context.patient_id, self.patient.known
        self._sent_subject = Subject(patient_id, known)
        self._fetched_subject = Subject(patient_id, known, base=request.fhir_server)

    def search(self, need: Need) -> Section[Resource]:
        """The resources that were sent or fetched for *need*."""
        key, kind = need.key, need.kind
        sent, fetched = self._request.prefetch.get(key), self._fetched.get(key)
        gap = self._gaps.get(key, "")
        if fetched is None and not gap:
            if sent is None:
                return Section(gap=self._why_absent(key))
            return self._own(need, decode(kind, sent), self._sent_subject)
        if sent is None and fetched is None:
            return Section(gap=gap)
        parts = []
        if sent is not None:
            content = decode(kind, sent)
            if content.next_page is not None and fetched is not None:
                content = content._replace(more=False)
            parts.append(self._own(need, content, self._sent_subject))
        if fetched is not None:
            parts.append(self._own(need, decode(kind, fetched), self._fetched_subject))
        return _joined(parts, gap)

    def _why_absent(self, key: str) -> str:
        return NO_ENCOUNTER if key == ENCOUNTER and not self._request.context.encounter_id else NOT_SENT

    def _own(self, need: Need, content: Content, subject: Subject) -> Section[Resource]:
        """What in *content* is about this patient (and, for the Encounter, is the one named)."""
        if need.key != ENCOUNTER and subject.owns(need.kind, content.items):
            gap = _trouble(content)
            return Section(content.items, not gap, gap, content.unreadable)
        of, standing = subject_of(need.kind), subject.standing
        items, foreign, unclear = [], 0, content.unreadable
        encounter_id = self._request.context.encounter_id if need.key == ENCOUNTER else None
        for one in content.items:
            stands = standing(of(one))
            if stands is Standing.OWN and (encounter_id is None or one.id == encounter_id):
                items.append(one)
            elif stands is Standing.FOREIGN:
                foreign += 1
            else:
                unclear += 1
        gap = ANOTHER_PATIENT if foreign else _trouble(content) or (PARTLY_READABLE if unclear else "")
        return Section(tuple(items), not gap, gap, unclear)


def _trouble(content: Content) -> str:
    """Why *content* is not everything there is; empty when it is."""
    if not content.whole:
        return NOT_READABLE
    if content.failed:
        return REFUSED
    if content.more:
        return MORE_PAGES
    return PARTLY_READABLE if content.unreadable else ""


def _joined(parts: list[Section[Resource]], gap: str) -> Section[Resource]:
    """The sections of one key as one; complete when each is and nothing is known to be missing."""
    if len(parts) == 1 and not gap:
        return parts[0]
    gaps = [part.gap for part in parts if part.gap]
    gap = gaps[0] if gaps else gap
    items = tuple(item for part in parts for item in part.items)
    return Section(items, not gap, gap, sum(part.unreadable for part in parts))
