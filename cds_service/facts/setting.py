"""
Where the child is, and what the site offers.

An emergency visit that turned into observation is still one, and so is an admission within a day of its
emergency phase. A class that isn't known leaves both unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from cds_service.facts.findings.timing import current, reference_id
from cds_service.fhir.dates import when
from cds_service.fhir.records import Records
from cds_service.fhir.resources import ClassHistory, Coding, Encounter
from cds_service.vocabulary.readings import UNKNOWN, Evidence, Reading

EMERGENCY, INPATIENT, OBSERVATION, OTHER = "emergency", "inpatient", "observation", "other"

_ACT_CODES: Final = {
    "EMER": EMERGENCY,
    "IMP": INPATIENT,
    "ACUTE": INPATIENT,
    "NONAC": INPATIENT,
    "OBSENC": OBSERVATION,
    "SS": OBSERVATION,
    **dict.fromkeys(("AMB", "PRENC", "VR", "HH", "FLD"), OTHER),
}
_V2_CODES: Final = {"E": EMERGENCY, "I": INPATIENT, **dict.fromkeys(("O", "P", "R", "B"), OTHER)}
_V2_SYSTEMS: Final = ("v2-0004", "v2/0004", "2.16.840.1.113883.12.4")
_WORDS: Final = {
    "emergency": EMERGENCY,
    "emergency department": EMERGENCY,
    "inpatient": INPATIENT,
    "inpatient encounter": INPATIENT,
    "observation": OBSERVATION,
    "outpatient": OTHER,
    "ambulatory": OTHER,
}
_SAID: Final = {OTHER: "not admitted"}
_EMERGENCY_LASTS: Final = timedelta(hours=24)


def setting_facts(records: Records, encounter_id: str | None, now: datetime) -> dict[str, Reading]:
    """The facts of the visit this call is about."""
    section = records.read(Encounter)
    encounter = current(section.items, reference_id(encounter_id) if encounter_id else None)
    kind = class_of(encounter.class_) if encounter is not None else ""
    if encounter is None or not kind:
        unread = UNKNOWN if section.complete else Reading(gap="Encounter")
        return {"setting.emergency": unread, "setting.inpatient": unread}
    source = f"Encounter/{encounter.id}" if encounter.id else "Encounter"
    emergency = kind == EMERGENCY or _came_as_emergency(encounter, kind, now)
    return {
        "setting.emergency": Reading(emergency, (Evidence("emergency visit", source),) if emergency else ()),
        "setting.inpatient": Reading(kind == INPATIENT, (Evidence(_SAID.get(kind, f"{kind} visit"), source),)),
    }


def class_of(coding: Coding | None) -> str:
    """
    What a class of encounter means: emergency, inpatient, observation or other; empty when not known.

    >>> class_of(Coding(system="http://terminology.hl7.org/CodeSystem/v2-0004", code="E"))
    'emergency'
    >>> class_of(Coding(code="XYZ"))
    ''
    """
    if coding is None:
        return ""
    code, system = (coding.code or "").upper(), coding.system or ""
    known = _V2_CODES if system.endswith(_V2_SYSTEMS) else _ACT_CODES
    return known.get(code) or _WORDS.get((coding.display or "").strip().lower(), "")


def _came_as_emergency(encounter: Encounter, kind: str, now: datetime) -> bool:
    phases = [phase for phase in encounter.classHistory or () if class_of(phase.class_) == EMERGENCY]
    return any(kind == OBSERVATION or _lately(phase, now) for phase in phases)


def _lately(phase: ClassHistory, now: datetime) -> bool:
    """Whether a phase ended within a day, or isn't known to have ended."""
    ended = when(phase.period.end) if phase.period is not None else None
    return ended is None or ended.last > now - _EMERGENCY_LASTS


def offered(offers: Mapping[str, bool], name: str) -> Reading:
    """
    Whether the site offers something, by fact name; unknown when it declares nothing.

    >>> offered({"setting.mri_available": False}, "setting.mri_available").value
    False
    """
    declared = offers.get(name)
    return UNKNOWN if declared is None else Reading(declared)
