"""Facts as rule examples write them: each kind in every way, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from math import inf
from typing import Any

import pytest

from cds_service.rules.fields import Fields
from cds_service.rules.given import NOW, order_facts, read_facts
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.quantities import span
from cds_service.vocabulary.readings import Interval, Names, Priors, Reading
from cds_service.yaml_source import read
from tests.rules.desk import FACTS


def given(text: str, changed: str = "") -> tuple[dict[str, Reading], list[str]]:
    """The readings of an example's facts, and what could not be read."""
    problems: list[Any] = []
    fields = Fields(read("{}", file="x"), "x", problems, "an example")
    readings = read_facts(read(text, file="x"), read(changed, file="x") if changed else None, FACTS, fields)
    return readings, [str(problem) for problem in problems]


def value(text: str) -> Any:
    """The value of the one fact in *text*."""
    readings, problems = given(text)
    assert not problems
    (reading,) = readings.values()
    return reading.value


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("sign.fever: present", True),
        ("sign.fever: absent", False),
        ("sign.fever: unknown", None),
        ("sign.severity: mild", frozenset({"mild"})),
        ("sign.severity: [mild, severe]", frozenset({"mild", "severe"})),
        ("score.belly: 7", Interval(7, 7)),
        ("score.belly: 7 points", Interval(7, 7)),
        ("score.belly: {from: 3, to: 5}", Interval(3, 5)),
        ("score.belly: {from: 3}", Interval(3, inf)),
        ("score.belly: {to: 5}", Interval(-inf, 5)),
        ("order.reason: belly-ache", Names(frozenset({"belly-ache"}))),
        ("order.reason: none", Names(frozenset())),
        ("order.reason: [belly-ache, sore-head]", Names(frozenset({"belly-ache", "sore-head"}))),
        ("order.reason: {names: [belly-ache], complete: false}", Names(frozenset({"belly-ache"}), False)),
        ("order.reason: {complete: false}", Names(frozenset(), False)),
        ("history.head_ct: none", Priors((), True, NOW)),
        ("history.head_ct: unknown", None),
    ],
)
def test_a_fact_is_read(text, read_as):
    assert value(text) == read_as


def test_a_suspected_finding_is_suspected():
    readings, _ = given("safety.shaky: suspected")
    assert readings["safety.shaky"] == Reading(None, suspected=True)


@pytest.mark.parametrize("age", ["9 years", "1 day", "61 months", "18 years", "0 days"])
def test_an_age_is_reached_today(age):
    born = value(f"patient.age: {age}").born_first
    assert span(age).after(born) <= NOW.date() < span(age).after(born + timedelta(days=1))


def test_an_age_on_a_leap_day_is_reached_too(monkeypatch):
    monkeypatch.setattr("cds_service.rules.given.NOW", NOW.replace(year=2024, month=2, day=29))
    assert value("patient.age: 1 year").born_first <= date(2023, 2, 28)


@pytest.mark.parametrize(
    ("text", "ago", "like", "result"),
    [
        ("5 hours ago", "5 hours", "CT head", ""),
        ("{ago: 5 hours}", "5 hours", "CT head", ""),
        (
            "{ago: 3 days, exam: CT head with contrast, result: nondiagnostic}",
            "3 days",
            "CT head with contrast",
            "nondiagnostic",
        ),
    ],
)
def test_an_earlier_exam(text, ago, like, result):
    (prior,) = value(f"history.head_ct: {text}").items
    assert (prior.exam, prior.result, prior.first) == (exam(like), result, span(ago).before(NOW))
    assert prior.evidence[0].text.endswith("ago")


def test_several_earlier_exams():
    assert len(value("history.head_ct: [5 hours ago, 3 days ago]").items) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sign.fever: maybe", "maybe is not a value of sign.fever; it is a flag; or write unknown"),
        ("sign.fever: [present]", "is not a value of sign.fever"),
        ("sign.severity: awful", "awful is not a value of sign.severity; it is a choice"),
        ("sign.severity: []", "is not a value of sign.severity"),
        ("order.reason: itch", "itch is not a value of order.reason"),
        ("score.belly: many", "many is not a value of score.belly; it is a number"),
        ("score.belly: {from: low}", "is not a value of score.belly"),
        ("patient.age: old", "old is not a value of patient.age; it is a age"),
        ("patient.age: 7 points", "7 points is not a value of patient.age"),
        ("history.head_ct: 7 points", "7 points is not a value of history.head_ct"),
        ("history.head_ct: {exam: CT head}", "is not a value of history.head_ct"),
        ("history.head_ct: {ago: 5 hours, exam: CT haed}", "is not a value of history.head_ct"),
        ("sign.fevr: present", "sign.fevr is not a fact"),
        ("[sign.fever]", "facts must be a block of names and values"),
        ("words", "facts must be a block of names and values"),
    ],
)
def test_what_is_no_value_is_named(text, said):
    readings, problems = given(text)
    assert readings == {} and len(problems) == 1 and said in problems[0]


def test_but_is_laid_over():
    readings, problems = given("{sign.fever: present, score.belly: 3}", "{sign.fever: absent}")
    assert not problems and readings["sign.fever"].value is False and readings["score.belly"].value == Interval(3, 3)


@pytest.mark.parametrize(
    ("phrase", "unknown"),
    [
        ("CT head with contrast", set()),
        ("CT head", {"order.contrast", "order.passes"}),
        ("US abdomen", {"order.contrast", "order.passes"}),
    ],
)
def test_an_exam_phrase_stands_for_facts_of_the_order(phrase, unknown):
    facts = order_facts(exam(phrase))
    assert {name for name, reading in facts.items() if reading.value is None} == unknown
    assert set(facts) <= set(FACTS)
