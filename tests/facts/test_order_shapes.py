"""The shapes orders come in, one by one: Swiss, European, Australian, Belgian and American, and what is read of each."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import msgspec
import pytest

from cds_service.facts.exams import recognise
from cds_service.facts.reasons import recognise_reasons
from cds_service.fhir.records import given
from cds_service.fhir.resources import ServiceRequest
from tests.recognition.reading import exam_codes, reason_codes

CPT, LOINC, SNOMED = "http://www.ama-assn.org/go/cpt", "http://loinc.org", "http://snomed.info/sct"
SWISS = "http://fhir.ch/ig/ch-rad-order"
R5_REASON = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ServiceRequest.reason"


class Shape(NamedTuple):
    """An order, the exam read of it, its reasons, and whether a reason is stated at all."""

    elements: dict[str, Any]
    exam: str
    reasons: tuple[str, ...] = ()
    stated: bool = False
    why: str = ""


def coding(system: str, code: str, display: str = "") -> dict[str, Any]:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(*codings: dict[str, Any], text: str = "") -> dict[str, Any]:
    return {"coding": list(codings), **({"text": text} if text else {})}


SHAPES = {
    "P01 CPT alone": Shape(
        {
            "code": concept(coding(CPT, "74178"), text="CT ABD/PELVIS W WO"),
            "reasonCode": [concept(coding(SNOMED, "21522001"))],
        },
        "CT abdomen+pelvis without and with contrast", ("abdominal-pain",), True,
    ),
    "P02 US Core": Shape(
        {
            "category": [concept(coding(SNOMED, "363679005", "Imaging"))],
            "code": concept(coding(LOINC, "24725-4", "CT Head"), text="CT Head"),
            "reasonCode": [{"text": "fall, vomited twice"}],
        },
        "CT head", (), True,
    ),
    "P03 local code with text": Shape(
        {"code": concept(coding("urn:oid:1.2.3.4.5.6", "IMG1702"), text="CT ABDOMEN PELVIS W IV CONTRAST")},
        "CT abdomen+pelvis with contrast",
    ),
    "P04 Australia": Shape(
        {
            "requisition": {"value": "G-1"},
            "code": concept(coding(SNOMED, "303653007", "CT of head"), text="CT head"),
            "bodySite": [concept(coding(SNOMED, "69536005"))],
        },
        "CT head",
    ),
    "P05 Switzerland": Shape(
        {
            "code": concept(coding("http://radlex.org", "RID10321", "CT")),
            "orderDetail": [
                {
                    **concept(coding("http://radlex.org", "RID56", "abdomen")),
                    "extension": [
                        {
                            "url": f"{SWISS}/StructureDefinition/ch-rad-order-order-detail-type",
                            "valueCoding": coding(
                                f"{SWISS}/CodeSystem/ch-rad-order-order-detail-type", "imagingRegion"
                            ),
                        }
                    ],
                }
            ],
            "reasonCode": [{"text": "RLQ pain"}],
            "supportingInfo": [{"reference": "ImagingStudy/prev1"}, {"reference": "Observation/weight1"}],
        },
        "CT abdomen", ("right-lower-quadrant-pain", "suspected-appendicitis"), True,
    ),
    "P06 Europe": Shape(
        {
            "category": [concept(coding(SNOMED, "363679005"))],
            "code": concept(coding(SNOMED, "77477000", "CT")),
            "note": [{"text": "CT thorax low dose"}],
            "extension": [{"url": R5_REASON, "valueCodeableConcept": {"text": "cough"}}],
        },
        "CT chest", (), True,
    ),
    "P07 Belgium": Shape(
        {
            "code": concept(coding(SNOMED, "419394006")),
            "extension": [{"url": "https://example.org/StructureDefinition/contrast-use", "valueBoolean": True}],
        },
        "CT abdomen+pelvis",
    ),
    "P08 more passes in the note": Shape(
        {
            "code": concept(coding(CPT, "74177"), text="CT A/P w contrast"),
            "note": [{"text": "please add delayed images through kidneys and non-con first"}],
        },
        "CT abdomen+pelvis with contrast 2 passes",
    ),
    "P09 protocol in orderDetail": Shape(
        {
            "code": concept(coding(LOINC, "44115-4", "CT Abdomen and Pelvis")),
            "orderDetail": [{"text": "3 phase renal protocol"}],
        },
        "CT abdomen+pelvis 3 passes",
    ),
    "P10 codes that disagree": Shape(
        {"code": concept(coding(LOINC, "30799-1"), coding(SNOMED, "169070004"), text="CT angiography chest")},
        "None", why="one source says head, another abdomen",
    ),
    "P11 images from elsewhere": Shape(
        {"code": {"text": "CT, Image import from others"}}, "None", why="'image import' is not the order of an exam"
    ),
    "P12 charge list": Shape({"code": concept(coding("urn:local", "x2"), text="CT ABDOMEN-SURVEY")}, "CT abdomen"),
    "P13 reason by reference": Shape(
        {"code": concept(coding(CPT, "70450")), "reasonReference": [{"reference": "Condition/c1"}]},
        "CT head without contrast", (), True,
    ),
    "P14 R5": Shape(
        {
            "code": {"concept": concept(coding(CPT, "70450"))},
            "reason": [{"concept": {"text": "head injury"}}],
        },
        "None", why="the order has neither a code nor words where FHIR R4 has them",
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_is_read(shape: Shape) -> None:
    sent = {"resourceType": "ServiceRequest", "status": "draft", "subject": {"reference": "Patient/p1"}}
    order = msgspec.json.decode(json.dumps({**sent, "intent": "order", **shape.elements}), type=ServiceRequest)
    found, why = recognise(order, exam_codes()), recognise_reasons(order, given("child"), reason_codes())
    assert (str(found.exam), why.given) == (shape.exam, shape.stated)
    assert why.names.values == set(shape.reasons)
    assert why.names.complete == bool(shape.reasons)
    assert found.why == (shape.why or found.why)
