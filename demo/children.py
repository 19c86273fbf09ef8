"""Eight synthetic children and the orders about to be signed for them. Ages and dates fit today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
CLASSES = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


class Play(NamedTuple):
    """One order: a file name, the child in a clinician's words, what is expected, and the request."""

    name: str
    story: str
    expected: str
    request: dict[str, Any]


def _ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _born(years: float) -> str:
    return (datetime.now(UTC) - timedelta(days=years * 365.25)).strftime("%Y-%m-%d")


def _concept(system: str, code: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def _bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "entry": [{"resource": one, "search": {"mode": "match"}} for one in resources],
    }


def _request(
    name: str,
    *,
    years: float,
    sex: str,
    exam: dict[str, Any],
    reasons: list[dict[str, Any]],
    visit: str = "AMB",
    priority: str = "routine",
    **records: list[dict[str, Any]],
) -> dict[str, Any]:
    patient, encounter = f"child-{name}", f"visit-{name}"
    subject = {"reference": f"Patient/{patient}"}
    order = {
        "resourceType": "ServiceRequest",
        "id": f"draft-{name}",
        "status": "draft",
        "intent": "order",
        "priority": priority,
        "category": [_concept(SNOMED, "363679005", "Imaging")],
        "code": exam,
        "subject": subject,
        "encounter": {"reference": f"Encounter/{encounter}"},
        "requester": {"reference": "Practitioner/example"},
        "authoredOn": _ago(minutes=1),
        "reasonCode": reasons,
    }
    keys = ("conditions", "observations", "imagingStudies", "reports", "procedures", "devices", "allergies",
            "medications", "forms", "orders")  # fmt: skip
    prefetch: dict[str, Any] = {
        key: _bundle(*({**one, "subject": subject} for one in records.get(key, ()))) for key in keys
    }
    prefetch["patient"] = {"resourceType": "Patient", "id": patient, "gender": sex, "birthDate": _born(years)}
    prefetch["encounter"] = {
        "resourceType": "Encounter",
        "id": encounter,
        "status": "in-progress",
        "class": {"system": CLASSES, "code": visit},
        "subject": subject,
    }
    return {
        "hook": "order-sign",
        "hookInstance": "5f0c1c0e-6d0b-4c0e-9a56-0d5a8a1d1f02",
        "context": {
            "userId": "Practitioner/example",
            "patientId": patient,
            "encounterId": encounter,
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]},
        },
        "prefetch": prefetch,
    }


def _report(code: str, text: str, conclusion: str, **ago: float) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": "report-1",
        "status": "final",
        "category": [_concept(LOINC, "LP29684-5", "Radiology")],
        "code": _concept(LOINC, code, text),
        "effectiveDateTime": _ago(**ago),
        "conclusion": conclusion,
    }


def _score(code: str, text: str, value: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "score-1",
        "status": "final",
        "code": _concept(LOINC, code, text),
        "effectiveDateTime": _ago(minutes=20),
        "valueQuantity": {"value": value, "unit": "{score}", "system": "http://unitsofmeasure.org", "code": "{score}"},
    }


CT_BELLY = _concept(LOINC, "36813-4", "CT Abdomen and Pelvis W contrast IV")
CT_BELLY_TWICE = {"text": "CT ABD/PEL W/WO"}
CT_HEAD = _concept(LOINC, "30799-1", "CT Head WO contrast")


def plays() -> list[Play]:
    """The eight orders: five get a card, three are right as they are."""
    return [
        Play(
            "appendicitis-ct",
            "9-year-old with right lower quadrant pain, no imaging yet",
            "ultrasound first",
            _request("appendicitis-ct", years=9.4, sex="female", exam=CT_BELLY,
                     reasons=[_concept(ICD10CM, "R10.31", "Right lower quadrant pain")]),
        ),
        Play(
            "two-phase-ct",
            "11-year-old, ultrasound this morning did not show the appendix, two-phase CT ordered",
            "one phase",
            _request("two-phase-ct", years=11.2, sex="male", exam=CT_BELLY_TWICE,
                     reasons=[{"text": "r/o appendicitis"}],
                     reports=[_report("24558-9", "US Abdomen", "Appendix not visualized.", hours=5)]),
        ),
        Play(
            "febrile-seizure-ct",
            "2-year-old after a simple febrile seizure",
            "no imaging now",
            _request("febrile-seizure-ct", years=2.1, sex="male", exam=CT_HEAD,
                     reasons=[_concept(ICD10CM, "R56.00", "Simple febrile convulsions")]),
        ),
        Play(
            "kidney-stone-ct",
            "14-year-old with flank pain, stone suspected",
            "ultrasound preferred",
            _request("kidney-stone-ct", years=14.6, sex="female", exam={"text": "CT renal stone protocol"},
                     reasons=[{"text": "flank pain, r/o kidney stone"}]),
        ),
        Play(
            "pneumonia-ct",
            "5-year-old admitted with pneumonia, no radiograph yet",
            "radiograph first",
            _request("pneumonia-ct", years=5.3, sex="male", exam={"text": "CT CHEST W CONTRAST"}, visit="IMP",
                     reasons=[_concept(ICD10CM, "J18.9", "Pneumonia")]),
        ),
        Play(
            "head-injury-ct",
            "4-year-old after a fall, GCS 14: the CT is right",
            "silence",
            _request("head-injury-ct", years=4.5, sex="female", exam=CT_HEAD, visit="EMER", priority="stat",
                     reasons=[_concept(ICD10CM, "S09.90XA", "Head injury")],
                     observations=[_score("9269-2", "Glasgow coma score total", 14)]),
        ),
        Play(
            "perforated-appendix-ct",
            "10-year-old, abscess after perforated appendicitis suspected: the CT is right",
            "silence",
            _request("perforated-appendix-ct", years=10.0, sex="male", exam=CT_BELLY,
                     reasons=[{"text": "perforated appendicitis, eval for abscess"}]),
        ),
        Play(
            "lymphoma-ct",
            "15-year-old, restaging of Hodgkin lymphoma: not ours to question",
            "silence",
            _request("lymphoma-ct", years=15.7, sex="female", exam={"text": "CT CHEST ABDOMEN PELVIS W CONTRAST"},
                     reasons=[_concept(ICD10CM, "C81.90", "Hodgkin lymphoma"), {"text": "restaging"}]),
        ),
    ]  # fmt: skip
