"""The schema for editors: it takes what the reader takes, and underlines what the reader refuses by shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta

from cds_service.findings import Advice
from cds_service.rules.schema import condition, rule_schema
from cds_service.vocabulary.facts import Kind
from cds_service.yaml_source import read
from tests.rules.desk import ADULT, ALL, BELLY, FACTS, HEAD, PASSES, SHAKY
from tests.rules.test_definitions import CHOICE, FLAG
from tests.small import changed

SCHEMA = rule_schema({**FACTS, "sign.bad": FACTS["sign.fever"]._replace(name="sign.bad")}, ["clinical-judgement"])
VALID = Draft202012Validator(SCHEMA)


def fits(text: str) -> bool:
    return VALID.is_valid(json.loads(json.dumps(read(text, file="x"))))


def test_it_is_a_schema():
    meta.validate(SCHEMA)


@pytest.mark.parametrize("text", [*ALL.values(), FLAG, CHOICE], ids=[*ALL, "flag", "choice"])
def test_it_takes_every_kind_of_rule(text):
    assert fits(text)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (BELLY, "patient.age: {below", "patient.aeg: {below"),
        (BELLY, "{below: covered}", "{beneath: covered}"),
        (BELLY, "{below: covered}", "{}"),
        (BELLY, "{below: covered}", "covered"),
        (BELLY, "applies_to: {order.reason: belly-ache,", "applies_to: {order.reason: belly-ace,"),
        (BELLY, "if_unknown: ask", "if_unknown: maybe"),
        (BELLY, "if_unknown: ask", "if_unkown: ask"),
        (BELLY, "kind: appropriateness", "kind: appropriatness"),
        (BELLY, "expect: info", "expect: card"),
        (BELLY, "override_reasons: [clinical-judgement]", "override_reasons: [whim]"),
        (BELLY, "usually appropriate: [US abdomen,", "appropriate: [US abdomen,"),
        (BELLY, "allowed: [16 years, 21 years]", "allowed: [16 years]"),
        (BELLY, ", meaning: Younger patients are covered.", ""),
        (BELLY, "  - id: low\n", "  - nid: low\n"),
        (BELLY, "    source: guide\n    no_imaging", "    no_imaging"),
        (BELLY, "because: It is a bad belly., ", ""),
        (BELLY, "sources: [guide]", "sources: []"),
        (BELLY, "sources: [guide]\n", ""),
        (BELLY, "status: active", "status: live"),
        (BELLY, "review: {last: 2026-01-01, ", "review: {"),
        (HEAD, "when: {sign.fever: present}", "when: {sign.fever: 'yes'}"),
        (HEAD, "when: {sign.fever: present}", "when: {sign.severity: awful}"),
        (HEAD, "when: {sign.fever: present}", "when: {any: []}"),
        (HEAD, "when: {sign.fever: present}", "when: {any: {sign.fever: present}}"),
        (HEAD, "when: {sign.fever: present}", "when: {history.head_ct: often}"),
        (HEAD, "when: {sign.fever: present}", "when: {history.head_ct: {result: odd}}"),
        (PASSES, "advice: fewer-passes", "advice: fewer-phases"),
        (PASSES, "indicator: warning", "indicator: critical"),
        (PASSES, "advice: fewer-passes\n", ""),
        (ADULT, "effect: {silence: all}", "effect: {shout: all}"),
        (ADULT, "unknown: acts", "unknown: blocks"),
        (SHAKY, "effect: {silence: appropriateness}", "effect: {soften: warning}"),
        (SHAKY, "expect: silences", "expect: silence"),
        (FLAG, "fact: sign.bad\n", ""),
        (CHOICE, "{value: high, when", "{vale: high, when"),
    ],
)  # fmt: skip
def test_it_underlines_what_is_misshapen(text, old, new):
    assert not fits(changed(text, old, new))


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (HEAD, "when: {sign.fever: present}", "when: {all: [{any: [{sign.fever: present}]}], none: [{sign.severity: mild}]}"),
        (HEAD, "when: {sign.fever: present}", "when: {sign.severity: [mild, severe]}"),
        (HEAD, "when: {sign.fever: present}", "when: {history.head_ct: {result: positive, within: x}}"),
        (BELLY, "sources: [guide]", "sources: [{id: guide, supports: All of it.}]"),
        (BELLY, "value: 18 years", "value: {2020-01-01: 18 years}"),
        (BELLY, "because: It is a bad belly.", "unknown: blocks, because: It is a bad belly."),
        (BELLY, "version: 1\n", "version: '1.2'\n"),
        (ADULT, "effect: {silence: all}", "effect: {silence: [order-something-else], remove: [US, CT head], limit: Less.}"),
    ],
)  # fmt: skip
def test_it_takes_every_way_to_write_it(text, old, new):
    assert fits(changed(text, old, new))


@pytest.mark.parametrize("kind", Kind)
def test_a_condition_says_what_its_fact_means(kind):
    fact = next(one for one in FACTS.values() if one.kind is kind)
    said = condition(fact)["description"]
    assert said.startswith(fact.meaning) and said.endswith(f"Absent: {fact.absent}.")
    assert (f"In {fact.unit}." in said) == bool(fact.unit)


def test_words_are_those_of_the_fact():
    assert condition(FACTS["sign.severity"])["anyOf"][0]["enum"] == ["mild", "severe"]
    assert condition(FACTS["order.technique"])["anyOf"][0] == {"type": "string", "minLength": 1}


def test_every_advice_can_be_written():
    (check,) = (one for one in SCHEMA["oneOf"] if one["properties"]["kind"]["const"] == "check")
    assert check["properties"]["advice"]["enum"] == [advice.value for advice in Advice]


def test_each_fact_stands_there_once_and_is_pointed_to():
    facts: dict[str, Any] = SCHEMA["$defs"]["facts"]
    pointed = SCHEMA["$defs"]["block"]["properties"]
    assert set(facts) == {name for name in pointed if "." in name}
    assert pointed["sign.fever"] == {"$ref": "#/$defs/facts/sign.fever"}
