"""Where the child is, and what the site offers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from cds_service.facts.setting import class_of, offered, setting_facts
from cds_service.fhir.records import given
from cds_service.fhir.resources import Coding, Encounter

NOW = datetime(2026, 3, 14, 23, 30, tzinfo=UTC)
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
EMERGENCY, INPATIENT = "setting.emergency", "setting.inpatient"


def visit(code: str | None, *history: dict[str, Any], **more: Any) -> Encounter:
    stated = {"class": {"system": ACT, "code": code}} if code else {}
    plain = {
        "resourceType": "Encounter",
        "id": "ed",
        "status": "in-progress",
        "classHistory": list(history),
        **stated,
        **more,
    }
    return msgspec.convert(plain, Encounter)


def phase(code: str, end: str | None = None) -> dict[str, Any]:
    return {"class": {"system": ACT, "code": code}, "period": {"end": end}}


def facts(
    *visits: Encounter, encounter_id: str | None = "ed", complete: bool = True
) -> tuple[bool | None, bool | None]:
    found = setting_facts(given("child", *visits, complete=complete), encounter_id, NOW)
    return found[EMERGENCY].value, found[INPATIENT].value


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("EMER", (True, False)),
        ("IMP", (False, True)),
        ("ACUTE", (False, True)),
        ("NONAC", (False, True)),
        ("OBSENC", (False, False)),
        ("SS", (False, False)),
        ("AMB", (False, False)),
        ("VR", (False, False)),
        ("emer", (True, False)),
        ("XYZ", (None, None)),
        (None, (None, None)),
    ],
)
def test_the_class_of_the_visit(code: str | None, expected: tuple[bool | None, bool | None]) -> None:
    assert facts(visit(code)) == expected


@pytest.mark.parametrize(
    ("code", "phases", "emergency"),
    [
        ("OBSENC", [phase("EMER", "2026-03-10")], True),
        ("IMP", [phase("EMER", "2026-03-14T20:00:00Z")], True),
        ("IMP", [phase("EMER", "2026-03-12T20:00:00Z")], False),
        ("IMP", [phase("EMER")], True),
        ("IMP", [{"class": {"system": ACT, "code": "EMER"}}], True),
        ("IMP", [phase("AMB", "2026-03-14T20:00:00Z"), {}], False),
        ("XYZ", [phase("EMER")], None),
    ],
)
def test_an_emergency_that_became_something_else(
    code: str, phases: list[dict[str, Any]], emergency: bool | None
) -> None:
    assert facts(visit(code, *phases))[0] is emergency


@pytest.mark.parametrize(
    ("coding", "expected"),
    [
        (Coding(system="http://terminology.hl7.org/CodeSystem/v2-0004", code="E"), "emergency"),
        (Coding(system="http://hl7.org/fhir/v2/0004", code="I"), "inpatient"),
        (Coding(system="urn:oid:2.16.840.1.113883.12.4", code="O"), "other"),
        (Coding(system="urn:local", code="E"), ""),
        (Coding(system="urn:local", code="10", display="Emergency Department"), "emergency"),
        (Coding(display="Observation "), "observation"),
        (Coding(), ""),
        (None, ""),
    ],
)
def test_classes_in_other_systems(coding: Coding | None, expected: str) -> None:
    assert class_of(coding) == expected


def test_only_the_visit_of_the_call_counts() -> None:
    other = visit("EMER", id="old")
    assert facts(other) == (None, None)
    assert facts(other, visit("AMB")) == (False, False)
    assert facts(visit("EMER"), encounter_id="https://x/Encounter/ed") == (True, False)
    assert facts(visit("EMER"), encounter_id=None) == (True, False)
    assert facts(visit("EMER"), other, encounter_id=None) == (None, None)
    assert facts(visit("EMER", status="finished"), encounter_id=None) == (None, None)


def test_evidence_and_gap() -> None:
    found = setting_facts(given("child", visit("EMER")), "ed", NOW)
    assert found[EMERGENCY].evidence == (("emergency visit", "Encounter/ed", ""),)
    assert found[INPATIENT].evidence == (("emergency visit", "Encounter/ed", ""),)
    bare = setting_facts(given("child", visit("AMB", id=None)), None, NOW)
    assert bare[EMERGENCY].evidence == ()
    assert bare[INPATIENT].evidence[0].source == "Encounter"
    assert setting_facts(given("child", complete=False), "ed", NOW)[EMERGENCY].gap == "Encounter"
    assert setting_facts(given("child"), "ed", NOW)[EMERGENCY].gap == ""


def test_what_the_site_declares() -> None:
    offers = {"setting.mri_available": True, "setting.fast_mri_available": False}
    assert offered(offers, "setting.mri_available").value is True
    assert offered(offers, "setting.fast_mri_available").value is False
    assert offered(offers, "setting.ultrasound_available").value is None
