"""Any JSON may come: findings are read from it or not, and never fail. And time grows with the record, not faster."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.facts.findings import read_findings
from cds_service.fhir import records
from cds_service.fhir.resources import as_resource
from cds_service.vocabulary.finding_codes import FindingCodes

from .conftest import HERE, ICD10CM, LOINC, NOW, RXNORM, SNOMED, SOON, Read, amount, condition, observation

CODES = [
    "422400008",
    "9269-2",
    "S06.0X1A",
    "S",
    "",
    "R40.24",
    "67536-3",
    "247348008",
    "14106009",
    "5224",
    "Z96.22",
    "11368-8",
]
CONCEPTS = st.fixed_dictionaries(
    {},
    optional={
        "coding": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "system": st.sampled_from([LOINC, SNOMED, ICD10CM, RXNORM, "", "urn:x"]),
                    "code": st.sampled_from([*CODES, "refuted", "52101004", "LA4489-6", "☃"]),
                    "display": st.text(max_size=12),
                },
            ),
            max_size=3,
        ),
        "text": st.sampled_from(["Vomiting", "iv contrast", "Difficult airway", "GCS", "", "  ", "heparin flush"]),
    },
)
DATES = st.sampled_from([SOON, "2026-03-14", "2026", "", "x", "0000-00-00", "9999-12-31", "2026-03-14T18:05:00"])
REFERENCES = st.sampled_from([HERE, {}, {"reference": ""}, {"reference": "/"}])
QUANTITIES = st.fixed_dictionaries(
    {},
    optional={
        "value": st.floats(),
        "unit": st.sampled_from(["kg", "", "[lb_av]", "☃"]),
        "comparator": st.sampled_from(["<", "ad"]),
    },
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "valueBoolean": st.booleans(),
    "valueString": st.one_of(st.text(max_size=30), st.sampled_from(["15/15", "E4V5M6", "no"])),
    "valueInteger": st.integers(-(10**18), 10**18),
    "valueQuantity": QUANTITIES,
    "valueDateTime": DATES,
}
MORE: dict[str, st.SearchStrategy[Any]] = {
    **VALUES,
    "valueCodeableConcept": CONCEPTS,
    "valueRange": st.fixed_dictionaries({}, optional={"low": QUANTITIES, "high": QUANTITIES}),
    "dataAbsentReason": CONCEPTS,
    "interpretation": st.lists(CONCEPTS, max_size=2),
}
STATUS = st.sampled_from(["final", "active", "completed", "preliminary", "", "☃"])
OBSERVATIONS = st.fixed_dictionaries(
    {"resourceType": st.just("Observation")},
    optional={
        **MORE,
        "status": STATUS,
        "code": CONCEPTS,
        "encounter": REFERENCES,
        "effectiveDateTime": DATES,
        "bodySite": CONCEPTS,
        "component": st.lists(st.fixed_dictionaries({}, optional={**MORE, "code": CONCEPTS}), max_size=2),
    },
)
CONDITIONS = st.fixed_dictionaries(
    {"resourceType": st.just("Condition")},
    optional={
        "code": CONCEPTS,
        "clinicalStatus": CONCEPTS,
        "verificationStatus": CONCEPTS,
        "bodySite": st.lists(CONCEPTS, max_size=2),
        "encounter": REFERENCES,
        "onsetDateTime": DATES,
        "recordedDate": DATES,
    },
)
STATES = st.one_of(
    st.fixed_dictionaries(
        {"resourceType": st.just("Device")},
        optional={"status": STATUS, "type": CONCEPTS, "safety": st.lists(CONCEPTS, max_size=2), "patient": REFERENCES},
    ),
    st.fixed_dictionaries(
        {"resourceType": st.just("AllergyIntolerance")},
        optional={"code": CONCEPTS, "verificationStatus": CONCEPTS, "criticality": st.sampled_from(["high", ""])},
    ),
    st.fixed_dictionaries(
        {"resourceType": st.just("MedicationRequest")},
        optional={"status": STATUS, "medicationCodeableConcept": CONCEPTS},
    ),
    st.fixed_dictionaries({"resourceType": st.just("Flag")}, optional={"status": STATUS, "code": CONCEPTS}),
    st.fixed_dictionaries(
        {"resourceType": st.just("Encounter")}, optional={"reasonCode": st.lists(CONCEPTS, max_size=2)}
    ),
)
ITEMS = st.recursive(
    st.fixed_dictionaries(
        {}, optional={"linkId": st.sampled_from(["vomiting", "gcs", "loc", "☃"]), "text": st.text(max_size=9)}
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "linkId": st.sampled_from(["fall-height", "injury-time", "helmet"]),
            "item": st.lists(inner, max_size=2),
            "answer": st.lists(
                st.fixed_dictionaries({}, optional={**VALUES, "item": st.lists(inner, max_size=2)}), max_size=2
            ),
        },
    ),
    max_leaves=6,
)
FORMS = st.fixed_dictionaries({"resourceType": st.just("QuestionnaireResponse"), "item": st.lists(ITEMS, max_size=3)})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    resources=st.lists(st.one_of(OBSERVATIONS, CONDITIONS, STATES, FORMS), max_size=6),
    encounter=st.sampled_from(["ed", None, ""]),
)
def test_any_record_is_read(resources: list[dict[str, Any]], encounter: str | None, codes: FindingCodes) -> None:
    record = records.given("child", *(as_resource(one) for one in resources))
    findings = read_findings(record, codes, now=NOW, encounter_id=encounter)
    for name, fact in codes.findings.items():
        value = findings[name].value
        if isinstance(value, tuple):
            assert fact.range.low <= value.low <= value.high <= fact.range.high
        elif isinstance(value, frozenset):
            assert value
            assert value <= fact.fact.choices


def _seconds(read: Read, count: int) -> float:
    vitals = [observation(f"{number}-7", id=f"o{number}", **amount(1, "kg")) for number in range(count)]
    findings = read(*vitals, condition("R11.10"))
    began = time.process_time()
    assert findings["sign.vomiting"].value is True
    return time.process_time() - began


@pytest.mark.parametrize("large", [4000])
def test_time_grows_with_the_record_and_not_faster(large: int, read: Read) -> None:
    small = min(_seconds(read, large // 8) for _ in range(20))
    assert min(_seconds(read, large) for _ in range(20)) < small * 8 * 4


def test_nothing_is_read_before_a_fact_is_asked_for(codes: FindingCodes) -> None:
    class Untouched(records.LazyRecords):
        def read(self, kind: Any) -> Any:
            raise AssertionError("read too early")

    read_findings(Untouched("child", {}), codes, now=NOW, encounter_id=None)
