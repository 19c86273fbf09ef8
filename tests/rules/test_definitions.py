"""Facts made of other facts: present, absent or unknown, with the evidence of what they rest on."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.errors import ContentError
from cds_service.rules.judge import WithDefinitions
from cds_service.rules.rule import Definition
from cds_service.rules.ruleset import build, parse
from cds_service.vocabulary.readings import Evidence, GivenFacts, Interval, Reading
from tests.rules.desk import BROADER, COMMON, HEAD, desk

FLAG = (
    COMMON.format(kind="definition", title="Bad")
    + """
id: bad
fact: sign.bad
meaning: Fever or shaky.
when: {any: [{sign.fever: present}, {safety.shaky: present}]}
examples:
  - {name: Fever, facts: {sign.fever: present}, expect: present}
  - {name: Neither, facts: {sign.fever: absent, safety.shaky: absent}, expect: absent}
  - {name: One not known, facts: {sign.fever: absent}, expect: unknown}
"""
)
CHOICE = (
    COMMON.format(kind="definition", title="Risk")
    + """
id: risk
fact: score.risk
meaning: Risk by the score.
thresholds: {high: {value: 7 points, meaning: High from here.}, some: {value: 4 points, meaning: Some from here.}}
values:
  - {value: high, when: {score.belly: {at_least: high}}}
  - {value: some, when: {score.belly: {at_least: some}}}
  - {value: low, when: {score.belly: {below: some}}}
examples:
  - {name: Eight, facts: {score.belly: 8}, expect: high}
  - {name: Five, facts: {score.belly: 5}, expect: some}
  - {name: None, facts: {score.belly: unknown}, expect: unknown}
"""
)


def definition(text: str) -> Definition:
    (found,) = rules(text).definitions
    return found


def rules(*texts: str, **more: Any):
    names = [next(line.split()[1] for line in text.splitlines() if line.startswith("id:")) for text in texts]
    problems: list[Any] = []
    parsed = parse(
        {
            f"rules/{place}/{name}.yaml": text.encode()
            for place, (name, text) in enumerate(zip(names, texts, strict=True))
        },
        problems,
    )
    return build(parsed, desk(problems=problems), broader=BROADER, **more)


def trouble(*texts: str) -> str:
    with pytest.raises(ContentError) as caught:
        rules(*texts)
    return str(caught.value)


@pytest.mark.parametrize(
    ("fever", "shaky", "bad"),
    [(True, None, True), (None, True, True), (False, False, False), (False, None, None), (None, None, None)],
)
def test_a_flag_is_what_its_block_says(fever, shaky, bad):
    facts = GivenFacts({"sign.fever": Reading(fever), "safety.shaky": Reading(shaky)})
    assert definition(FLAG).read(facts).value is bad


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [
        (8, 8, {"high"}),
        (5, 5, {"some"}),
        (1, 1, {"low"}),
        (6, 8, {"high", "some"}),  # the first that holds; an earlier one may
        (3, 5, None),  # none holds for sure
        (0, 10, None),
    ],
)
def test_a_choice_is_the_first_that_holds_and_what_may_come_before(low, high, values):
    read = definition(CHOICE).read(GivenFacts({"score.belly": Reading(Interval(low, high))}))
    assert read.value == (frozenset(values) if values else None)


def test_it_has_the_evidence_of_what_it_rests_on_each_once():
    fever, shaky = Evidence("fever", "Observation/1"), Evidence("shaky", "Observation/2")
    facts = GivenFacts({"sign.fever": Reading(True, (fever, shaky)), "safety.shaky": Reading(True, (shaky,))})
    assert definition(FLAG).read(facts).evidence == (shaky, fever)


def test_an_unknown_has_no_evidence():
    facts = GivenFacts({"sign.fever": Reading(False, (Evidence("no fever", "Observation/1"),))})
    assert definition(FLAG).read(facts) == Reading()


def test_a_long_list_of_evidence_is_cut():
    many = tuple(Evidence(str(number)) for number in range(20))
    assert len(definition(FLAG).read(GivenFacts({"sign.fever": Reading(True, many)})).evidence) == 6


def test_rules_ask_about_defined_facts_like_any_other():
    head = HEAD.replace("sign.fever: present}\n    source", "sign.bad: present}\n    source")
    assert rules(FLAG, head).topics[0].variants[0].criterion.facts == {"sign.bad"}
    facts = WithDefinitions({"sign.fever": Reading(True)}, {"sign.bad": definition(FLAG).read})
    assert facts["sign.bad"].value is True


def test_what_was_read_directly_goes_before_the_definition_in_examples():
    facts = WithDefinitions(
        {"sign.bad": Reading(False), "sign.fever": Reading(True)}, {"sign.bad": definition(FLAG).read}
    )
    assert facts["sign.bad"].value is False


def test_definitions_that_lead_back_to_each_other_are_unknown_and_end():
    one = FLAG.replace("{safety.shaky: present}]", "{sign.worse: present}]").split("examples:")[0]
    one += "examples: [{name: Fever, facts: {sign.fever: present}, expect: present}]\n"
    other = (
        one.replace("id: bad", "id: worse")
        .replace("fact: sign.bad", "fact: sign.worse")
        .replace("sign.worse: present", "sign.bad: present")
    )
    found = rules(one, other)
    facts = WithDefinitions({}, {each.fact: each.read for each in found.definitions})
    assert facts["sign.bad"].value is facts["sign.worse"].value is None


@pytest.mark.parametrize(
    ("text", "old", "new", "said"),
    [
        (FLAG, "expect: unknown", "expect: absent", "expected absent, got unknown"),
        (FLAG, "expect: unknown", "expect: maybe", "maybe is not a value of expect"),
        (
            FLAG,
            "sign.fever: present}, {",
            "sign.fevr: present}, {",
            "sign.fevr is not a fact; did you mean sign.fever?",
        ),
        (FLAG, "meaning: Fever or shaky.\n", "", "meaning"),
        (FLAG, "when: {any: [{sign.fever: present}, {safety.shaky: present}]}", "", "when"),
        (CHOICE, "expect: high", "expect: low", "expected low, got high"),
        (CHOICE, "value: some, when", "value: some, wehn", "wehn is not a field of a value"),
        (CHOICE, "{at_least: some}", "{at_least: high}", "example 'Five': expected some, got unknown"),
    ],
)
def test_what_is_wrong_is_named(text, old, new, said):
    assert old in text
    found = trouble(text.replace(old, new, 1))
    assert said in found and found.startswith("rules/0/")


def test_a_fact_is_defined_once():
    again = FLAG.replace("id: bad", "id: worse")
    assert "sign.bad is defined in rules/0/bad.yaml too; join the two, or name another fact" in trouble(FLAG, again)


def test_a_safety_definition_counts_a_suspicion():
    text = FLAG.replace("fact: sign.bad", "fact: safety.bad").replace("id: bad", "id: bad")
    facts = GivenFacts({"safety.shaky": Reading(None, suspected=True)})
    assert definition(text).read(facts).value is True and definition(FLAG).read(facts).value is None
