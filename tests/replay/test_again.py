"""What was recorded of an order is enough to judge it again: by the same rules the same, by others what they ask."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec
import pytest

from cds_service import content
from cds_service.content import Content
from cds_service.facts.gather import Site
from cds_service.facts.recorded import RecordedFacts, kept
from cds_service.fhir.prefetch import patient_of, records
from cds_service.hooks.parse import parse
from cds_service.judging import Told, imaging_orders, tell
from cds_service.library import Places
from cds_service.noting import verdict
from cds_service.rules.judge import judge
from cds_service.settings import read
from tests.scenarios.compose import moment, request
from tests.scenarios.reading import scenarios

EVERY = dict(scenarios())
CALLS = [name for name, one in EVERY.items() if one.get("status", 200) == 200]
PARTS = 20
"""Scenarios are tried in so many parts, the first each time, the others in the long runs."""


@lru_cache(8)
def shipped(site: str = "") -> Content:
    chosen = read({})
    files = Places(chosen.rules, chosen.cards).files()
    mine = {"site/site.yaml": site.encode()} if site else {}
    return content.build({**files, **mine}, today=date(2026, 11, 23), run_examples=False)


def told(scenario: dict[str, Any], made: Content) -> Told:
    body = request(scenario)
    asked = parse(json.dumps(body).encode(), service_hook=body["hook"])
    record = records(asked)
    patient_of(record)
    return tell(list(imaging_orders(asked, made)), record, made, asked, now=moment(scenario["at"]), site=Site())


def recorded(scenario: dict[str, Any], made: Content, *, whole: bool) -> list[tuple[Any, dict[str, Any], list[Any]]]:
    """Each order's exam, its facts as they come back from the record, and its verdicts."""
    return [
        (
            one.order.recognised.exam,
            msgspec.json.decode(msgspec.json.encode(kept(one.facts, whole=whole), enc_hook=str)),
            [verdict(each) for each in one.judgement.verdicts],
        )
        for one in told(scenario, made).judged
    ]


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.soak) for part in range(1, PARTS))])
def test_the_same_rules_say_the_same_again(part: int) -> None:
    assert sum(map(said_again, CALLS[part::PARTS])) > 20


def test_a_no_that_the_chart_contradicts_is_none_again_too() -> None:
    assert said_again("head/minor-head-injury: A form says no altered mental status, and sleepy") == 2


def said_again(name: str) -> int:
    """Judge the orders of a scenario again by the same rules; how many."""
    tried = 0
    scenario = EVERY[name]
    made = shipped(json.dumps(scenario["site"]) if scenario.get("site") else "")
    for whole in (False, True):
        for ordered, facts, said in recorded(scenario, made, whole=whole):
            again = judge(ordered, RecordedFacts(facts, ordered, made.definitions), made.rules)
            assert [verdict(one) for one in again.verdicts] == said, (name, whole)
            tried += 1
    return tried


def test_facts_nobody_asked_for_are_there_for_other_rules() -> None:
    """A child who came again: every finding on record and the whole history are kept."""
    scenario: dict[str, Any] = {
        "at": "2026-11-23T14:00:00Z",
        "order": {"exam": "CT head WO contrast", "reason": {"icd10cm": "R56.00", "text": "Febrile seizure"}},
        "child": {"age": "2 years"},
        "history": [{"exam": "US abdomen", "ago": "400 days"}, {"exam": "XR chest", "ago": "3 days"}],
    }
    made = shipped()
    [(ordered, facts, _)] = recorded(scenario, made, whole=True)
    read_again = RecordedFacts(facts, ordered, made.definitions)
    assert [str(one.exam) for one in read_again["history.abdominal_ultrasound"].value.items] == ["US abdomen"]
    [(ordered, facts, _)] = recorded(scenario, made, whole=False)
    read_again = RecordedFacts(facts, ordered, made.definitions)
    found = read_again["history.abdominal_ultrasound"].value
    assert all(not one.certain for one in found.items), "what nobody worked out is possible, never sure"
    assert read_again["history.head_ct"].value.items == () and read_again["history.head_ct"].value.complete


def test_nothing_that_names_the_child_is_in_the_facts() -> None:
    scenario = EVERY[CALLS[0]]
    body = request(scenario)
    names = [body["context"]["patientId"], body["context"]["userId"], body["prefetch"]["patient"]["birthDate"]]
    made = shipped()
    for whole in (False, True):
        for _, facts, _ in recorded(scenario, made, whole=whole):
            said = json.dumps(facts)
            assert not [name for name in names if name in said]
