"""Every kind of condition, each with yes, no and unknown."""

import pytest

from cds_service.rules.criteria import Scope, compile_block
from cds_service.rules.fields import Fields
from cds_service.rules.given import NOW
from cds_service.rules.metadata import scope_of
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.quantities import quantity, span
from cds_service.vocabulary.readings import GivenFacts, Interval, Names, Prior, Priors, Reading
from cds_service.yaml_source import read
from tests.rules.desk import FACTS

LIMITS = {"five": quantity("5 points"), "two_days": span("48 hours")}


def ask(text, **facts):
    problems = []
    criterion = compile_block(read(text, file="x"), Scope(FACTS, LIMITS, "x", problems))
    assert not problems
    return criterion.holds(GivenFacts({name.replace("__", "."): value for name, value in facts.items()}))


def priors(*agos, complete=True, certain=True, result="", wide=None):
    items = []
    for ago in agos:
        moment = span(ago).before(NOW)
        first = span(wide).before(NOW) if wide else moment
        items.append(Prior(exam("US abdomen"), first, moment, certain=certain, result=result))
    return Reading(Priors(tuple(items), complete, NOW))


@pytest.mark.parametrize("name", ["history.dose_recorded", "history.dose_usual"])
def test_no_rule_may_ask_about_the_dose_so_far(name):
    problems = []
    compile_block(read(f"{name}: some", file="x"), Scope(FACTS, LIMITS, "x", problems))
    assert [str(one) for one in problems] == [
        f"x:1: {name} is told to people only; no dose so far argues for or against an exam"
    ]


@pytest.mark.parametrize(("value", "present"), [(True, True), (False, False), (None, None)])
def test_a_flag(value, present):
    assert ask("sign.fever: present", sign__fever=Reading(value)) is present
    assert ask("sign.fever: absent", sign__fever=Reading(value)) is (None if present is None else not present)


def test_a_suspected_finding_is_unknown_but_a_suspected_safety_fact_is_yes():
    suspected = GivenFacts({"safety.shaky": Reading(None, suspected=True)})
    block = read("safety.shaky: present", file="x")
    plain = compile_block(block, Scope(FACTS, {}, "x", []))
    wary = compile_block(block, Scope(FACTS, {}, "x", [], suspected_counts=True))
    assert plain.holds(suspected) is None
    assert wary.holds(suspected) is True


@pytest.mark.parametrize(
    ("possible", "answer"),
    [({"mild"}, True), ({"severe"}, False), ({"mild", "severe"}, None), (None, None)],
)
def test_a_choice(possible, answer):
    value = Reading(frozenset(possible) if possible else None)
    assert ask("sign.severity: mild", sign__severity=value) is answer


def test_a_choice_of_several():
    assert ask("sign.severity: [mild, severe]", sign__severity=Reading(frozenset({"mild", "severe"}))) is True


@pytest.mark.parametrize(
    ("names", "complete", "answer"),
    [({"belly-ache"}, False, True), ({"sore-head"}, True, False), ({"sore-head"}, False, None), (set(), True, False)],
)
def test_reasons(names, complete, answer):
    reading = Reading(Names(frozenset(names), complete))
    assert ask("order.reason: belly-ache", order__reason=reading) is answer


def test_reasons_not_read_at_all():
    assert ask("order.reason: belly-ache") is None


def test_a_region_reaches_into_wider_and_narrower_ones():
    def reached(*regions):
        return ask("order.region: [abdomen]", order__region=Reading(Names(frozenset(regions))))

    assert reached("kidney") is True
    assert reached("whole-body") is True
    assert reached("head") is False
    assert ask("order.region: [abdomen]") is None


@pytest.mark.parametrize(
    ("text", "low", "high", "answer"),
    [
        ("below", 4, 4, True), ("below", 5, 5, False), ("below", 4, 5, None),
        ("at_most", 5, 5, True), ("at_most", 6, 6, False), ("at_most", 5, 6, None),
        ("above", 6, 6, True), ("above", 5, 5, False), ("above", 5, 6, None),
        ("at_least", 5, 5, True), ("at_least", 4, 4, False), ("at_least", 4, 5, None),
    ],
)  # fmt: skip
def test_numbers_may_be_intervals(text, low, high, answer):
    assert ask(f"score.belly: {{{text}: five}}", score__belly=Reading(Interval(low, high))) is answer


def test_a_missing_number_is_unknown():
    assert ask("score.belly: {below: five}") is None


def test_priors_none_and_some():
    fact = "history__abdominal_ultrasound"
    assert ask("history.abdominal_ultrasound: none", **{fact: priors()}) is True
    assert ask("history.abdominal_ultrasound: none", **{fact: priors("3 days")}) is False
    assert ask("history.abdominal_ultrasound: none", **{fact: priors(complete=False)}) is None
    assert ask("history.abdominal_ultrasound: none", **{fact: priors("3 days", certain=False)}) is None
    assert ask("history.abdominal_ultrasound: some", **{fact: priors("3 days", complete=False)}) is True
    assert ask("history.abdominal_ultrasound: some") is None


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (priors("47 hours"), True),
        (priors("48 hours"), True),
        (priors("49 hours"), False),
        (priors("49 hours", complete=False), None),
        (priors("1 hour", wide="3 days"), None),
        (priors("1 hour", certain=False), None),
    ],
)
def test_priors_within_a_time(given, answer):
    assert ask("history.abdominal_ultrasound: {within: two_days}", history__abdominal_ultrasound=given) is answer


@pytest.mark.parametrize(("result", "answer"), [("nondiagnostic", True), ("negative", False), ("", None)])
def test_priors_with_a_result(result, answer):
    text = "history.abdominal_ultrasound: {result: nondiagnostic, within: two_days}"
    assert ask(text, history__abdominal_ultrasound=priors("1 hour", result=result)) is answer


def test_groups_of_blocks():
    yes, no = Reading(True), Reading(False)
    either = "any: [{sign.fever: present}, {safety.shaky: present}]"
    both = "all: [{sign.fever: present}, {safety.shaky: present}]"
    neither = "none: [{sign.fever: present}, {safety.shaky: present}]"
    assert ask(either, sign__fever=yes) is True
    assert ask(either, sign__fever=no) is None
    assert ask(either, sign__fever=no, safety__shaky=no) is False
    assert ask(both, sign__fever=no) is False
    assert ask(both, sign__fever=yes) is None
    assert ask(neither, sign__fever=no, safety__shaky=no) is True
    assert ask(neither, sign__fever=yes) is False


def test_unknown_facts_are_named():
    criterion = compile_block(
        read("sign.fever: present\nsign.severity: mild\norder.reason: belly-ache", file="x"),
        Scope(FACTS, {}, "x", []),
    )
    facts = GivenFacts({"sign.fever": Reading(True), "order.reason": Reading(Names(frozenset(), False))})
    assert criterion.unknown_in(facts) == ("order.reason", "sign.severity")


def test_a_block_that_is_no_block_is_a_problem():
    problems = []
    compile_block(read("- a", file="x"), Scope(FACTS, {}, "x", problems))
    assert "a block of conditions is needed" in str(problems[0])


def test_scope_of_a_rule_holds_its_thresholds():
    from datetime import date

    from cds_service.rules.metadata import read_thresholds
    from tests.rules.desk import desk

    fields = Fields(read("thresholds: {low: {value: 3 points, meaning: m}}", file="x"), "x", [], "a rule")
    thresholds = read_thresholds(fields, date(2026, 1, 1))
    assert scope_of(thresholds, fields, desk()).thresholds["low"] == quantity("3 points")
