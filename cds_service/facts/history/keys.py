"""
Identity: Study UIDs, accession numbers, order numbers and references, brought to one form each.

Reference: FHIR R4 ImagingStudy.identifier (``urn:dicom:uid``), identifier types of HL7 v2 table 0203
(ACSN accession, PLAC placer, FILL filler).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cds_service.facts.history.record import Keys
from cds_service.fhir.resources import Identifier, Reference

_DICOM: Final = "urn:dicom:uid"
_OID: Final = "urn:oid:"
_UUID: Final = "urn:uuid:"
_ORDER_TYPES: Final = frozenset({"PLAC", "FILL"})


def add_identifiers(keys: Keys, identifiers: Iterable[Identifier], *, study: bool) -> None:
    """Sort *identifiers* into *keys*; only a *study*'s own UID is a Study Instance UID for sure."""
    for identifier in identifiers:
        value = identifier.value
        if not value:
            continue
        system = identifier.system or ""
        if system == _DICOM or (study and value.startswith(_OID)):
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


def _type(identifier: Identifier) -> str:
    kind = identifier.type
    if kind is None or not kind.coding:
        return ""
    for coding in kind.coding:
        if coding.code:
            return coding.code
    return ""
