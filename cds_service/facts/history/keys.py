"""
Identity: Study UIDs, accession numbers, order numbers and references, brought to one form each.

Reference: FHIR R4 ImagingStudy.identifier (``urn:dicom:uid``), identifier types of HL7 v2 table 0203
(ACSN accession, PLAC placer, FILL filler).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec

from cds_service.facts.history.record import DOCUMENT, DOSE, ORDER, PROCEDURE, REPORT, STUDY, Keys, Record
from cds_service.fhir.bundles import UNREADABLE
from cds_service.fhir.resources import (
    CodeableConcept,
    DiagnosticReport,
    DocumentReference,
    Identifier,
    ImagingStudy,
    Number,
    Observation,
    Procedure,
    Reference,
    ServiceRequest,
)

_DICOM: Final = "urn:dicom:uid"
_OID: Final = "urn:oid:"
_UUID: Final = "urn:uuid:"
_ORDER_TYPES: Final = frozenset({"PLAC", "FILL"})
_CONCEPT: Final = msgspec.json.Decoder(CodeableConcept | None).decode
SOURCES: Final = {
    STUDY: "ImagingStudy/",
    PROCEDURE: "Procedure/",
    REPORT: "DiagnosticReport/",
    DOSE: "Observation/",
    DOCUMENT: "DocumentReference/",
    ORDER: "ServiceRequest/",
}


def name_of(record: Record) -> str:
    """The name of the resource behind *record*, as ``Type/id``; it ends with the stroke when there is no id."""
    return SOURCES[record.kind] + (record.teller.id or "")


def identify(record: Record) -> None:
    """Read what joining asks about *record* from the resource behind it."""
    teller = record.teller
    record.source = name_of(record)
    record.twin = record.kind == ORDER or not teller.id  # few orders are ever sorted, and some are sent twice
    record.keys = keys = Keys()
    _READERS[record.kind](keys, teller)


def _of_study(keys: Keys, study: ImagingStudy) -> None:
    if study.identifier:
        add_identifiers(keys, study.identifier, study=True)
    if study.basedOn:
        add_orders(keys, study.basedOn)
    if study.procedureReference is not None:
        add_links(keys, (study.procedureReference,))


def _of_report(keys: Keys, report: DiagnosticReport) -> None:
    if report.identifier:
        add_identifiers(keys, report.identifier, study=False)
    if report.imagingStudy:
        add_links(keys, report.imagingStudy)
        keys.uids = _only_study(report.imagingStudy)
    if report.basedOn:
        add_orders(keys, report.basedOn)


def _only_study(references: Iterable[Reference]) -> tuple[str, ...]:
    """The Study UID that a report names, though the study itself may not be on record; none where it names several."""
    named = set()
    for reference in references:
        identifier, text = reference.identifier, reference.reference or ""
        if identifier is not None and identifier.value and _is_uid(identifier, study=True):
            named.add(normal_uid(identifier.value))
        elif text.startswith(_OID):
            named.add(normal_uid(text))
    return tuple(named) if len(named) == 1 and "" not in named else ()


def _of_procedure(keys: Keys, procedure: Procedure) -> None:
    add_identifiers(keys, procedure.identifier or (), study=False)
    add_links(keys, procedure.report or ())
    add_orders(keys, procedure.basedOn or ())
    add_orders(keys, procedure.partOf or (), "Procedure")


def _of_dose(keys: Keys, observation: Observation) -> None:
    add_links(keys, observation.partOf or ())
    add_links(keys, observation.focus or ())
    add_orders(keys, observation.basedOn or ())


def _of_document(keys: Keys, document: DocumentReference) -> None:
    add_identifiers(keys, document.identifier or (), study=False)
    if document.context is not None:
        add_links(keys, document.context.related or ())


def _of_order(keys: Keys, order: ServiceRequest) -> None:
    add_identifiers(keys, order.identifier or (), study=False)
    if order.id:
        keys.orders += (f"ServiceRequest/{order.id}",)
    add_orders(keys, order.basedOn or ())
    add_orders(keys, order.replaces or ())


_READERS: Final[dict[int, Callable[[Keys, Any], None]]] = {
    STUDY: _of_study,
    PROCEDURE: _of_procedure,
    REPORT: _of_report,
    DOSE: _of_dose,
    DOCUMENT: _of_document,
    ORDER: _of_order,
}


def add_identifiers(keys: Keys, identifiers: Iterable[Identifier | Number], *, study: bool) -> None:
    """Sort *identifiers* into *keys*; only a *study*'s own UID is a Study Instance UID for sure."""
    for identifier in identifiers:
        value = identifier.value
        if not value:
            continue
        system = identifier.system or ""
        if _is_uid(identifier, study=study):
            uid = normal_uid(value)
            if uid and study:
                keys.uids += (uid,)
            elif uid:
                keys.links += ("uid:" + uid,)
            continue
        kind = _type(identifier)
        if kind == "ACSN":
            keys.accessions += ((system, value.strip()),)
        elif system and (not kind or kind in _ORDER_TYPES):
            keys.orders += (f"{system}|{value.strip()}",)


def assigners_of(record: Record) -> frozenset[str]:
    """The systems of the accession numbers that *record* bears itself."""
    if record.kind in (DOSE, ORDER):
        return frozenset()
    numbers, study = record.teller.identifier or (), record.kind == STUDY
    return frozenset(
        one.system or "" for one in numbers if one.value and not _is_uid(one, study=study) and _type(one) == "ACSN"
    )


def _is_uid(identifier: Identifier | Number, *, study: bool) -> bool:
    return identifier.system == _DICOM or (study and (identifier.value or "").startswith(_OID))


def add_links(keys: Keys, references: Iterable[Reference]) -> None:
    """Note resources about the same exam; a reference may also name a UID or an accession number."""
    for reference in references:
        text = reference.reference
        if text:
            link = target(text)
            if link:
                keys.links += (link,)
        if reference.identifier is not None:
            add_identifiers(keys, (reference.identifier,), study=False)


def add_orders(keys: Keys, references: Iterable[Reference], kind: str = "ServiceRequest") -> None:
    """Note the orders (or wider procedures) behind the exam; one of them can stand behind several exams."""
    for reference in references:
        text = reference.reference
        if text:
            link = target(text)
            if link[:13] == "ImagingStudy/":
                keys.links += (link,)
            elif link:
                keys.orders += (kind + link[1:] if link[0] == "*" else link,)
        if reference.identifier is not None:
            add_identifiers(keys, (reference.identifier,), study=False)


def target(reference: str) -> str:
    """
    What *reference* points to, as ``Type/id``, whichever way it was written; empty when it stays inside.

    >>> target("https://ehr.example/fhir/ImagingStudy/7/_history/2"), target("ImagingStudy/7")
    ('ImagingStudy/7', 'ImagingStudy/7')
    >>> target("urn:uuid:5b84bb91"), target("urn:oid:1.2.3"), target("#contained")
    ('*/5b84bb91', 'uid:1.2.3', '')
    """
    if reference.count("/") == 1 and "A" <= reference[0] <= "Z":
        return reference
    if reference[0] == "#":
        return ""
    if reference.startswith(_UUID):
        return "*/" + reference[len(_UUID) :]
    if reference.startswith(_OID):
        return "uid:" + normal_uid(reference)
    parts = reference.partition("/_history")[0].split("/")
    return f"{parts[-2]}/{parts[-1]}" if len(parts) > 1 else ""


def normal_uid(value: str) -> str:
    """
    A DICOM UID without prefix, blanks and padding; empty when it is none.

    >>> normal_uid(" urn:oid:1.2.840.1\\x00")
    '1.2.840.1'
    >>> normal_uid("unknown")
    ''
    """
    uid = value.strip(" \t\r\n\0").removeprefix(_OID).strip(" \t\r\n\0")
    return uid if uid.replace(".", "").isdecimal() and "." in uid else ""


def _type(identifier: Identifier | Number) -> str:
    """The code of the identifier's type."""
    if isinstance(identifier, Number):
        return _written_type(bytes(identifier.type))
    return _first_code(identifier.type)


@lru_cache(maxsize=1024)
def _written_type(written: bytes) -> str:
    try:
        return _first_code(_CONCEPT(written)) if written else ""
    except UNREADABLE:
        return ""


def _first_code(kind: CodeableConcept | None) -> str:
    return next((coding.code for coding in (kind.coding if kind else None) or () if coding.code), "")
