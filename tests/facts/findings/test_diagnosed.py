"""Conditions, procedures, and why the child came."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.vocabulary.finding_codes import FindingCodes

from .conftest import HERE, ICD10CM, SNOMED, Read, concept, condition, told


@pytest.mark.parametrize(
    ("verified", "expected"),
    [
        ("confirmed", "present"),
        ("", "present"),
        ("refuted", "absent"),
        ("unconfirmed", "suspected"),
        ("provisional", "suspected"),
        ("differential", "suspected"),
        ("entered-in-error", "unknown"),
    ],
)
def test_how_sure_a_condition_is(verified: str, expected: str, read: Read) -> None:
    assert told(read(condition("422400008", verified)), "sign.vomiting") == expected


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("C64.1", "safety.malignancy_known"),
        ("D66", "safety.bleeding_disorder"),
        ("S06.0X1A", "sign.loss_of_consciousness"),
    ],
)
def test_refuting_one_of_many_denies_nothing(code: str, name: str, read: Read) -> None:
    assert told(read(condition(code)), name) == "present"
    assert told(read(condition(code, "refuted")), name) == "unknown"


@pytest.mark.parametrize(
    ("clinical", "today", "lasting"),
    [
        ("active", "present", "present"),
        ("recurrence", "present", "present"),
        ("", "present", "present"),
        ("inactive", "unknown", "suspected"),
        ("remission", "unknown", "suspected"),
        ("resolved", "unknown", "unknown"),
    ],
)
def test_what_is_past_is_no_finding_of_today(clinical: str, today: str, lasting: str, read: Read) -> None:
    assert told(read(condition("R11.10", clinical=clinical)), "sign.vomiting") == today
    assert told(read(condition("E84.0", clinical=clinical)), "safety.cystic_fibrosis") == lasting


def test_a_condition_that_ended_says_nothing_but_a_refuted_one_is_refuted(read: Read) -> None:
    assert told(read(condition("E84.0", abatementDateTime="2020")), "safety.cystic_fibrosis") == "unknown"
    assert told(read(condition("E84.0", "refuted", "resolved")), "safety.cystic_fibrosis") == "absent"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("S06.0X1A", "present"),
        ("S06.0X0A", "absent"),
        ("S060X1A", "present"),
        ("s06.0x1a", "present"),
        ("S06.0X1", "present"),
        ("S06.0XAA", "unknown"),
        ("S06.0X1D", "unknown"),
        ("S06.0X1S", "unknown"),
        ("S06.0", "unknown"),
        ("R55", "suspected"),
    ],
)
def test_loss_of_consciousness_by_the_sixth_and_seventh_character(code: str, expected: str, read: Read) -> None:
    assert told(read(condition(code)), "sign.loss_of_consciousness") == expected


@pytest.mark.parametrize(
    ("code", "expected"), [("D57.1", "present"), ("D57.3", "unknown"), ("D57", "unknown"), ("D57.40", "present")]
)
def test_a_trait_is_not_the_disease(code: str, expected: str, read: Read) -> None:
    assert told(read(condition(code)), "safety.sickle_cell_disease") == expected


@pytest.mark.parametrize(
    ("code", "expected"), [("Z96.1", "suspected"), ("Z96.22", "unknown"), ("Z95.0", "suspected"), ("Z96", "suspected")]
)
def test_ear_tubes_are_no_implant_to_worry_about(code: str, expected: str, read: Read) -> None:
    assert told(read(condition(code)), "safety.implant_any") == expected


def test_a_lasting_fact_survives_the_follow_up_code(read: Read) -> None:
    assert told(read(condition("T85.01XD")), "safety.csf_shunt_present") == "present"
    assert told(read(condition("T79.4XXD")), "safety.hemodynamic_instability") == "unknown"
    assert told(read(condition("T79.4XXA")), "safety.hemodynamic_instability") == "present"


def test_a_history_and_a_hint_are_suspicions(read: Read) -> None:
    assert told(read(condition("Z85.841")), "safety.known_brain_tumour") == "suspected"
    assert told(read(condition("Z85.841")), "safety.malignancy_surveillance") == "present"
    assert told(read(condition("G91.1")), "safety.csf_shunt_present") == "suspected"
    assert told(read(condition("G91.1", "refuted")), "safety.csf_shunt_present") == "unknown"


def test_what_only_supports_is_not_read(read: Read) -> None:
    assert told(read(condition("S01.01XA")), "safety.penetrating_injury") == "unknown"
    assert told(read(condition("N39.0")), "sign.febrile_uti") == "suspected"


def test_a_condition_in_words_only(read: Read) -> None:
    assert told(read(condition({"text": "Cystic fibrosis"})), "safety.cystic_fibrosis") == "present"
    assert told(read(condition({"text": "Family history of cystic fibrosis"})), "safety.cystic_fibrosis") == "unknown"
    assert told(read(condition({"text": "Known brain tumor"}, "refuted")), "safety.known_brain_tumour") == "absent"


def test_a_score_in_a_code_is_a_band_or_a_number(read: Read, codes: FindingCodes) -> None:
    assert told(read(condition("R40.2421")), "score.gcs", codes) == "9 to 12"
    assert told(read(condition("R40.2142")), "score.gcs_eye", codes) == "4"
    assert told(read(condition("R40.2441")), "score.gcs", codes) == "unknown"
    assert told(read(condition("R40.2421", "unconfirmed")), "score.gcs", codes) == "unknown"
    assert told(read(condition("R40.2421", "refuted")), "score.gcs", codes) == "unknown"


def test_a_site_beside_a_general_condition(read: Read) -> None:
    scalp, elsewhere = concept("68698007"), concept("122494005")
    assert told(read(condition("385494008", bodySite=[elsewhere, scalp])), "sign.scalp_hematoma_location") == "frontal"
    assert told(read(condition("385494008", bodySite=[elsewhere])), "sign.scalp_hematoma") == "unknown"
    assert told(read(condition("385494008")), "sign.scalp_hematoma") == "unknown"
    assert told(read(condition("385494008", "refuted", bodySite=[scalp])), "sign.scalp_hematoma") == "unknown"
    assert told(read(condition("385494008", "differential", bodySite=[scalp])), "sign.scalp_hematoma") == "suspected"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"onsetDateTime": "2026-03-14T16:30:00-05:00"}, "2 h"),
        ({"onsetPeriod": {"start": "2026-03-14T12:30:00-05:00"}}, "6 h"),
        ({"recordedDate": "2026-03-14T16:30:00-05:00"}, "unknown"),
        ({"onsetDateTime": "2026-03-14T16:30:00-05:00", "encounter": {"reference": "Encounter/old"}}, "unknown"),
    ],
)
def test_an_injury_tells_its_own_time(more: dict[str, Any], expected: str, read: Read, codes: FindingCodes) -> None:
    assert told(read(condition("S09.90XA", **more)), "sign.hours_since_injury", codes) == expected


def test_only_a_sure_fresh_injury_tells_a_time(read: Read) -> None:
    onset = {"onsetDateTime": "2026-03-14T16:30:00-05:00"}
    assert told(read(condition("S09.90XA", "differential", **onset)), "sign.hours_since_injury") == "unknown"
    assert told(read(condition("S09.90XD", **onset)), "sign.hours_since_injury") == "unknown"
    assert told(read(condition("J18.9", **onset)), "sign.hours_since_injury") == "unknown"


def test_a_stated_time_goes_before_a_diagnosis(read: Read, codes: FindingCodes) -> None:
    injury = condition("S09.90XA", onsetDateTime="2026-03-14T16:30:00-05:00")
    later = condition("S52.5XXA", onsetDateTime="2026-03-14T17:30:00-05:00")
    assert told(read(injury, later), "sign.hours_since_injury", codes) == "1 h"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", "present"),
        ("in-progress", "present"),
        (None, "present"),
        ("not-done", "unknown"),
        ("preparation", "unknown"),
    ],
)
def test_a_procedure_that_took_place(status: str | None, expected: str, read: Read) -> None:
    procedure = {
        "resourceType": "Procedure",
        "status": status,
        "code": concept("313039003"),
        "performedDateTime": "2021-05",
    }
    assert told(read(procedure), "safety.transplant_recipient") == expected


def test_a_shunt_placed_once_may_have_been_removed(read: Read) -> None:
    placed = {"resourceType": "Procedure", "status": "completed", "code": concept("47020004")}
    assert told(read(placed), "safety.csf_shunt_present") == "suspected"
    assert told(read({**placed, "performedPeriod": {"start": "2026-03-14"}}), "safety.csf_shunt_present") == "suspected"


def visit(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Encounter", "id": "ed", "status": "in-progress", **more}


def test_why_the_child_came(read: Read) -> None:
    came = visit(reasonCode=[concept("R10.31", ICD10CM), {"text": "Vomiting"}, {}])
    findings = read(came)
    assert told(findings, "sign.rlq_pain") == "present"
    assert told(findings, "sign.vomiting") == "present"
    assert findings["sign.vomiting"].evidence == (("Vomiting: present", "Encounter/ed", ""),)
    assert told(read(came, condition("422400008", "refuted")), "sign.vomiting") == "present"


def test_the_reason_of_another_visit_is_not_todays(read: Read) -> None:
    came = visit(reasonCode=[concept("422400008", SNOMED)])
    assert told(read({**came, "id": "old"}), "sign.vomiting") == "unknown"
    assert told(read(came, encounter=None), "sign.vomiting") == "present"
    assert told(read(came, {**came, "id": "two"}, encounter=None), "sign.vomiting") == "unknown"
    assert told(read({**came, "status": "finished"}, encounter=None), "sign.vomiting") == "unknown"


def test_a_condition_names_its_visit_in_any_form(read: Read) -> None:
    for reference in ("Encounter/ed", "https://ehr.example.org/r4/Encounter/ed", "Encounter/ed/_history/3"):
        assert told(read(condition("422400008", encounter={"reference": reference})), "sign.vomiting") == "present"
    assert told(read(condition("422400008", encounter=HERE), encounter="Encounter/ed"), "sign.vomiting") == "present"
