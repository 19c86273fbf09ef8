"""The ruler itself: what counts as right, partly, unread and wrong."""

from __future__ import annotations

import pytest

from cds_service.facts.exams import Recognised
from cds_service.facts.reasons import Reasons
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.readings import Names
from tests.recognition.scoring import score_exam, score_reasons

LINEAGE = {
    "gerd": frozenset({"gerd"}),
    "reflux": frozenset({"reflux", "gerd"}),
    "headache": frozenset({"headache"}),
    "vomiting": frozenset({"vomiting"}),
    "vision-orbit": frozenset({"vision-orbit"}),
    "leukocoria": frozenset({"leukocoria", "vision-orbit"}),
}


def exam_score(label: str, phrase: str | None, purpose: str = "diagnostic") -> str:
    return score_exam(label, Recognised(exam(phrase) if phrase else None, "", purpose=purpose))


def reason_score(label: str, *names: str, complete: bool = True) -> str:
    return score_reasons(label, Reasons(Names(frozenset(names), complete), True, {}), LINEAGE)


@pytest.mark.parametrize(
    ("label", "read", "score"),
    [
        ("CT head|brain without contrast", "CT brain without contrast", "right"),
        ("CT head|brain without contrast", "CT head", "partly"),
        ("CT head|brain without contrast", "CT head with contrast", "wrong"),
        ("CT head|brain without contrast", "MR head without contrast", "wrong"),
        ("CT head|brain without contrast", "CT neck without contrast", "wrong"),
        ("CT head|brain without contrast", None, "unread"),
        ("CT head", "CT head without contrast", "wrong"),
        ("CTA head ~with contrast", "CTA head", "right"),
        ("CTA head ~with contrast", "CTA head with contrast", "right"),
        ("CTA head ~with contrast", "CTA head without contrast", "wrong"),
        ("CT abdomen+pelvis with contrast", "CT abdomen with contrast", "wrong"),
        ("US urinary-tract|kidney+bladder", "US kidney+bladder", "right"),
        ("RF enema colon", "RF colon", "right"),
        ("unread", None, "right"),
        ("unread", "CT head", "wrong"),
        ("guidance", None, "right"),
        ("guidance", "US liver", "wrong"),
    ],
)
def test_exams(label: str, read: str | None, score: str) -> None:
    assert exam_score(label, read) == score


def test_an_exam_for_guidance_is_none_of_its_own() -> None:
    assert exam_score("guidance", "US liver", purpose="guidance") == "right"


@pytest.mark.parametrize(
    ("label", "names", "score"),
    [
        ("reflux", ("reflux", "gerd"), "right"),
        ("reflux", ("gerd",), "partly"),
        ("gerd", ("reflux", "gerd"), "wrong"),
        ("gerd|headache", ("headache",), "right"),
        ("headache + vomiting", ("headache",), "partly"),
        ("headache + ~vomiting", ("headache",), "right"),
        ("headache + ~vomiting", ("headache", "vomiting"), "right"),
        ("headache", ("headache", "vomiting"), "wrong"),
        ("headache", (), "unread"),
        ("unread", (), "right"),
        ("unread", ("headache",), "wrong"),
    ],
)
def test_reasons(label: str, names: tuple[str, ...], score: str) -> None:
    assert reason_score(label, *names) == score


def test_a_list_left_open_is_not_right_unless_something_else_stands_there() -> None:
    assert reason_score("headache", "headache", complete=False) == "partly"
    assert reason_score("headache + other", "headache", complete=False) == "right"


def test_a_reason_split_off_later_is_true_where_the_wider_one_is_and_nowhere_else() -> None:
    assert reason_score("vision-orbit", "leukocoria", "vision-orbit") == "right"
    assert reason_score("headache", "leukocoria", "vision-orbit") == "wrong"
