"""Which of several statements counts: time, visit, rank, and the more worrying of equals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cds_service.facts.findings.timing import reference_id
from cds_service.vocabulary.finding_codes import FindingCodes

from .conftest import NOW, Read, amount, condition, form, observation, told

VOMITING, HEADACHE = "422400008", "25064002"
EARLY, LATE = "2026-03-14T17:00:00-05:00", "2026-03-14T18:00:00-05:00"
ELSEWHERE = {"reference": "Encounter/clinic"}


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat()


def vomited(value: bool | None = True, at: str | None = LATE, code: str = VOMITING, **more: Any) -> dict[str, Any]:
    answered = {} if value is None else {"valueBoolean": value}
    return observation(code, effectiveDateTime=at, **answered, **more)


def unknown(at: str = LATE) -> dict[str, Any]:
    return vomited(None, at, dataAbsentReason={"text": "asleep"})


def test_the_newest_answer_counts_whichever_stands_first(read: Read) -> None:
    assert told(read(vomited(True, EARLY), vomited(False, LATE)), "sign.vomiting") == "absent"
    assert told(read(vomited(False, LATE), vomited(True, EARLY)), "sign.vomiting") == "absent"
    assert told(read(vomited(False, EARLY), vomited(True, LATE)), "sign.vomiting") == "present"


def test_at_the_same_moment_the_more_worrying_counts(read: Read) -> None:
    assert told(read(vomited(False), vomited(True)), "sign.vomiting") == "present"
    suspected = vomited(None, valueString="possible")
    assert told(read(vomited(False), suspected), "sign.vomiting") == "suspected"
    assert told(read(suspected, vomited(True)), "sign.vomiting") == "present"


def test_acting_normally_is_the_reassuring_answer(read: Read) -> None:
    yes, no = ({"linkId": "acting-normally", "answer": [{"valueBoolean": value}]} for value in (True, False))
    assert told(read(form(yes)), "sign.acting_normally_per_parent") == "present"
    assert told(read(form(yes), form(no)), "sign.acting_normally_per_parent") == "absent"


def test_an_answer_goes_before_a_diagnosis_and_that_before_a_list(read: Read) -> None:
    diagnosed, refuted = condition("E84.0"), condition("E84.0", "refuted")
    listed = condition("E84.0", encounter=ELSEWHERE)
    denied = form({"linkId": "cystic-fibrosis", "answer": [{"valueBoolean": False}]})
    assert told(read(diagnosed, denied), "safety.cystic_fibrosis") == "absent"
    assert told(read(listed, refuted), "safety.cystic_fibrosis") == "absent"
    assert (
        told(read(diagnosed, condition("E84.0", "refuted", encounter=ELSEWHERE)), "safety.cystic_fibrosis") == "present"
    )
    assert told(read(listed), "safety.cystic_fibrosis") == "present"


def test_a_device_in_force_is_not_answered_away(read: Read) -> None:
    pacemaker = {
        "resourceType": "Device",
        "type": {"coding": [{"system": "http://snomed.info/sct", "code": "14106009"}]},
    }
    denied = form({"linkId": "cardiac-pacemaker-or-icd", "answer": [{"valueBoolean": False}]})
    assert told(read(denied), "safety.cardiac_pacemaker_or_icd") == "absent"
    assert told(read(pacemaker, denied), "safety.cardiac_pacemaker_or_icd") == "present"


def test_not_known_covers_older_answers_but_lets_worse_news_through(read: Read) -> None:
    assert told(read(vomited(False, EARLY), unknown()), "sign.vomiting") == "unknown"
    assert told(read(unknown(EARLY), vomited(False, LATE)), "sign.vomiting") == "absent"
    assert told(read(unknown(), condition(VOMITING)), "sign.vomiting") == "present"
    assert told(read(unknown(), condition(VOMITING, "provisional")), "sign.vomiting") == "suspected"
    assert told(read(unknown(), condition(VOMITING, "refuted")), "sign.vomiting") == "unknown"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"at": ago(days=9)}, "present"),
        ({"at": ago(days=9), "encounter": ELSEWHERE}, "unknown"),
        ({"at": LATE, "encounter": ELSEWHERE}, "unknown"),
        ({"at": ago(hours=23), "encounter": None}, "present"),
        ({"at": ago(hours=25), "encounter": None}, "unknown"),
        ({"at": ago(hours=-3), "encounter": None}, "unknown"),
        ({"at": ago(minutes=-30), "encounter": None}, "present"),
        ({"at": None, "encounter": None}, "suspected"),
        ({"at": "someday", "encounter": {}}, "suspected"),
        ({"at": None, "encounter": None, "value": False}, "unknown"),
        ({"at": None, "encounter": None, "issued": LATE}, "present"),
        ({"at": None, "encounter": None, "effectiveInstant": LATE}, "present"),
        ({"at": None, "encounter": None, "effectivePeriod": {"start": LATE}}, "present"),
        ({"at": None, "encounter": None, "effectivePeriod": {"end": ago(days=3)}}, "unknown"),
    ],
)
def test_a_finding_of_today_is_of_this_visit_or_of_the_last_day(
    more: dict[str, Any], expected: str, read: Read
) -> None:
    assert told(read(vomited(**more)), "sign.vomiting") == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"encounter": None, "recordedDate": ago(hours=2)}, "present"),
        ({"encounter": None, "recordedDate": ago(days=2)}, "unknown"),
        ({"encounter": None, "onsetDateTime": ago(hours=2)}, "present"),
        ({"encounter": None, "onsetPeriod": {"start": ago(days=90)}}, "unknown"),
        ({"encounter": None}, "suspected"),
        ({"encounter": ELSEWHERE, "recordedDate": ago(hours=2)}, "unknown"),
    ],
)
def test_a_diagnosis_ages_by_when_it_was_recorded(more: dict[str, Any], expected: str, read: Read) -> None:
    assert told(read(condition(VOMITING, **more)), "sign.vomiting") == expected


def test_a_choice_without_a_time_is_unknown(read: Read) -> None:
    assert told(read(condition("S06.0X1A", encounter=None)), "sign.loss_of_consciousness") == "unknown"


def test_without_a_visit_the_last_day_counts(read: Read) -> None:
    assert told(read(vomited(), encounter=None), "sign.vomiting") == "present"
    assert told(read(vomited(at=ago(days=2)), encounter=None), "sign.vomiting") == "unknown"


def test_lasting_facts_do_not_age_and_newer_visits_go_first(read: Read) -> None:
    old = observation("190905008", encounter=ELSEWHERE, effectiveDateTime="2019-02", valueBoolean=True)
    assert told(read(old), "safety.cystic_fibrosis") == "present"
    today = observation("190905008", valueBoolean=False)
    assert told(read(old, today), "safety.cystic_fibrosis") == "absent"
    undated = observation("190905008", encounter=None, effectiveDateTime=LATE, valueBoolean=False)
    assert told(read(old, undated), "safety.cystic_fibrosis") == "absent"


@pytest.mark.parametrize(
    ("at", "expected"),
    [(ago(hours=20), "12 10*3/uL"), (ago(hours=30), "unknown"), (None, "unknown"), (ago(hours=-5), "unknown")],
)
def test_a_laboratory_value_has_its_own_time(at: str | None, expected: str, read: Read, codes: FindingCodes) -> None:
    assert told(read(observation("6690-2", effectiveDateTime=at, **amount(12, "K/uL"))), "exam.wbc", codes) == expected


def test_pregnancy_tests_age_in_days_a_diagnosis_in_weeks(read: Read) -> None:
    test = {"valueCodeableConcept": {"text": "Negative"}}
    assert (
        told(read(observation("2106-3", effectiveDateTime=ago(hours=60), **test)), "patient.pregnancy")
        == "not pregnant"
    )
    assert told(read(observation("2106-3", effectiveDateTime=ago(hours=80), **test)), "patient.pregnancy") == "unknown"
    assert told(read(condition("Z33.1", recordedDate=ago(days=100))), "patient.pregnancy") == "pregnant"
    assert told(read(condition("Z33.1", recordedDate=ago(days=400))), "patient.pregnancy") == "unknown"


def test_a_reassurance_about_the_circulation_is_soon_too_old(read: Read) -> None:
    stable, unstable = ({"valueBoolean": value} for value in (False, True))
    recent, older = ago(minutes=30), ago(hours=2)
    assert (
        told(read(observation("422773005", effectiveDateTime=recent, **stable)), "safety.hemodynamic_instability")
        == "absent"
    )
    assert (
        told(read(observation("422773005", effectiveDateTime=older, **stable)), "safety.hemodynamic_instability")
        == "unknown"
    )
    assert (
        told(read(observation("422773005", effectiveDateTime=None, **stable)), "safety.hemodynamic_instability")
        == "unknown"
    )
    assert (
        told(read(observation("422773005", effectiveDateTime=older, **unstable)), "safety.hemodynamic_instability")
        == "present"
    )


def test_only_what_came_after_the_injury_counts(read: Read) -> None:
    injury = condition("S09.90XA", onsetDateTime="2026-03-14T17:30:00-05:00")
    assert told(read(injury, vomited(True, EARLY)), "sign.vomiting") == "unknown"
    assert told(read(injury, vomited(True, LATE)), "sign.vomiting") == "present"
    assert told(read(injury, vomited(True, None)), "sign.vomiting") == "present"
    assert told(read(injury, vomited(True, EARLY, code=HEADACHE)), "sign.headache_present") == "present"
    by_day = condition("S09.90XA", onsetDateTime="2026-03-14")
    assert told(read(by_day, vomited(True, EARLY)), "sign.vomiting") == "present"


def gcs(value: int | None, at: str = LATE, **more: Any) -> dict[str, Any]:
    answered = {"valueInteger": value} if value is not None else {"dataAbsentReason": {"text": "intubated"}}
    return observation("9269-2", effectiveDateTime=at, **answered, **more)


def test_the_lowest_score_of_the_visit_counts(read: Read, codes: FindingCodes) -> None:
    assert told(read(gcs(13, EARLY), gcs(15, LATE)), "score.gcs", codes) == "13"
    assert told(read(gcs(15, EARLY), gcs(None, LATE)), "score.gcs", codes) == "3 to 15"
    assert told(read(gcs(None)), "score.gcs", codes) == "unknown"
    assert told(read(gcs(15), condition("R40.2431")), "score.gcs", codes) == "15"
    assert told(read(gcs(12, LATE, encounter=ELSEWHERE), gcs(15)), "score.gcs", codes) == "15"
    shown = read(gcs(13, EARLY), gcs(15, LATE))["score.gcs"].evidence
    assert shown == (("gcs: 13", "Observation/o1", "2026-03-14"),)


def test_numbers_of_the_same_moment_are_the_worse_or_lie_between(read: Read, codes: FindingCodes) -> None:
    def both(code: str, unit: str, *values: float) -> list[dict[str, Any]]:
        return [observation(code, **amount(value, unit)) for value in values]

    assert told(read(*both("1988-5", "mg/L", 4, 40)), "exam.crp", codes) == "40 mg/L"
    assert told(read(*both("751-8", "K/uL", 4, 0.4)), "exam.anc", codes) == "0.4 10*3/uL"
    assert told(read(*both("6690-2", "K/uL", 9, 12)), "exam.wbc", codes) == "9 to 12 10*3/uL"


def test_a_fact_that_is_none_is_unknown(read: Read) -> None:
    findings = read()
    assert told(findings, "sign.no_such_fact") == "unknown"
    assert findings.gaps("sign.no_such_fact") == ()


def test_what_could_not_be_read_is_told_with_the_unknown(read: Read) -> None:
    findings = read(complete=False)
    assert findings["sign.vomiting"].gap == "Observation"
    assert findings["safety.cochlear_implant"].gap == "Observation"
    assert findings.gaps("safety.mri_safety_label") == (("Device", "not sent"),)
    assert findings["score.gcs"].gap == "Observation"
    assert findings["no.fact"].gap == ""
    assert read()["sign.vomiting"].gap == ""


def test_a_known_finding_has_no_gap_and_a_suspicion_has(read: Read) -> None:
    assert read(vomited(), complete=False)["sign.vomiting"].gap == ""
    suspected = read(condition(VOMITING, "provisional"), complete=False)["sign.vomiting"]
    assert (suspected.suspected, suspected.gap) == (True, "Observation")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("ed", "ed"),
        ("Encounter/ed", "ed"),
        ("Encounter/ed/", "ed"),
        ("http://x/Encounter/ed/_history/1", "ed"),
        ("", ""),
    ],
)
def test_the_bare_id_of_a_reference(reference: str, expected: str) -> None:
    assert reference_id(reference) == expected


def test_evidence_has_a_day_only_when_there_is_one(read: Read) -> None:
    assert read(condition("E84.0", recordedDate="2020-02"))["safety.cystic_fibrosis"].evidence[0].on == ""
    assert read(condition("E84.0", id=None))["safety.cystic_fibrosis"].evidence[0].source == "Condition"
    many = [condition("E84.0", id=f"c{number}") for number in range(5)]
    assert len(read(*many)["safety.cystic_fibrosis"].evidence) == 2
