"""Numbers with their units, comparators and ranges; numbers made of numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cds_service.facts.findings.combine import combine
from cds_service.facts.findings.units import conversion
from cds_service.vocabulary.finding_codes import FindingCodes
from cds_service.vocabulary.finding_facts import Computed
from cds_service.vocabulary.readings import Interval, Reading

from .conftest import Read, amount, observation, told

GCS, WEIGHT, WBC, CRP, FALL, CREATININE = "9269-2", "29463-7", "6690-2", "1988-5", "67501-7", "2160-0"


@pytest.mark.parametrize(
    ("value", "unit", "target", "expected"),
    [
        (44.1, "[lb_av]", "kg", 20.003),
        (3200, "g", "kg", 3.2),
        (16, "oz", "kg", 0.4536),
        (20, "KG", "kg", 20),
        (4, "ft", "m", 1.2192),
        (90, "cm", "m", 0.9),
        (36, "[in_i]", "m", 0.9144),
        (1.1, "m", "cm", 110),
        (5, "mg/dL", "mg/L", 50),
        (5, "mg/L", "mg/dL", 0.5),
        (12000, "/uL", "10*3/uL", 12),
        (12, "10*9/L", "10*3/uL", 12),
        (12, "x10^3/uL", "10*3/uL", 12),
        (12, "K/uL", "10*3/uL", 12),
        (2, "min", "s", 120),
        (224, "d", "wk", 32),
        (101.3, "[degF]", "Cel", 38.5),
        (310.15, "K", "Cel", 37),
        (60, "mL/min/1.73 m2", "mL/min/{1.73_m2}", 60),
        (14, "points", "{score}", 14),
        (14, "", "{score}", 14),
        (20, "kg/m^2", "kg/m2", 20),
        (80, "%", "%", 80),
    ],
)
def test_units_are_converted(value: float, unit: str, target: str, expected: float) -> None:
    how = conversion(unit, target, {})
    assert how is not None
    assert value * how.factor + how.offset == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("unit", "target"),
    [("", "kg"), ("lb", "m"), ("stone", "kg"), ("mmol/L", "mg/dL"), ("/d", "{#}"), ("kg", "Cel"), ("x", "y")],
)
def test_what_is_not_the_same_quantity_is_not_converted(unit: str, target: str) -> None:
    assert conversion(unit, target, {}) is None


def test_a_relation_of_one_substance_belongs_to_its_fact() -> None:
    assert conversion("umol/L", "mg/dL", {}) is None
    assert conversion("umol/L", "mg/dL", {"umol/L": 0.0113}) == (0.0113, 0)
    assert conversion("own", "own", {}) == (1, 0)


@pytest.mark.parametrize(
    ("code", "value", "name", "expected"),
    [
        (GCS, {"valueInteger": 14}, "score.gcs", "14"),
        (GCS, amount(14, "{score}"), "score.gcs", "14"),
        (GCS, {"valueQuantity": {"value": 14}}, "score.gcs", "14"),
        (GCS, {"valueString": "15/15"}, "score.gcs", "15"),
        (GCS, {"valueString": " 14 "}, "score.gcs", "14"),
        (GCS, {"valueString": "E4V5M6"}, "score.gcs", "15"),
        (GCS, {"valueString": "E3 V4 M6"}, "score.gcs", "13"),
        (GCS, {"valueCodeableConcept": {"text": "14 (confused)"}}, "score.gcs", "14"),
        (GCS, {"valueString": "10T"}, "score.gcs", "unknown"),
        (GCS, {"valueString": "E4 VT M6 (10T)"}, "score.gcs", "unknown"),
        (GCS, {"valueString": "14 or 15"}, "score.gcs", "unknown"),
        (GCS, {"valueString": "14/20"}, "score.gcs", "unknown"),
        (GCS, {"valueString": "x" * 200}, "score.gcs", "unknown"),
        (GCS, {"valueString": "normal"}, "score.gcs", "unknown"),
        (GCS, {"valueString": ">= 14"}, "score.gcs", "14 to 15"),
        (GCS, {"valueBoolean": True}, "score.gcs", "unknown"),
        (GCS, {"valueInteger": -3}, "score.gcs", "unknown"),
        (GCS, {"valueInteger": 16}, "score.gcs", "unknown"),
        (GCS, {"valueInteger": 10**40}, "score.gcs", "unknown"),
        (GCS, {"valueRange": {"low": {"value": 13}, "high": {"value": 15}}}, "score.gcs", "13 to 15"),
        (WEIGHT, amount(1e308, "kg"), "patient.weight", "unknown"),
        (WEIGHT, amount(math.inf, "kg"), "patient.weight", "unknown"),
        (WEIGHT, amount(math.nan, "kg"), "patient.weight", "unknown"),
        (WEIGHT, amount(-5, "kg"), "patient.weight", "unknown"),
        (WEIGHT, {"valueQuantity": {"value": 20}}, "patient.weight", "unknown"),
        (WEIGHT, {"valueQuantity": {"unit": "kg"}}, "patient.weight", "unknown"),
        (WEIGHT, {"valueInteger": 20}, "patient.weight", "unknown"),
        (WEIGHT, {"valueString": "20 kg"}, "patient.weight", "20 kg"),
        (WEIGHT, {"valueString": "20"}, "patient.weight", "unknown"),
        (WEIGHT, {"valueString": "20 stone"}, "patient.weight", "unknown"),
        (WEIGHT, {"valueQuantity": {"value": 20, "code": "?", "unit": "kg"}}, "patient.weight", "20 kg"),
        (WEIGHT, {"valueQuantity": {"value": 20, "code": "?", "unit": "?"}}, "patient.weight", "unknown"),
        (WBC, amount(12.5, "10*3/uL"), "exam.wbc", "12.5 10*3/uL"),
        (CRP, amount(5, "mg/dL", comparator="<="), "exam.crp", "0 to 50 mg/L"),
        (CRP, amount(5, "mg/dL", comparator=">="), "exam.crp", "50 to 1000 mg/L"),
        (CRP, amount(5, "mg/dL", comparator="ad"), "exam.crp", "unknown"),
        (CRP, {"valueRange": {"low": {"value": 3, "unit": "mg/L"}}}, "exam.crp", "3 to 1000 mg/L"),
        (CRP, {"valueRange": {"high": {"value": 3, "unit": "mg/L"}}}, "exam.crp", "0 to 3 mg/L"),
        (CRP, {"valueRange": {}}, "exam.crp", "unknown"),
        (CRP, {"valueRange": {"high": {"value": 3}}}, "exam.crp", "unknown"),
        (
            CRP,
            {"valueRange": {"low": {"value": 9, "unit": "mg/L"}, "high": {"value": 3, "unit": "mg/L"}}},
            "exam.crp",
            "unknown",
        ),
        (CREATININE, amount(44.2, "umol/L"), "exam.creatinine", "0.49999 mg/dL"),
    ],
)
def test_numbers_as_records_give_them(
    code: str, value: dict[str, Any], name: str, expected: str, read: Read, codes: FindingCodes
) -> None:
    assert told(read(observation(code, **value)), name, codes) == expected


def test_a_strict_comparator_leaves_its_own_number_out(read: Read) -> None:
    below = read(observation(CRP, **amount(50, "mg/L", comparator="<")))["exam.crp"].value
    above = read(observation(CRP, **amount(50, "mg/L", comparator=">")))["exam.crp"].value
    assert below.high < 50 < above.low


def test_a_formula_needs_every_part_and_a_result_that_can_be_true() -> None:
    ten, twenty = Reading(Interval(10, 10)), Reading(Interval(20, 25))
    legal = Interval(0, 100)
    percent = Computed(product=("a", "b"), factor=0.01)
    assert combine(percent, [ten, twenty], legal) == Reading(Interval(2, 2.5))
    assert combine(percent, [ten, Reading()], legal) is None
    assert combine(Computed(product=("a",), over=("b",)), [ten, twenty], legal) == Reading(Interval(0.4, 0.5))
    assert combine(Computed(product=("a",), over=("b",)), [ten, Reading(Interval(0, 5))], legal) is None
    assert combine(Computed(product=("a", "b")), [ten, twenty], legal) is None
    assert combine(Computed(product=("a", "b")), [Reading(Interval(-1, 1)), ten], legal) is None
    assert combine(Computed(sum=("a", "b")), [ten, twenty], legal) is None


def test_a_stated_count_goes_before_a_computed_one(read: Read, codes: FindingCodes) -> None:
    parts = [observation(WBC, **amount(12, "K/uL")), observation("770-8", **amount(80, "%"))]
    stated = observation("751-8", **amount(9, "K/uL"))
    assert told(read(*parts), "exam.anc", codes) == "9.6 10*3/uL"
    assert told(read(*parts, stated), "exam.anc", codes) == "9 10*3/uL"


def test_the_childs_filtration_formula_goes_before_the_reported_value(read: Read, codes: FindingCodes) -> None:
    reported = observation("98979-8", **amount(90, "mL/min/{1.73_m2}"))
    inputs = [observation(CREATININE, **amount(0.9, "mg/dL")), observation("8302-2", **amount(130, "cm"))]
    assert told(read(reported), "exam.egfr", codes) == "90 mL/min/{1.73_m2}"
    made = read(reported, *inputs)["exam.egfr"]
    assert made.value.low == pytest.approx(59.66, abs=0.01)
    assert [evidence.text for evidence in made.evidence] == ["height: 130 cm", "creatinine: 0.9 mg/dL"]
