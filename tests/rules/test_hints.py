"""What a block hangs on: a block that is not asked could not have held."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.rules.criteria import Scope, compile_block
from cds_service.rules.hints import Hint, could_hold, hints, of_definitions
from cds_service.vocabulary.quantities import quantity
from cds_service.vocabulary.readings import GivenFacts, Interval, Names, Reading
from cds_service.yaml_source import read
from tests.rules.desk import FACTS


def of(text: str, made: dict[str, Hint] | None = None, skip: tuple[str, ...] = ()) -> list[tuple[set[str], set[str]]]:
    """The hints of a block, as findings and reasons."""
    return [(set(one.findings), set(one.reasons)) for one in hints(read(text, file="x"), made or {}, skip)]


def definitions(*texts: str) -> dict[str, Hint]:
    return of_definitions(read(text, file="x") for text in texts)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sign.fever: present", [({"sign.fever"}, set())]),
        ("sign.fever: absent", [({"sign.fever"}, set())]),
        ("score.belly: {below: low}", [({"score.belly"}, set())]),
        ("order.reason: belly-ache", [(set(), {"belly-ache"})]),
        ("order.reason: [belly-ache, sore-head]", [(set(), {"belly-ache", "sore-head"})]),
        ("order.modality: CT", []),  # anything else could hold for anybody
        ("history.head_ct: none", []),
        ("none: [{sign.fever: present}]", []),  # holds when nothing is there
        ("any: [{sign.fever: present}, {order.reason: sore-head}]", [({"sign.fever"}, {"sore-head"})]),
        ("any: [{sign.fever: present}, {order.modality: CT}]", []),
        ("any: [{sign.fever: present, order.modality: CT}]", [({"sign.fever"}, set())]),
        ("all: [{sign.fever: present}]", [({"sign.fever"}, set())]),
        ("{sign.fever: present, safety.shaky: present}", [({"sign.fever"}, set()), ({"safety.shaky"}, set())]),
        ("any: [{any: [{sign.fever: present}, {safety.shaky: present}]}]", [({"sign.fever", "safety.shaky"}, set())]),
        ("any: [{none: [{sign.fever: present}]}]", []),
        ("[]", []),
        ("just words", []),
    ],
)
def test_what_a_block_hangs_on(text, found):
    assert of(text) == found


def test_lines_that_are_no_condition_are_skipped():
    assert of("{because: So., sign.fever: present}", skip=("because",)) == [({"sign.fever"}, set())]


def test_the_most_telling_line_of_an_inner_block_will_do():
    both = "any: [{order.reason: [belly-ache, sore-head], sign.fever: present}]"
    assert of(both) == [({"sign.fever"}, set())]


def test_a_block_is_asked_when_any_of_it_is_on_record():
    lines = hints(read("any: [{sign.fever: present}, {order.reason: sore-head}]", file="x"), {})
    assert could_hold(lines, {"sign.fever"}, frozenset()) and could_hold(lines, set(), frozenset({"sore-head"}))
    assert not could_hold(lines, {"safety.shaky"}, frozenset({"belly-ache"}))
    assert could_hold((), set(), frozenset()), "a block nothing is known of is always asked"


# defined facts


def test_a_defined_fact_hangs_on_what_its_definition_asks():
    made = definitions("{fact: sign.bad, when: {any: [{sign.fever: present}, {order.reason: bad-belly}]}}")
    assert made["sign.bad"] == Hint(frozenset({"sign.bad", "sign.fever"}), frozenset({"bad-belly"}), False)
    assert of("sign.bad: present", made) == [({"sign.bad", "sign.fever"}, {"bad-belly"})]


def test_a_choice_hangs_on_all_its_cases():
    made = definitions(
        "{fact: sign.kind, values: [{value: a, when: {sign.fever: present}}, {value: b, when: {safety.shaky: absent}}]}"
    )
    assert made["sign.kind"].findings == {"sign.kind", "sign.fever", "safety.shaky"} and not made["sign.kind"].open


def test_a_definition_of_a_definition_is_settled_in_any_order():
    outer, inner = "{fact: sign.o, when: {sign.i: present}}", "{fact: sign.i, when: {sign.fever: present}}"
    for texts in ((outer, inner), (inner, outer)):
        assert definitions(*texts)["sign.o"].findings == {"sign.o", "sign.i", "sign.fever"}


@pytest.mark.parametrize("when", ["{order.modality: CT}", "{patient.age: {below: x}}", "nothing"])
def test_a_definition_on_anything_else_is_open(when):
    assert definitions(f"{{fact: sign.bad, when: {when}}}")["sign.bad"].open


def test_definitions_that_lead_back_to_each_other_are_open_and_end():
    made = definitions("{fact: sign.a, when: {sign.b: present}}", "{fact: sign.b, when: {sign.a: present}}")
    assert made["sign.a"].open or made["sign.b"].open
    assert not definitions("{fact: sign.a, when: {sign.a: present}}")["sign.a"].open


def test_a_defined_fact_that_wants_something_absent_hangs_on_its_record():
    """Nothing recorded is not absent, so ``none`` holds only for what somebody wrote down."""
    made = definitions("{fact: sign.well, when: {none: [{sign.fever: present}]}}")
    assert made["sign.well"] == Hint(frozenset({"sign.well", "sign.fever"}), frozenset(), False)


def test_what_is_no_definition_is_left_out():
    assert of_definitions(["words", None, []]) == {}


# never silent by mistake

LINES = [
    {"sign.fever": "present"},
    {"sign.fever": "absent"},
    {"safety.shaky": "present"},
    {"sign.severity": "mild"},
    {"score.belly": {"below": "five"}},
    {"order.reason": "belly-ache"},
    {"order.reason": ["sore-head", "bad-belly"]},
    {"order.modality": "CT"},
    {"order.priority": "stat"},
]


def merged(lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: wanted for line in lines for name, wanted in line.items()}


BLOCKS = st.recursive(
    st.lists(st.sampled_from(LINES), min_size=1, max_size=3).map(merged),
    lambda inner: st.tuples(
        st.sampled_from(["any", "all", "none"]), st.lists(inner, min_size=1, max_size=3), st.sampled_from([{}, *LINES])
    ).map(lambda made: {**made[2], made[0]: made[1]}),
    max_leaves=6,
)
READINGS = st.fixed_dictionaries(
    {},
    optional={
        "sign.fever": st.sampled_from([Reading(True), Reading(False), Reading(None, suspected=True)]),
        "safety.shaky": st.sampled_from([Reading(True), Reading(False), Reading(None, suspected=True)]),
        "sign.severity": st.sampled_from([Reading(frozenset({"mild"})), Reading(frozenset({"severe"}))]),
        "score.belly": st.sampled_from([Reading(Interval(3, 3)), Reading(Interval(7, 7))]),
    },
)
REASONS = st.sets(st.sampled_from(["belly-ache", "sore-head", "bad-belly", "other-thing"]))


@given(BLOCKS, READINGS, REASONS, st.booleans())
def test_a_block_that_is_not_asked_would_not_have_held(block, recorded, reasons, wary):
    body = read(json.dumps(block), file="x")
    scope = Scope(FACTS, {"five": quantity("5 points")}, "x", [], suspected_counts=wary)
    criterion = compile_block(body, scope)
    always = {"order.modality": Reading(frozenset({"CT"})), "order.priority": Reading(frozenset({"stat"}))}
    facts = GivenFacts({**always, **recorded, "order.reason": Reading(Names(frozenset(reasons)))})
    if criterion.holds(facts):
        assert could_hold(hints(body, {}), set(recorded), frozenset(reasons))
