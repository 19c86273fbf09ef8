"""Whole records, as a record generator writes them, in the prefetch: all of it is read, and no fault comes of it."""

from __future__ import annotations

import json
import random
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from cds_service.fhir.prefetch import NEEDS
from tests.properties.children import DICOM, LOINC, NOW, SNOMED, Json, ago, call, concept, order
from tests.properties.clinic import Clinic, told

SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "synthea-children"
"""Sixteen real-looking records, where they are at hand; made-up ones of the same shape are always there."""

KEY_OF = {need.kind.__name__: need.key for need in NEEDS if need.key not in ("patient", "encounter")}
AGE = 9.4


def made_up(seed: int) -> list[Json]:
    """A record of about a hundred resources, with links by ``urn:uuid:`` as the samples have them."""
    chance = random.Random(seed)

    def new(kind: str, **members: Any) -> Json:
        return {"resourceType": kind, "id": str(UUID(int=chance.getrandbits(128), version=4)), **members}

    born = date(2012, 1, 1) + timedelta(days=chance.randrange(2000))
    patient = new("Patient", gender=chance.choice(["male", "female"]), birthDate=born.isoformat(), extension=[{
        "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
        "extension": [{"url": "ombCategory", "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238",
                                                             "code": "2106-3", "display": "White"}}],
    }])  # fmt: skip
    own = {"reference": f"urn:uuid:{patient['id']}"}
    record = [patient]
    for visit in range(chance.randrange(8, 20)):
        start = f"{born + timedelta(days=150 * visit)}T00:46:35+00:00"
        at = new("Encounter", status="finished", subject=own, period={"start": start, "end": start})
        at["class"] = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
        record.append(at)
        there = {"subject": own, "encounter": {"reference": f"urn:uuid:{at['id']}"}}
        record += _visit(new, there, start, chance)
        record.append(new("AllergyIntolerance", patient=own, recordedDate=start, type="allergy", category=["food"],
                          criticality="low", code=concept(SNOMED, "300916003", "Latex allergy")))  # fmt: skip
    return record


def _visit(new, there: Json, start: str, chance: random.Random) -> list[Json]:
    height = {"value": chance.uniform(50, 150), "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"}
    pressure = [{"code": concept(LOINC, code), "valueQuantity": {"value": 70, "unit": "mm[Hg]"}}
                for code in ("8462-4", "8480-6")]  # fmt: skip
    smoking = concept(SNOMED, "266919005", "Never smoker")
    seen = {"status": "final", "effectiveDateTime": start, "issued": start.replace("+", ".000+"), **there}
    coding = {"system": DICOM, "code": "DX", "display": "Digital Radiography"}
    site = {"system": SNOMED, "code": "344001", "display": "Ankle"}
    series = {"uid": "1.2.840.9", "number": 1, "modality": coding, "bodySite": site, "started": start,
              "instance": [{"uid": "1.2", "sopClass": {"code": "urn:oid:1.2.840.10008.5.1.4.1.1.1.1"}}]}  # fmt: skip
    return [
        new("Observation", code=concept(LOINC, "8302-2", "Body Height"), valueQuantity=height, **seen),
        new("Observation", code=concept(LOINC, "55284-4", "Blood Pressure"), component=pressure, **seen),
        new("Observation", code=concept(LOINC, "72166-2", "Tobacco smoking"), valueCodeableConcept=smoking, **seen),
        new("Condition", code=concept(SNOMED, "65363002", "Otitis media"), onsetDateTime=start, **there,
            clinicalStatus=concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "resolved")),
        new("Procedure", status="completed", code=concept(SNOMED, "428191000124101", "Documentation of medications"),
            performedPeriod={"start": start, "end": start}, **there),
        new("DiagnosticReport", code=concept(LOINC, "58410-2", "CBC panel"), result=[{"reference": "urn:uuid:1"}],
            category=[concept("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB")], **seen),
        new("MedicationRequest", status="stopped", intent="order", authoredOn=start, **there,
            medicationCodeableConcept=concept("http://www.nlm.nih.gov/research/umls/rxnorm", "198405", "Ibuprofen"),
            dosageInstruction=[{"sequence": 1, "asNeededBoolean": True}]),
        new("ImagingStudy", status="available", started=start, numberOfSeries=1, series=[series], **there),
        new("CarePlan", status="completed", intent="order", activity=[{"detail": {"status": "completed"}}], **there),
    ]  # fmt: skip


def sampled(file: Path) -> list[Json]:
    return [entry["resource"] for entry in json.loads(file.read_text())["entry"]]


def moved(record: list[Json]) -> list[Json]:
    """The record with every date moved so that the child is nine today."""
    born = date.fromisoformat(next(one["birthDate"] for one in record if one["resourceType"] == "Patient"))
    by = NOW.date() - timedelta(days=AGE * 365.25) - born
    text = json.dumps(record)
    return json.loads(re.sub(r"\b(?:19|20)\d\d-\d\d-\d\d", lambda one: _later(one[0], by), text))


def _later(day: str, by: timedelta) -> str:
    return (date.fromisoformat(day) + by).isoformat()


RECORDS = {
    **{f"made up {seed}": made_up(seed) for seed in range(4)},
    **{file.stem: sampled(file) for file in sorted(SAMPLES.glob("child-*.json"))},
}


@pytest.fixture(params=sorted(RECORDS))
def record(request) -> list[Json]:
    return moved(RECORDS[request.param])


def signed(record: list[Json], *orders: tuple[str, str]) -> Json:
    """A call about the child of this record, with all of it in the prefetch."""
    child = next(one for one in record if one["resourceType"] == "Patient")
    asked = [order(*one, patient=child["id"], id_=f"draft-{number}") for number, one in enumerate(orders)]
    request = call(*asked, patient=child["id"])
    request["prefetch"]["patient"] = child
    for kind, key in KEY_OF.items():
        entries = [
            {"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in record if one["resourceType"] == kind
        ]
        request["prefetch"][key] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    return request


ORDERS = (
    ("CT belly", "abdominal pain"),
    ("CT head twice", "headache"),
    ("CT chest", "pneumonia"),
    ("CT stone", "stone"),
    ("MR head", "focal seizure"),
)


def test_every_record_is_read_whole(clinic: Clinic, record):
    request = signed(record, *ORDERS)
    assert clinic.cards(request)
    assert clinic.incomplete(request) == set()


def test_a_whole_record_in_any_order_says_the_same(clinic: Clinic, record):
    backwards = signed(record[::-1], *ORDERS)
    assert told(clinic.cards(backwards)) == told(clinic.cards(signed(record, *ORDERS)))


def test_an_exam_of_this_week_is_found_among_everything_else(clinic: Clinic, record):
    child = next(one for one in record if one["resourceType"] == "Patient")
    coding = {"system": DICOM, "code": "CT"}
    scan = {"resourceType": "ImagingStudy", "id": "recent", "status": "available", "started": ago(days=2),
            "subject": {"reference": f"urn:uuid:{child['id']}"}, "modality": [coding],
            "description": "CT ABDOMEN PELVIS W CONTRAST", "series": [{"uid": "1.2", "modality": coding}]}  # fmt: skip
    before = clinic.cards(signed(record, ORDERS[0]))
    after = clinic.cards(signed([*record, scan], ORDERS[0]))
    assert "scanned recently" not in json.dumps(before)
    assert "scanned recently" in json.dumps(after)


def test_one_odd_resource_is_set_aside_and_told(clinic: Clinic, record):
    kinds = {"Condition", "Observation", "Procedure"}
    first = {kind: next(n for n, one in enumerate(record) if one["resourceType"] == kind) for kind in kinds}
    odd = [{**one, "subject": 5} if number in first.values() else one for number, one in enumerate(record)]
    request = signed(odd, *ORDERS)
    assert clinic.cards(request)
    assert clinic.incomplete(request) == kinds


def test_the_samples_hold_what_they_are_for():
    kinds = {one["resourceType"] for record in RECORDS.values() for one in record}
    assert kinds >= set(KEY_OF) - {"Device", "QuestionnaireResponse", "ServiceRequest"}
    assert all(len(record) > 80 for record in RECORDS.values())
