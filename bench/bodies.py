"""The requests we measure with: one CT order, a patient, 5 conditions, 20 observations, and prior imaging."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

PRIORS = (0, 10, 100, 1000)
PATIENT = "bench-child"
_SUBJECT = {"reference": f"Patient/{PATIENT}"}
_LOINC = "http://loinc.org"
_NOTE = "Technique as per departmental protocol for children. No comparison. Findings are described by region."


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _day(days_ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain_searchset(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}


def _searchset(resources: list[dict[str, Any]]) -> dict[str, Any]:
    entries = [
        {"fullUrl": f"https://ehr.example.org/fhir/{one['resourceType']}/{one['id']}", "resource": one,
         "search": {"mode": "match"}}
        for one in resources
    ]  # fmt: skip
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}


def _meta() -> dict[str, Any]:
    return {"versionId": "1", "lastUpdated": _day(1), "tag": [{"system": "https://ehr.example.org/tags", "code": "x"}]}


def _conditions() -> list[dict[str, Any]]:
    codes = [("J45.20", "Mild asthma"), ("L20.9", "Eczema"), ("J30.9", "Allergic rhinitis"),
             ("Z91.010", "Allergy to peanuts"), ("H52.13", "Myopia")]  # fmt: skip
    return [
        {
            "resourceType": "Condition",
            "id": f"condition-{place}",
            "clinicalStatus": _concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active"),
            "code": _concept("http://hl7.org/fhir/sid/icd-10-cm", code, display),
            "subject": _SUBJECT,
            "recordedDate": _day(400 + place),
        }
        for place, (code, display) in enumerate(codes)
    ]


def _observations() -> list[dict[str, Any]]:
    kinds = [("8867-4", "Heart rate", 96, "/min"), ("9279-1", "Respiratory rate", 22, "/min"),
             ("8310-5", "Body temperature", 37.9, "Cel"), ("29463-7", "Body weight", 31.2, "kg"),
             ("8302-2", "Body height", 134, "cm")]  # fmt: skip
    return [
        {
            "resourceType": "Observation",
            "id": f"observation-{place}",
            "status": "final",
            "code": {"coding": [dict(zip(("system", "code"), (_LOINC, code), strict=True))], "text": text},
            "subject": _SUBJECT,
            "effectiveDateTime": _day(place // 5),
            "valueQuantity": {"value": value, "unit": unit, "code": unit},
        }
        for place in range(20)
        for code, text, value, unit in [kinds[place % 5]]
    ]


_EXAMS = (("36643-5", "XR Chest 2 Views", "DX", "51185008", "Chest"), ("24558-9", "US Abdomen", "US", "818981001",
          "Abdomen"), ("30799-1", "CT Head WO contrast", "CT", "69536005", "Head"))  # fmt: skip
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_SCT = "http://snomed.info/sct"


def _study(place: int) -> dict[str, Any]:
    """As a vendor-neutral archive writes it: two series, each with two instances."""
    code, display, modality, site, part = _EXAMS[place % 3]
    uid = f"1.2.840.99999999.{place}.1559319196326"
    return {
        "resourceType": "ImagingStudy",
        "id": f"study-{place}",
        "meta": _meta(),
        "identifier": [
            {"use": "official", "system": "urn:dicom:uid", "value": f"urn:oid:{uid}"},
            {"type": _concept("http://terminology.hl7.org/CodeSystem/v2-0203", "ACSN", "Accession ID"),
             "system": "https://ehr.example.org/accession", "value": f"A{place:06}"},
        ],
        "status": "available",
        "modality": [{"system": _DCM, "code": modality}],
        "subject": _SUBJECT,
        "encounter": {"reference": f"Encounter/visit-{place}"},
        "started": _day(30 + 5 * place),
        "basedOn": [{"reference": f"ServiceRequest/order-{place}"}],
        "numberOfSeries": 1,
        "numberOfInstances": 2,
        "procedureCode": [_concept(_LOINC, code, display)],
        "location": {"reference": "Location/1", "display": "Radiology"},
        "description": display,
        "series": [
            {
                "uid": f"{uid}.1",
                "number": 1,
                "modality": {"system": _DCM, "code": modality},
                "description": f"{display} series",
                "numberOfInstances": 2,
                "bodySite": {"system": _SCT, "code": site, "display": part},
                "started": _day(30 + 5 * place),
                "instance": [
                    {"uid": f"{uid}.1.{number}", "sopClass": {"system": "urn:ietf:rfc:3986",
                     "code": "urn:oid:1.2.840.10008.5.1.4.1.1.2"}, "number": number}
                    for number in (1, 2)
                ],
            }
        ],
    }  # fmt: skip


def _report(place: int) -> dict[str, Any]:
    """The report of that study."""
    code, display, *_ = _EXAMS[place % 3]
    return {
        "resourceType": "DiagnosticReport",
        "id": f"report-{place}",
        "meta": _meta(),
        "identifier": [
            {"type": _concept("http://terminology.hl7.org/CodeSystem/v2-0203", "ACSN", "Accession ID"),
             "system": "https://ehr.example.org/accession", "value": f"A{place:06}"},
        ],
        "status": "final",
        "category": [
            _concept(_LOINC, "LP29684-5", "Radiology"),
            _concept("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology"),
        ],
        "code": _concept(_LOINC, code, display),
        "subject": _SUBJECT,
        "encounter": {"reference": f"Encounter/visit-{place}"},
        "effectiveDateTime": _day(30 + 5 * place),
        "issued": _day(29 + 5 * place),
        "basedOn": [{"reference": f"ServiceRequest/order-{place}"}],
        "performer": [{"reference": "Organization/1", "display": "Radiology"}],
        "resultsInterpreter": [{"reference": f"Practitioner/{place % 7}", "display": "A radiologist"}],
        "imagingStudy": [{"reference": f"ImagingStudy/study-{place}"}],
        "conclusion": _NOTE,
    }  # fmt: skip


def _procedure(place: int) -> dict[str, Any]:
    """A procedure that is no imaging."""
    return {
        "resourceType": "Procedure",
        "id": f"procedure-{place}",
        "meta": _meta(),
        "status": "completed",
        "category": _concept(_SCT, "103693007", "Diagnostic procedure"),
        "code": _concept(_SCT, "430193006", "Medication reconciliation"),
        "subject": _SUBJECT,
        "encounter": {"reference": f"Encounter/visit-{place}"},
        "performedPeriod": {"start": _day(20 + place), "end": _day(20 + place)},
        "recorder": {"reference": f"Practitioner/{place % 7}", "display": "A nurse"},
        "performer": [
            {"function": _concept(_SCT, "224535009", "Registered nurse"),
             "actor": {"reference": f"Practitioner/{number}", "display": "A nurse"},
             "onBehalfOf": {"reference": "Organization/1", "display": "Ward"}}
            for number in (1, 2)
        ],
        "location": {"reference": "Location/2", "display": "Ward"},
        "reasonReference": [{"reference": f"Condition/condition-{place % 5}", "display": "Mild asthma"}],
        "bodySite": [_concept(_SCT, "38266002", "Entire body")],
        "outcome": _concept(_SCT, "385669000", "Successful"),
        "followUp": [_concept(_SCT, "225164002", "Observation of patient")],
    }  # fmt: skip


def request(priors: int, *, instance: str = "7c2a8f3e-5b1d-4e6f-9a0b-1c2d3e4f5a6b") -> dict[str, Any]:
    """An order-sign request with *priors* prior resources: studies, reports and procedures in equal parts."""
    kinds = (_study, _report, _procedure)
    made = [kinds[place % 3](place // 3) for place in range(priors)]
    by_kind = {name: [one for one in made if one["resourceType"] == name] for name in
               ("ImagingStudy", "DiagnosticReport", "Procedure")}  # fmt: skip
    order = {
        "resourceType": "ServiceRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "priority": "routine",
        "category": [_concept("http://snomed.info/sct", "363679005", "Imaging")],
        "code": _concept(_LOINC, "79103-8", "CT Abdomen W contrast IV")
        | {"coding": [{"system": _LOINC, "code": "36813-4", "display": "CT Abdomen and Pelvis W contrast IV"}],
           "text": "CT abdomen and pelvis with contrast"},
        "subject": _SUBJECT,
        "encounter": {"reference": "Encounter/visit-1"},
        "requester": {"reference": "Practitioner/doctor-1"},
        "authoredOn": _day(0),
        "reasonCode": [_concept("http://hl7.org/fhir/sid/icd-10-cm", "R10.31", "Right lower quadrant pain")],
    }  # fmt: skip
    return {
        "hook": "order-sign",
        "hookInstance": instance,
        "context": {
            "userId": "Practitioner/doctor-1",
            "patientId": PATIENT,
            "encounterId": "visit-1",
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]},
        },
        "prefetch": {
            "patient": {
                "resourceType": "Patient",
                "id": PATIENT,
                "gender": "female",
                "birthDate": (datetime.now(UTC) - timedelta(days=3400)).strftime("%Y-%m-%d"),
            },
            "encounter": {
                "resourceType": "Encounter",
                "id": "visit-1",
                "status": "in-progress",
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
                "subject": _SUBJECT,
            },
            "conditions": _plain_searchset(_conditions()),
            "observations": _plain_searchset(_observations()),
            "imagingStudies": _searchset(by_kind["ImagingStudy"]),
            "reports": _searchset(by_kind["DiagnosticReport"]),
            "procedures": _searchset(by_kind["Procedure"]),
            "devices": _searchset([]),
            "allergies": _searchset([]),
            "medications": _searchset([]),
            "forms": _searchset([]),
            "orders": _searchset([]),
        },
    }


def body(priors: int) -> bytes:
    """The request as it goes over the wire."""
    return json.dumps(request(priors), separators=(",", ":")).encode()


def another(whole: bytes, number: int) -> bytes:
    """The same request about another child, as long as the first."""
    return whole.replace(PATIENT.encode(), f"child-{number:05}".encode())
