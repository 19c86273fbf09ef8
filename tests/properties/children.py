"""Synthetic children, their records and the orders about to be signed for them."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
CPT = "http://www.ama-assn.org/go/cpt"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
CLASSES = "http://terminology.hl7.org/CodeSystem/v3-ActCode"

Json = dict[str, Any]

NOW = datetime.now(UTC)


def ago(**span: float) -> str:
    """A moment so long ago."""
    return (NOW - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def born(years: float) -> str:
    """The birth date of somebody so old."""
    return (NOW - timedelta(days=years * 365.25)).strftime("%Y-%m-%d")


def concept(system: str, code: str, text: str = "") -> Json:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def bundle(*resources: Json) -> Json:
    """A search result."""
    entries = [{"fullUrl": f"urn:x:{one.get('id')}", "resource": one, "search": {"mode": "match"}} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(resources), "entry": entries}


EXAMS: dict[str, Json] = {
    "CT belly": concept(LOINC, "36813-4", "CT Abdomen and Pelvis W contrast IV"),
    "CT belly twice": concept(CPT, "74178", "CT abdomen and pelvis without and with contrast"),
    "CT belly in words": {"text": "CT ABD/PEL W/WO"},
    "CT head": concept(CPT, "70450", "CT head without contrast"),
    "CT head twice": {"text": "CT HEAD W/WO CONTRAST"},
    "CT chest": {"text": "CT CHEST W CONTRAST"},
    "CT stone": {"text": "CT renal stone protocol"},
    "CT sinus": {"text": "CT SINUSES WO CONTRAST"},
    "CT spine": {"text": "CT thoracic and lumbar spine"},
    "CT everything": {"text": "CT CHEST ABDOMEN PELVIS W CONTRAST"},
    "MR head": {"text": "MRI BRAIN W/WO CONTRAST"},
    "US belly": {"text": "US ABDOMEN COMPLETE"},
    "XR chest": {"text": "XR CHEST 2 VIEWS"},
    "upper GI": {"text": "FL UPPER GI SERIES"},
}

REASONS: dict[str, Json] = {
    "right lower quadrant pain": concept(ICD10CM, "R10.31", "Right lower quadrant pain"),
    "appendicitis": {"text": "r/o appendicitis"},
    "perforated": {"text": "perforated appendicitis, eval for abscess"},
    "abdominal pain": concept(ICD10CM, "R10.9", "Unspecified abdominal pain"),
    "belly injury": concept(ICD10CM, "S39.91XA", "Abdominal injury"),
    "head injury": concept(ICD10CM, "S09.90XA", "Head injury"),
    "headache": concept(SNOMED, "25064002", "Headache"),
    "migraine": concept(ICD10CM, "G43.909", "Migraine"),
    "thunderclap": {"text": "worst headache of life, sudden onset"},
    "optic disc edema": concept(SNOMED, "423341008", "Optic disc edema"),
    "simple febrile seizure": concept(ICD10CM, "R56.00", "Simple febrile convulsions"),
    "focal seizure": {"text": "new focal seizure"},
    "shunt": {"text": "VP shunt, vomiting, r/o malfunction"},
    "sinusitis": concept(ICD10CM, "J01.90", "Acute sinusitis"),
    "orbital": {"text": "sinusitis with proptosis, r/o orbital abscess"},
    "pneumonia": concept(ICD10CM, "J18.9", "Pneumonia"),
    "effusion": concept(ICD10CM, "J90", "Pleural effusion"),
    "stone": {"text": "flank pain, r/o kidney stone"},
    "urinary infection": concept(ICD10CM, "N39.0", "Urinary tract infection"),
    "vomiting": concept(ICD10CM, "R11.10", "Vomiting"),
    "bilious": {"text": "bilious vomiting"},
    "scoliosis": concept(ICD10CM, "M41.129", "Idiopathic scoliosis"),
    "lymphoma": concept(ICD10CM, "C81.90", "Hodgkin lymphoma"),
    "abuse": concept(ICD10CM, "T76.12XA", "Child physical abuse, suspected"),
    "unread": {"text": "qqq zzz"},
}


def condition(code: str, text: str) -> Json:
    """An active, confirmed problem."""
    return {
        "resourceType": "Condition",
        "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        "verificationStatus": concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
        "category": [concept("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis")],
        "code": concept(ICD10CM, code, text),
        "onsetDateTime": ago(hours=3),
        "recordedDate": ago(hours=2),
    }


def observation(code: Json, **value: Any) -> Json:
    """A finding of this visit."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code,
        "effectiveDateTime": ago(minutes=20),
        **value,
    }


def score(code: str, text: str, value: float, unit: str = "{score}") -> Json:
    """A number of this visit."""
    quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return observation(concept(LOINC, code, text), valueQuantity=quantity)


def report(text: str, conclusion: str, **when: float) -> Json:
    """A report of an exam done so long ago."""
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [concept(LOINC, "LP29684-5", "Radiology")],
        "code": {"text": text},
        "effectiveDateTime": ago(**when),
        "issued": ago(**when),
        "conclusion": conclusion,
    }


def study(modality: str, description: str, **when: float) -> Json:
    """Images taken so long ago."""
    coding = {"system": DICOM, "code": modality}
    return {
        "resourceType": "ImagingStudy",
        "status": "available",
        "modality": [coding],
        "started": ago(**when),
        "description": description,
        "numberOfSeries": 1,
        "series": [{"uid": "1.2.3", "modality": coding, "description": description, "started": ago(**when)}],
    }


def form(**answers: Any) -> Json:
    """A filled head injury form; names with _ for -."""
    items = [{"linkId": name.replace("_", "-"), "answer": [value]} for name, value in answers.items()]
    return {"resourceType": "QuestionnaireResponse", "status": "completed", "authored": ago(minutes=15), "item": items}


RECORDS: dict[str, tuple[str, Json]] = {
    "coma score 14": ("observations", score("9269-2", "Glasgow coma score total", 14)),
    "coma score 8": ("observations", score("9269-2", "Glasgow coma score total", 8)),
    "coma score 15": ("observations", score("9269-2", "Glasgow coma score total", 15)),
    "vomited": ("observations", observation(concept(SNOMED, "422400008", "Vomiting"), valueBoolean=True)),
    "lost consciousness": (
        "observations",
        observation(concept(SNOMED, "419045004", "Loss of consciousness"), valueBoolean=True),
    ),
    "pregnant": (
        "observations",
        observation(concept(LOINC, "82810-3", "Pregnancy status"), valueCodeableConcept=concept(LOINC, "LA15173-0", "Pregnant")),
    ),
    "low filtration": ("observations", score("98979-8", "eGFR", 20, "mL/min/{1.73_m2}")),
    "weight": ("observations", score("29463-7", "Body weight", 31.5, "kg")),
    "cancer": ("conditions", condition("C81.90", "Hodgkin lymphoma")),
    "shunted": ("conditions", condition("Z98.2", "Presence of cerebrospinal fluid drainage device")),
    "abused": ("conditions", condition("T76.12XA", "Child physical abuse, suspected")),
    "immune deficient": ("conditions", condition("D81.9", "Combined immunodeficiency")),
    "neutropenic": ("conditions", condition("D70.9", "Neutropenia")),
    "septic": ("conditions", condition("A41.9", "Sepsis")),
    "in shock": ("conditions", condition("R57.1", "Hypovolemic shock")),
    "asthma": ("conditions", condition("J45.909", "Asthma")),
    "ultrasound saw nothing": ("reports", report("US ABDOMEN LIMITED", "Appendix not visualized.", hours=5)),
    "ultrasound saw it": ("reports", report("US ABDOMEN LIMITED", "Acute appendicitis.", hours=5)),
    "chest radiograph": ("reports", report("XR CHEST 2 VIEWS", "Left lower lobe opacity.", hours=8)),
    "CT belly last week": ("reports", report("CT ABDOMEN PELVIS W CONTRAST", "Normal.", days=7)),
    "ultrasound images": ("imagingStudies", study("US", "US ABDOMEN", hours=6)),
    "CT head images": ("imagingStudies", study("CT", "CT HEAD WO CONTRAST", days=2)),
    "CT belly done": (
        "procedures",
        {
            "resourceType": "Procedure",
            "status": "completed",
            "code": concept(CPT, "74178", "CT abdomen and pelvis"),
            "performedDateTime": ago(days=85),
        },
    ),
    "pacemaker": (
        "devices",
        {"resourceType": "Device", "status": "active", "type": concept(SNOMED, "14106009", "Cardiac pacemaker")},
    ),
    "contrast allergy": (
        "allergies",
        {"resourceType": "AllergyIntolerance", "code": {"text": "IV contrast"}, "criticality": "high",
         "reaction": [{"manifestation": [{"text": "anaphylaxis"}], "severity": "severe"}]},
    ),
    "anticoagulated": (
        "medications",
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "authoredOn": ago(days=3),
         "medicationCodeableConcept": {"text": "warfarin 2 mg tablet"}, "dosageInstruction": [{"text": "once daily"}]},
    ),
    "head form": (
        "forms",
        form(acting_normally={"valueBoolean": False}, severe_headache={"valueBoolean": True}, loc={"valueString": "no"},
             palpable_fracture={"valueCoding": {"system": SNOMED, "code": "64957009"}}, gcs_total={"valueInteger": 14}),
    ),
    "ultrasound ordered": (
        "orders",
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "authoredOn": ago(hours=1),
         "code": {"text": "US ABDOMEN LIMITED"}},
    ),
}  # fmt: skip
"""What a record may hold: the prefetch key and the resource, by a name of ours."""

QUIET = ("coma score 15", "weight", "asthma", "ultrasound images", "CT head images", "CT belly done", "pacemaker",
         "contrast allergy", "anticoagulated", "head form", "ultrasound ordered", "chest radiograph")  # fmt: skip
"""Records that alone leave something to say: none of them ends the advice."""

KEYS = ("conditions", "observations", "imagingStudies", "reports", "procedures", "devices", "allergies", "medications",
        "forms", "orders")  # fmt: skip


def order(exam: str, *reasons: str, patient: str = "kid-1", id_: str = "draft-1", **members: Any) -> Json:
    """A draft for one of EXAMS because of some of REASONS."""
    given: Json = {
        "resourceType": "ServiceRequest",
        "id": id_,
        "status": "draft",
        "intent": "order",
        "priority": "routine",
        "category": [concept(SNOMED, "363679005", "Imaging")],
        "code": EXAMS[exam],
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/visit-{patient}"},
        "requester": {"reference": "Practitioner/dr-1"},
        "authoredOn": ago(minutes=1),
        "reasonCode": [REASONS[one] for one in reasons],
    }
    return copy.deepcopy({**given, **members})


def call(
    *orders: Json,
    records: tuple[str, ...] = (),
    years: float = 9.4,
    sex: str = "female",
    patient: str = "kid-1",
    visit: str = "AMB",
    hook: str = "order-sign",
) -> Json:
    """A call about *orders*, with some of RECORDS; every key is sent, most of them empty."""
    subject = {"reference": f"Patient/{patient}"}
    held: dict[str, list[Json]] = {key: [] for key in KEYS}
    for name in records:
        key, resource = RECORDS[name]
        holder = "patient" if key in ("devices", "allergies") else "subject"
        held[key].append({"id": name.replace(" ", "-"), **resource, holder: subject})
    prefetch: Json = {key: bundle(*resources) for key, resources in held.items()}
    prefetch["patient"] = {"resourceType": "Patient", "id": patient, "gender": sex, "birthDate": born(years)}
    prefetch["encounter"] = {
        "resourceType": "Encounter",
        "id": f"visit-{patient}",
        "status": "in-progress",
        "class": {"system": CLASSES, "code": visit},
        "subject": subject,
        "period": {"start": ago(hours=4)},
    }
    context: Json = {
        "userId": "Practitioner/dr-1",
        "patientId": patient,
        "encounterId": f"visit-{patient}",
        "draftOrders": {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": one} for one in orders],
        },
    }
    if hook == "order-select":
        context["selections"] = [f"ServiceRequest/{one.get('id')}" for one in orders]
    return copy.deepcopy({
        "hook": hook,
        "hookInstance": "5f0c1c0e-6d0b-11ef-9a56-0d5a8a1d1f02",
        "fhirServer": "https://ehr.example.org/r4",
        "fhirAuthorization": {
            "access_token": "token-7d2c",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "user/*.read",
            "subject": "cds",
        },
        "context": context,
        "prefetch": prefetch,
    })  # fmt: skip


def whole(hook: str = "order-sign") -> Json:
    """A call in which every kind of record has something to say, and the orders use every element we read."""
    detailed = order(
        "CT belly twice",
        "appendicitis",
        "abdominal pain",
        identifier=[{"system": "urn:ehr", "value": "7"}],
        contained=[{"resourceType": "Condition", "id": "why", "code": REASONS["right lower quadrant pain"],
                    "subject": {"reference": "Patient/kid-1"}}],
        reasonReference=[{"reference": "#why"}, {"reference": "Condition/asthma"}],
        bodySite=[{"text": "abdomen and pelvis"}],
        orderDetail=[{"text": "oral contrast"}],
        occurrenceDateTime=ago(hours=-2),
        note=[{"text": "no fever, h/o constipation"}],
        supportingInfo=[{"reference": "Observation/weight"}],
        extension=[{"url": "urn:ehr:color", "valueString": "red"}],
    )  # fmt: skip
    head = order("CT head", "headache", id_="draft-2")
    return call(detailed, head, records=(*QUIET, "CT belly last week", "low filtration"), hook=hook)


def imaging_guide(hook: str = "order-select") -> Json:
    """A call as clients of the imaging appropriateness guide send it: few keys, names of their own."""
    request = call(order("CT belly twice", "abdominal pain"), years=7.6, hook=hook)
    prior = {**RECORDS["CT belly done"][1], "id": "p1", "subject": {"reference": "Patient/kid-1"}}
    request["prefetch"] = {"patient": request["prefetch"]["patient"], "prior": bundle(prior)}
    return request
