"""A rule set as a whole: situations that can never be, overlap or go unreviewed are found by trying them out."""

from __future__ import annotations

from datetime import date

import pytest

from cds_service.rules import consistency
from cds_service.rules.consistency import inconsistencies, situations
from cds_service.vocabulary.readings import Age, Interval, Names, Priors
from tests.rules.desk import ALL, COMMON, FACTS, HEAD, rules_of
from tests.small import BELLY, changed

DAY = date(2026, 3, 2)
TOPIC = (
    COMMON.format(kind="appropriateness", title="Topic")
    + """
id: topic
thresholds:
  young: {value: 2 years, meaning: Young.}
  window: {value: 24 hours, meaning: Lately.}
applies_to: {order.reason: [belly-ache, sore-head]}
variants:
  - id: one
    situation: One
    when: ONE
    source: guide
    ratings: {usually appropriate: [US abdomen], usually not appropriate: [CT abdomen+pelvis with contrast]}
  - id: two
    situation: Two
    when: TWO
    source: guide
    ratings: {usually appropriate: [CT abdomen+pelvis with contrast], usually not appropriate: [MR abdomen]}
card: {override_reasons: []}
examples: [{name: Nothing, order: XR chest, facts: {order.reason: belly-ache}, expect: silence}]
"""
)


def found(**texts: str) -> list[str]:
    return [str(one) for one in inconsistencies(rules_of(run_examples=False, **texts), FACTS, DAY)]


def of(one: str, two: str) -> list[str]:
    """What is said of two situations under these conditions, without file and line."""
    text = TOPIC.replace("when: ONE", f"when: {one}").replace("when: TWO", f"when: {two}")
    for name in ("young", "window"):
        if f": {name}" not in one + two:
            text = "\n".join(line for line in text.splitlines() if not line.strip().startswith(f"{name}:"))
    text = text.replace("thresholds:\napplies", "applies")
    return [said.split(": ", 1)[1].split(";")[0] for said in found(topic=text)]


NEVER, BOTH = (
    "variant one can never be chosen",
    "variants one and two can both be met and disagree on CT abdomen+pelvis with contrast",
)


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        ("{sign.fever: present}", "{sign.fever: absent}", []),
        ("{sign.fever: present}", "{sign.severity: mild}", [BOTH]),
        ("{sign.severity: mild}", "{sign.severity: severe}", []),
        ("{sign.severity: [mild, severe]}", "{sign.severity: severe}", [BOTH]),
        ("{patient.age: {below: young}}", "{patient.age: {at_least: young}}", []),
        ("{patient.age: {below: young}}", "{sign.fever: present}", [BOTH]),
        ("{order.reason: belly-ache}", "{order.reason: sore-head}", [BOTH]),  # an order may have both
        ("{history.head_ct: none}", "{history.head_ct: {within: window}}", []),
        ("{history.head_ct: {within: window}}", "{history.head_ct: some}", [BOTH]),
        (
            "{history.head_ct: {result: positive, within: window}}",
            "{history.head_ct: {result: negative, within: window}}",
            [],
        ),
        ("{sign.fever: present, none: [{sign.fever: present}]}", "{sign.fever: absent}", [NEVER]),
        ("{sign.fever: present, any: [{sign.fever: absent}]}", "{sign.fever: absent}", [NEVER]),
    ],
)
def test_situations_are_tried_at_what_they_ask_about(one, two, said):
    assert of(one, two) == said


def test_regions_are_tried_as_regions_not_as_reasons():
    assert of("{order.region: chest}", "{order.reason: sore-head, none: [{order.region: chest}]}") == []
    assert of("{order.region: chest}", "{order.region: lungs}") == [BOTH]


def test_numbers_are_tried_on_both_sides_of_each_threshold():
    assert found(belly=BELLY) == []
    overlapping = changed(
        BELLY, "when: {score.belly: {above: low, below: high}}", "when: {score.belly: {at_least: low, below: high}}"
    )
    (said,) = found(belly=overlapping)
    assert "variants low and middle can both be met and disagree on" in said and said.startswith("rules/belly.yaml:")


def test_an_overlap_that_an_exception_takes_away_is_none():
    text = TOPIC.replace("when: ONE", "when: {sign.fever: present}").replace(
        "when: TWO", "when: {safety.shaky: present}"
    )
    text = "\n".join(
        line for line in text.splitlines() if not line.strip().startswith(("young:", "window:", "thresholds:"))
    )
    assert len(found(topic=text)) == 1
    excepted = changed(
        text, "variants:", "unless: [{because: Both., sign.fever: present, safety.shaky: present}]\nvariants:"
    )
    assert found(topic=excepted) == []


@pytest.mark.parametrize("who", ["one", "two"])
def test_an_overlap_may_be_declared_on_either_side(who):
    other = {"one": "two", "two": "one"}[who]
    text = TOPIC.replace("when: ONE", "when: {sign.fever: present}").replace(
        "when: TWO", "when: {safety.shaky: present}"
    )
    text = "\n".join(
        line for line in text.splitlines() if not line.strip().startswith(("young:", "window:", "thresholds:"))
    )
    declared = changed(
        text, f"situation: {who.capitalize()}", f"situation: {who.capitalize()}\n    may_overlap: {other}"
    )
    assert found(topic=declared) == []


def test_a_situation_that_yields_may_overlap_and_must_yield_to_one_that_stands_there():
    text = TOPIC.replace("when: ONE", "when: {sign.fever: present}").replace(
        "when: TWO", "when: {safety.shaky: present}"
    )
    text = "\n".join(
        line for line in text.splitlines() if not line.strip().startswith(("young:", "window:", "thresholds:"))
    )
    assert found(topic=changed(text, "situation: One", "situation: One\n    yields_to: two")) == []
    (said,) = found(topic=changed(text, "situation: One", "situation: One\n    yields_to: [two, three]"))
    assert "yields to three" in said


def test_situations_that_agree_may_overlap():
    text = TOPIC.replace("when: ONE", "when: {sign.fever: present}").replace(
        "when: TWO", "when: {safety.shaky: present}"
    )
    text = "\n".join(
        line for line in text.splitlines() if not line.strip().startswith(("young:", "window:", "thresholds:"))
    )
    assert found(topic=changed(text, "usually not appropriate: [CT", "may be appropriate: [CT")) == []


@pytest.mark.parametrize(
    ("due", "status", "overdue"),
    [
        ("2026-03-01", "active", True),
        ("2026-03-02", "active", False),
        ("2026-03-01", "silent", True),
        ("2026-03-01", "draft", False),
    ],
)
def test_reviews_that_are_overdue(due, status, overdue):
    text = changed(changed(HEAD, "due: 2030-01-01", f"due: {due}"), "status: active", f"status: {status}")
    said = [one for one in found(head=text) if "review" in one]
    assert bool(said) is overdue
    assert all(
        one.startswith("rules/head.yaml:") and one.endswith("review it, and set review.last and review.due")
        for one in said
    )


def test_reviews_of_every_kind_of_rule_are_looked_at():
    late = {name.replace("-", "_"): text.replace("due: 2030-01-01", "due: 2026-01-02") for name, text in ALL.items()}
    assert len([one for one in found(**late) if "was due on 2026-01-02" in one]) == len(ALL)


def test_many_combinations_are_sampled_always_alike(monkeypatch):
    topic = rules_of("belly").topics[0]
    names = frozenset({"score.belly", "patient.age", "history.abdominal_ultrasound", "sign.fever"})
    whole = sum(1 for _ in situations(topic, names, FACTS))
    monkeypatch.setattr(consistency, "MOST", 10)
    first, second = ([dict(one) for one in situations(topic, names, FACTS)] for _ in range(2))
    assert len(first) == 10 < whole and first == second


def test_each_kind_of_fact_is_tried_at_values_of_its_kind():
    topic = rules_of("belly").topics[0]
    kinds = {
        "sign.fever": bool, "score.belly": Interval, "patient.age": Age, "order.reason": Names,
        "history.abdominal_ultrasound": Priors, "sign.severity": frozenset,
    }  # fmt: skip
    for name, kind in kinds.items():
        values = [one[name].value for one in situations(topic, frozenset({name}), FACTS)]
        assert len(values) > 1 and all(isinstance(value, kind) for value in values), name


def test_a_number_no_threshold_speaks_of_is_tried_once():
    topic = rules_of("belly").topics[0]
    assert [one["order.passes"].value for one in situations(topic, frozenset({"order.passes"}), FACTS)] == [
        Interval(0, 0)
    ]
