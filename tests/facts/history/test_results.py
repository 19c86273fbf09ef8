"""What a report concludes, and where nothing is concluded from it."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.errors import ContentError
from cds_service.facts.history import NO_WORDS, ResultWords, load_results
from cds_service.facts.history.results import result_of
from cds_service.fhir.resources import CodeableConcept, Coding, DiagnosticReport
from cds_service.vocabulary.exams import name

from .conftest import History, report

SCT = "http://snomed.info/sct"
ULTRASOUND = {"text": "US appendix"}


@pytest.mark.parametrize(
    ("conclusion", "result"),
    [
        ("Appendix not visualized.", "nondiagnostic"),
        ("The appendix is not visualised. No free fluid.", "nondiagnostic"),
        ("NON-DIAGNOSTIC due to bowel gas", "nondiagnostic"),
        ("Nondiagnostic examination", "nondiagnostic"),
        ("Findings are equivocal for appendicitis", "nondiagnostic"),
        ("Inconclusive.", "nondiagnostic"),
        ("Limited study because of motion.", "nondiagnostic"),
        ("Unequivocal appendicitis", ""),
        ("No equivocal findings.", ""),
        ("This is not a limited study.", ""),
        ("Not limited. Limited study of the pelvis.", "nondiagnostic"),
        ("Limited ultrasound of the right lower quadrant: appendix 5 mm.", ""),
        ("Normal.", "negative"),
        ("No acute abnormality", "negative"),
        ("Normal appendix, but a 2 cm ovarian cyst", ""),
        ("Acute appendicitis.", "positive"),
        ("Acute appendicitis cannot be excluded", ""),
        ("No evidence of appendicitis", "negative"),
        ("Some words", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_plain_words_tell_and_others_do_not(words: ResultWords, conclusion: str | None, result: str) -> None:
    assert result_of(DiagnosticReport(conclusion=conclusion), words) == result


def coded(*codes: str) -> list[CodeableConcept]:
    return [CodeableConcept(coding=[Coding(SCT, code)]) for code in codes]


@pytest.mark.parametrize(
    ("codes", "result"),
    [
        (["10828004"], "positive"),
        (["260385009"], "negative"),
        (["419984006"], "nondiagnostic"),
        (["82334004"], "nondiagnostic"),
        (["85189001"], "positive"),
        (["17621005"], ""),  # codes no source could be found for are not taken
        (["42425007"], ""),
        (["10828004", "260385009"], ""),
        (["999"], ""),
        (["10828004", "999"], "positive"),
    ],
)
def test_coded_conclusions_tell(words: ResultWords, codes: list[str], result: str) -> None:
    assert result_of(DiagnosticReport(conclusionCode=coded(*codes)), words) == result


def test_code_and_words_that_disagree_tell_nothing(words: ResultWords) -> None:
    assert result_of(DiagnosticReport(conclusion="Normal", conclusionCode=coded("10828004")), words) == ""
    assert result_of(DiagnosticReport(conclusion="Normal", conclusionCode=coded("260385009")), words) == "negative"
    assert result_of(DiagnosticReport(conclusion="?", conclusionCode=[CodeableConcept()]), words) == ""


def test_a_code_of_another_system_is_not_taken(words: ResultWords) -> None:
    concept = CodeableConcept(coding=[Coding("http://loinc.org", "10828004"), Coding(None, None)])
    assert result_of(DiagnosticReport(conclusionCode=[concept]), words) == ""


def test_without_words_nothing_is_concluded() -> None:
    assert result_of(DiagnosticReport(conclusion="Normal"), NO_WORDS) == ""


def reports(*said: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        report(f"r{place}", ULTRASOUND, "2026-03-01", status=status, conclusion=conclusion)
        for place, (status, conclusion) in enumerate(said)
    ]


@pytest.mark.parametrize(
    ("said", "result"),
    [
        ([("final", "Normal")], "negative"),
        ([("preliminary", "Normal"), ("final", "Acute appendicitis")], "positive"),
        ([("preliminary", "Normal"), ("final", "see text")], ""),
        ([("preliminary", "Normal"), ("preliminary", "Normal")], "negative"),
        ([("final", "Normal"), ("appended", "Discussed by telephone.")], "negative"),
        ([("final", "Normal"), ("corrected", "Acute appendicitis")], ""),
    ],
)
def test_a_final_report_stands_before_a_preliminary_one(
    history: History, said: list[tuple[str, str]], result: str
) -> None:
    assert [prior.result for prior in history(*reports(*said)).items] == [result]


def test_the_result_stands_in_the_evidence(history: History) -> None:
    prior = history(*reports(("final", "Equivocal"))).items[0]
    assert prior.evidence[0].text == f"{name(prior.exam)}, 1 March 2026: nondiagnostic"


@pytest.mark.parametrize(
    ("source", "line", "trouble"),
    [
        ("- x", 1, "not a list of result words"),
        ("maybe: {says: [x]}", 1, "maybe is not a result"),
        ("source: p\npositive: [x]", 2, "positive is not a result"),
        ("positive: {hints: [x]}", 1, "hints is not known here"),
        ("positive: {says: x}", 1, "says must be a list"),
        ("positive:\n  says:\n    - ''", 3, "says must be a list"),
        ("positive:\n  codes: [123]", 2, "'123' is no code"),
        ("positive: {says: [x]}\nnegative: {says: [X]}", 2, "'X' stands under two results"),
        ("outside: somewhere", 1, "outside must be a list"),
    ],
)
def test_wrong_words_are_refused_with_file_and_line(source: str, line: int, trouble: str) -> None:
    with pytest.raises(ContentError) as refused:
        load_results(source, file="results.yaml")
    problem = refused.value.problems[0]
    assert (problem.file, problem.line) == ("results.yaml", line)
    assert trouble in problem.trouble
    assert problem.remedy


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ContentError) as refused:
        load_results("maybe: {}\npositive: {hints: [x], codes: [y]}")
    assert len(refused.value.problems) == 3


def test_empty_parts_are_fine() -> None:
    assert load_results("positive: {says: }\noutside:") == NO_WORDS
