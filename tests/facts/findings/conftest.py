"""The shipped finding lists, and a child's record written as plain FHIR JSON."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.facts.findings import Findings, read_findings
from cds_service.facts.findings.wording import shown
from cds_service.fhir.records import given
from cds_service.fhir.resources import as_resource
from cds_service.vocabulary.finding_codes import FindingCodes, load

LISTS = Path(__file__).parents[3] / "rules" / "codes" / "findings"
NOW = datetime.fromisoformat("2026-03-14T18:30:00-05:00")
SOON = "2026-03-14T18:05:00-05:00"
HERE = {"reference": "Encounter/ed"}

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

Json = dict[str, Any]
Read = Callable[..., Findings]


@pytest.fixture(scope="session")
def codes() -> FindingCodes:
    return load({f"rules/codes/findings/{path.name}": path.read_bytes() for path in sorted(LISTS.iterdir())})


@pytest.fixture
def read(codes: FindingCodes) -> Read:
    """The findings of resources given as FHIR JSON."""

    def make(*resources: Json, encounter: str | None = "ed", complete: bool = True, now: datetime = NOW) -> Findings:
        record = given("child", *(as_resource(one) for one in resources), complete=complete)
        return read_findings(record, codes, now=now, encounter_id=encounter)

    return make


def told(findings: Findings, name: str, codes: FindingCodes | None = None) -> str:
    """A reading in one phrase: a value in words, suspected, or unknown."""
    reading = findings[name]
    if reading.value is None:
        return "suspected" if reading.suspected else "unknown"
    assert not reading.suspected
    return shown(reading.value, codes.facts[name].unit if codes is not None else "")


def concept(code: str = "", system: str = SNOMED, text: str | None = None, **more: Any) -> Json:
    coding = [{"system": system, "code": code, **more}] if code else []
    return {"coding": coding, **({"text": text} if text else {})}


def observation(code: Json | str, **more: Any) -> Json:
    """A final observation of this visit; a plain *code* is of SNOMED CT, or of LOINC when it holds a hyphen."""
    if isinstance(code, str):
        code = concept(code, LOINC if "-" in code else SNOMED)
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": code,
        "encounter": HERE,
        "effectiveDateTime": SOON,
        **more,
    }


def condition(code: Json | str, verified: str = "confirmed", clinical: str = "active", **more: Any) -> Json:
    """A condition of this visit; a plain *code* is of ICD-10-CM when it starts with a letter."""
    if isinstance(code, str):
        code = concept(code, ICD10CM if code[0].isalpha() else SNOMED)
    return {
        "resourceType": "Condition",
        "id": "c1",
        "code": code,
        "verificationStatus": concept(verified, "http://terminology.hl7.org/CodeSystem/condition-ver-status"),
        "clinicalStatus": concept(clinical, "http://terminology.hl7.org/CodeSystem/condition-clinical"),
        "encounter": HERE,
        **more,
    }


def form(*items: Json, **more: Any) -> Json:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "q1",
        "status": "completed",
        "encounter": HERE,
        "authored": SOON,
        "item": list(items),
        **more,
    }


def amount(value: float, unit: str, **more: Any) -> Json:
    return {"valueQuantity": {"value": value, "unit": unit, **more}}
