"""Observations, their components, and forms."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.vocabulary.finding_codes import FindingCodes

from .conftest import HERE, LOINC, SNOMED, SOON, Read, amount, concept, form, observation, told

VOMITING, NO_VOMITING, HEMIPLEGIA = "422400008", "162062008", "50582007"
NOT_FINAL = ["preliminary", "unknown", None]


def answer(code: str, system: str = SNOMED, **more: Any) -> dict[str, Any]:
    return {"valueCodeableConcept": concept(code, system, **more)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "present"),
        ({"valueBoolean": True}, "present"),
        ({"valueBoolean": False}, "absent"),
        (answer("52101004"), "present"),
        (answer("LA32-8", LOINC), "absent"),
        (answer("415684004"), "suspected"),
        (answer("261665006"), "unknown"),
        (answer("255604002"), "unknown"),
        (answer(VOMITING), "present"),
        (answer(NO_VOMITING), "absent"),
        ({"valueCodeableConcept": {"text": "Denies"}}, "absent"),
        (answer("row-7", "urn:local", display="Yes"), "present"),
        (answer("row-7", "urn:local", display="Projectile"), "unknown"),
        ({"valueString": " No. "}, "absent"),
        ({"valueString": "after breakfast"}, "unknown"),
        ({"valueInteger": 3}, "unknown"),
        (amount(3, "/d"), "unknown"),
        (
            {"interpretation": [concept("NEG", "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation")]},
            "absent",
        ),
        ({"interpretation": [concept("POS", "http://hl7.org/fhir/v2/0078")], **amount(3, "/d")}, "present"),
        ({"interpretation": [{}, concept("DET", "http://hl7.org/fhir/v2/0078")]}, "present"),
        ({"dataAbsentReason": concept("asked-unknown"), "valueBoolean": True}, "unknown"),
        ({"dataAbsentReason": concept("8801031", "urn:nemsis")}, "absent"),
        ({"dataAbsentReason": {"text": "child asleep"}}, "unknown"),
    ],
)
def test_a_finding_code_is_read_with_its_value(value: dict[str, Any], expected: str, read: Read) -> None:
    assert told(read(observation(VOMITING, **value)), "sign.vomiting") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "absent"),
        ({"valueBoolean": True}, "absent"),
        ({"valueBoolean": False}, "present"),
        (answer("261665006"), "unknown"),
    ],
)
def test_a_negative_in_the_code_is_turned_round(value: dict[str, Any], expected: str, read: Read) -> None:
    assert told(read(observation(NO_VOMITING, **value)), "sign.vomiting") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "present"),
        ({"valueBoolean": False}, "unknown"),
        (answer("415684004"), "suspected"),
        (answer("261665006"), "unknown"),
    ],
)
def test_a_narrower_finding_denied_says_nothing(value: dict[str, Any], expected: str, read: Read) -> None:
    assert told(read(observation(HEMIPLEGIA, **value)), "sign.focal_neuro_deficit") == expected


def test_a_question_without_an_answer_says_nothing(read: Read) -> None:
    earlier = observation("45708-5", valueBoolean=True, effectiveDateTime="2026-03-14T17:00:00-05:00")
    assert told(read(observation("45708-5")), "sign.vomiting") == "unknown"
    assert told(read(earlier, observation("45708-5")), "sign.vomiting") == "present"


def test_a_normal_examination_is_a_no_or_a_yes_as_the_fact_has_it(read: Read) -> None:
    normal = answer("281900007")
    assert told(read(observation("67536-3", **normal)), "sign.focal_neuro_deficit") == "absent"
    behaviour = observation(concept(text="Acting normally per parent"), valueString="normal")
    assert told(read(behaviour), "sign.acting_normally_per_parent") == "present"


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered"])
def test_what_does_not_count_is_dropped(status: str, read: Read) -> None:
    assert told(read(observation(VOMITING, status=status)), "sign.vomiting") == "unknown"


@pytest.mark.parametrize("status", NOT_FINAL)
def test_what_is_not_final_may_worry_but_not_reassure(status: str | None, read: Read) -> None:
    def said(name: str, code: str, **value: Any) -> str:
        return told(read(observation(code, status=status, **value)), name)

    assert said("sign.vomiting", VOMITING, valueBoolean=True) == "present"
    assert said("sign.vomiting", VOMITING, **answer("415684004")) == "suspected"
    assert said("sign.vomiting", VOMITING, valueBoolean=False) == "unknown"
    assert said("score.gcs", "9269-2", valueInteger=15) == "unknown"
    assert said("sign.hematuria", "5794-3", **answer("260385009")) == "unknown"


@pytest.mark.parametrize("modifier", [{"modifierExtension": [{"url": "urn:x"}]}, {"implicitRules": "urn:x"}])
def test_what_a_modifier_may_turn_round_may_worry_but_not_reassure(modifier: dict[str, Any], read: Read) -> None:
    def said(yes: bool) -> str:
        return told(read(observation(VOMITING, valueBoolean=yes, **modifier)), "sign.vomiting")

    assert (said(True), said(False)) == ("present", "unknown")


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_what_is_final_may_reassure(status: str, read: Read) -> None:
    assert told(read(observation(VOMITING, status=status, valueBoolean=False)), "sign.vomiting") == "absent"


def test_any_coding_counts_and_text_only_without_a_known_one(read: Read) -> None:
    local = {"system": "urn:local", "code": "9", "display": "Vomiting"}
    known = {"system": "urn:oid:2.16.840.1.113883.6.96", "code": "422587007"}
    assert told(read(observation({"coding": [local]}, valueBoolean=True)), "sign.vomiting") == "present"
    both = read(observation({"coding": [{}, local, known], "text": "Vomiting"}, valueBoolean=True))
    assert told(both, "sign.nausea") == "present"
    assert told(both, "sign.vomiting") == "unknown"
    assert (
        told(read(observation({"coding": [local], "text": "Sick?"}, valueBoolean=True)), "sign.vomiting") == "unknown"
    )


def test_the_same_code_in_another_system_is_another_code(read: Read) -> None:
    assert told(read(observation(concept(VOMITING, LOINC), valueBoolean=True)), "sign.vomiting") == "unknown"


def test_odd_concepts_are_passed_over(read: Read) -> None:
    odd = [
        observation({"coding": [{"system": SNOMED}, {"code": VOMITING}, {}]}),
        observation({}),
        {**observation("1"), "code": None},
    ]
    assert told(read(*odd), "sign.vomiting") == "unknown"


def test_components_are_read_with_the_time_and_status_of_the_whole(read: Read, codes: FindingCodes) -> None:
    parts = [
        {"code": concept("9267-6", LOINC), "valueInteger": 4},
        {"code": concept("9270-0", LOINC), "valueString": "5 oriented"},
        {},
    ]
    panel = observation(concept("panel", "urn:local"), component=parts)
    assert told(read(panel), "score.gcs_eye", codes) == "4"
    assert told(read(panel), "score.gcs_verbal", codes) == "5"
    assert told(read({**panel, "status": "entered-in-error"}), "score.gcs_eye", codes) == "unknown"


def test_the_parts_of_a_score_are_added_only_when_all_are_known(read: Read, codes: FindingCodes) -> None:
    parts = [observation(code, valueInteger=value) for code, value in (("9267-6", 4), ("9270-0", 4), ("9268-4", 6))]
    assert told(read(*parts), "score.gcs", codes) == "14"
    assert told(read(*parts[:2]), "score.gcs", codes) == "unknown"
    bounded = observation("9268-4", valueQuantity={"value": 5, "unit": "{score}", "comparator": ">="})
    assert told(read(*parts[:2], bounded), "score.gcs", codes) == "unknown"


def test_a_stated_injury_cause_is_a_finding_by_itself(read: Read) -> None:
    findings = read(observation("11373-8", **answer("20902002", display="Fall from bed")))
    assert told(findings, "sign.fall") == "present"
    assert told(findings, "sign.injury_mechanism") == "fall"
    assert findings["sign.fall"].evidence[0].text == "Fall from bed: present"
    other = read(observation("8661-1", **answer("20902002")))
    assert told(other, "sign.fall") == "unknown"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (answer("197941005"), "gross"),
        (answer("10828004"), "gross or microscopic"),
        (answer("260385009"), "absent"),
        ({"valueString": "Gross"}, "gross"),
        ({"valueString": "a trace"}, "unknown"),
        (answer("415684004"), "suspected"),
    ],
)
def test_a_choice_is_read_from_its_own_words_then_general_ones(
    value: dict[str, Any], expected: str, read: Read
) -> None:
    assert told(read(observation("5794-3", **value)), "sign.hematuria") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueInteger": 2}, "2"),
        ({"valueString": "2 - Emergent"}, "2"),
        ({"valueInteger": 9}, "unknown"),
        ({"valueInteger": 10**30}, "unknown"),
    ],
)
def test_a_level_is_read_from_a_number_or_its_first_word(value: dict[str, Any], expected: str, read: Read) -> None:
    assert told(read(observation("11283-9", **value)), "setting.triage_acuity") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "gross"),
        ({"valueBoolean": False}, "absent or microscopic"),
        (answer("415684004"), "suspected"),
        (answer("261665006"), "unknown"),
        (answer("5"), "unknown"),
    ],
)
def test_a_code_for_one_value_denied_leaves_the_others(value: dict[str, Any], expected: str, read: Read) -> None:
    assert told(read(observation("197941005", **value)), "sign.hematuria") == expected


def test_a_code_that_holds_a_number_denied_says_nothing(read: Read, codes: FindingCodes) -> None:
    assert told(read(observation("26734006")), "score.gcs", codes) == "14"
    assert told(read(observation("26734006", valueBoolean=False)), "score.gcs", codes) == "unknown"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (amount(38.4, "Cel"), "present"),
        (amount(101.3, "[degF]"), "present"),
        (amount(38.0, "Cel"), "present"),
        (amount(37.9, "Cel"), "unknown"),
        (amount(98.6, "Cel"), "unknown"),
        (amount(39, ""), "unknown"),
        (amount(38.2, "Cel", comparator="<"), "unknown"),
        ({"valueRange": {"low": {"value": 38.1, "unit": "C"}, "high": {"value": 38.4, "unit": "C"}}}, "present"),
    ],
)
def test_a_measured_temperature_can_only_say_yes(value: dict[str, Any], expected: str, read: Read) -> None:
    assert told(read(observation("8310-5", **value)), "sign.fever") == expected


def test_a_normal_temperature_does_not_cover_a_stated_fever(read: Read) -> None:
    stated = observation("386661006", valueBoolean=True, effectiveDateTime="2026-03-14T17:00:00-05:00")
    assert told(read(stated, observation("8310-5", **amount(37, "Cel"))), "sign.fever") == "present"


@pytest.mark.parametrize(("weeks", "expected"), [(36.9, "present"), (37, "absent"), (50, "unknown")])
def test_a_gestational_age_answers_premature_birth(weeks: float, expected: str, read: Read) -> None:
    assert told(read(observation("76516-4", **amount(weeks, "wk"))), "safety.premature_birth") == expected


def test_a_general_finding_needs_its_site(read: Read) -> None:
    tender, cervical, right_lower = "247348008", concept("122494005"), concept("48544008")
    assert told(read(observation(tender)), "sign.abdominal_tenderness") == "unknown"
    assert told(read(observation(tender, bodySite=right_lower)), "sign.rlq_tenderness") == "present"
    assert told(read(observation(tender, bodySite=cervical)), "sign.neck_midline_tenderness") == "suspected"
    assert told(read(observation(tender, bodySite=cervical)), "sign.rlq_tenderness") == "unknown"
    denied = observation(tender, bodySite=right_lower, valueBoolean=False)
    assert told(read(denied), "sign.abdominal_tenderness") == "unknown"
    unknown = observation(tender, bodySite=right_lower, **answer("261665006"))
    assert told(read(unknown), "sign.rlq_tenderness") == "unknown"


def test_a_form_with_a_modifier_may_worry_but_not_reassure(read: Read) -> None:
    items = [
        {"linkId": name, "answer": [{"valueBoolean": yes}]} for name, yes in (("vomiting", True), ("amnesia", False))
    ]
    findings = read({**form(*items), "modifierExtension": [{"url": "urn:x"}]})
    assert (told(findings, "sign.vomiting"), told(findings, "sign.amnesia")) == ("present", "unknown")


def test_a_form_is_read_by_link_id_or_question_at_any_depth(read: Read) -> None:
    inner = {"linkId": "1.2", "text": "Vomiting?", "answer": [{"valueBoolean": True}]}
    below = {"linkId": "q", "answer": [{"valueString": "x", "item": [inner]}]}
    findings = read(
        form({"linkId": "group", "item": [below]}, {"linkId": "amnesia", "answer": [{"valueBoolean": False}]})
    )
    assert told(findings, "sign.vomiting") == "present"
    assert told(findings, "sign.amnesia") == "absent"
    assert findings["sign.vomiting"].evidence == (("Vomiting?: present", "QuestionnaireResponse/q1", "2026-03-14"),)


@pytest.mark.parametrize(
    ("item", "name", "expected"),
    [
        ({"linkId": "severe-headache", "answer": [{"valueBoolean": True}]}, "sign.headache_severity", "severe"),
        (
            {"linkId": "headache-severity", "answer": [{"valueCoding": {"display": "mild"}}]},
            "sign.headache_severity",
            "mild",
        ),
        (
            {"linkId": "fall-height", "answer": [{"valueQuantity": {"value": 2, "unit": "m"}}]},
            "sign.fall_height",
            "2 m",
        ),
        ({"linkId": "fall-height", "answer": [{"valueDecimal": 2.5}]}, "sign.fall_height", "unknown"),
        ({"linkId": "pas-total", "answer": [{"valueDecimal": 7.0}]}, "score.pediatric_appendicitis", "7"),
        ({"linkId": "gcs", "answer": [{"valueInteger": 14}]}, "score.gcs", "14"),
        ({"linkId": "mri-safety-label", "answer": [{"valueString": "safe"}]}, "safety.mri_safety_label", "unknown"),
        ({"linkId": "helmet", "answer": [{"valueBoolean": False}]}, "sign.helmet_worn", "no"),
    ],
)
def test_answers_of_every_type(item: dict[str, Any], name: str, expected: str, read: Read, codes: FindingCodes) -> None:
    assert told(read(form(item)), name, codes) == expected


@pytest.mark.parametrize(
    ("status", "expected"), [("in-progress", "absent"), ("entered-in-error", "unknown"), ("stopped", "unknown")]
)
def test_a_form_half_filled_counts_a_withdrawn_one_does_not(status: str, expected: str, read: Read) -> None:
    filled = form({"linkId": "vomiting", "answer": [{"valueBoolean": False}]}, status=status)
    assert told(read(filled), "sign.vomiting") == expected


def test_a_form_without_end_is_cut(read: Read) -> None:
    item: dict[str, Any] = {"linkId": "vomiting", "answer": [{"valueBoolean": True}]}
    for _ in range(20):
        item = {"linkId": "x", "item": [item]}
    assert told(read(form(item)), "sign.vomiting") == "unknown"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"valueDateTime": "2026-03-14T15:30:00-05:00"}, "3 h"),
        ({"valueDateTime": "2026-03-15T15:30:00-05:00"}, "unknown"),
        ({"valueDateTime": "soon"}, "unknown"),
        ({"valueString": "yesterday"}, "unknown"),
    ],
)
def test_hours_since_the_injury(stated: dict[str, Any], expected: str, read: Read, codes: FindingCodes) -> None:
    assert told(read(observation("11368-8", **stated)), "sign.hours_since_injury", codes) == expected


def test_an_injury_known_by_day_only_is_an_interval_of_hours(read: Read) -> None:
    hours = read(observation("69445-5", valueDateTime="2026-03-14"))["sign.hours_since_injury"].value
    assert (hours.low, hours.high) == (0, 37.5)
    answered = form({"linkId": "injury-time", "answer": [{"valueDate": "2026-03-14"}, {"valueString": "noon"}]})
    assert read(answered)["sign.hours_since_injury"].value == hours


def test_a_preliminary_time_of_injury_is_still_a_time(read: Read, codes: FindingCodes) -> None:
    stated = observation("11368-8", valueDateTime="2026-03-14T15:30:00-05:00", status="preliminary")
    findings = read(stated)
    assert told(findings, "sign.hours_since_injury", codes) == "3 h"
    assert findings["sign.hours_since_injury"].evidence == (
        ("hours since injury: stated", "Observation/o1", "2026-03-14"),
    )


def test_a_fact_is_read_only_from_its_own_resources(read: Read) -> None:
    assert told(read(observation("C106045")), "safety.mri_safety_label") == "unknown"
    assert (
        told(read({**observation("26412008"), "encounter": HERE, "issued": SOON}), "safety.intubated_or_sedated")
        == "present"
    )
