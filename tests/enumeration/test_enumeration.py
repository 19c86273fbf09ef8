"""Broken rule sets, one for each promise: the check says so, where, and with which facts; the shipped set keeps all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cds_service import content
from cds_service.enumeration import look, summary, table, trials
from cds_service.enumeration.report import Report
from cds_service.library import Places
from cds_service.rules import alternatives, safety, topic_judge
from cds_service.settings import shipped
from tests.rules.desk import COMMON, SHAKY
from tests.small import changed, made

NEVER = "rules/review/never.yaml"
TWIN = (
    COMMON.format(kind="appropriateness", title="Twin")
    + """
id: twin
applies_to: {order.reason: bad-belly}
variants:
  - id: only
    situation: Any
    source: guide
    ratings: {usually appropriate: [CT abdomen+pelvis with contrast], usually not appropriate: [US abdomen]}
card: {override_reasons: []}
examples: [{name: Nothing, order: XR chest, facts: {order.reason: bad-belly}, expect: silence}]
"""
)
BARS = """
never:
  - {id: shaky, offer: [US], when: {safety.shaky: present}, because: It shakes.}
"""
SAFE = "rules/safe-shaky.yaml"


def broken(**changes: str | None) -> list[str]:
    return [str(problem) for problem in look(made(**changes)).problems]


@pytest.fixture(scope="module")
def whole() -> content.Content:
    files = Places(shipped("rules"), shipped("cards")).files()
    return content.build(files, today=datetime.now(UTC).date(), run_examples=False)


@pytest.mark.soak  # make check does the same before all tests
def test_the_shipped_rules_keep_every_promise(whole):
    report = look(whole)
    assert [str(problem) for problem in report.problems] == []
    assert {topic.id for topic in whole.rules.topics} <= {size.name for size in report.sizes}
    assert report.judgements > 1_000 * len(whole.rules.topics)
    assert len(list(table(report))) == len(report.sizes) and f"{report.judgements:,} judgements" in summary(report)


@pytest.fixture(scope="module")
def quick(whole: content.Content) -> Report:
    return look(whole, quick=True)


@pytest.mark.soak
def test_quick_tries_less_and_no_pairs(whole, quick):
    report = quick
    assert report.problems == [] and len(report.sizes) == len(whole.rules.topics)


@pytest.mark.soak
def test_trying_twice_finds_the_same(whole, quick):
    assert look(whole, quick=True) == quick


def test_a_small_set_is_tried_quickly_and_the_same_twice():
    small = made()
    report = look(small, quick=True)
    assert report.problems == [] and len(report.sizes) == len(small.rules.topics)
    assert look(made(), quick=True) == report


def test_a_small_set_is_tried_whole():
    report = look(made())
    assert report.problems == [] and not any(size.sampled for size in report.sizes)


# (a) contradictions


def test_advice_against_what_another_reason_calls_for(monkeypatch):
    twin = changed(TWIN, "{order.reason: bad-belly}\nvariants", "{order.reason: belly-ache}\nvariants")
    assert broken(twin=twin) == []  # the judge keeps silent: that is its promise
    blind(monkeypatch)
    said = [one for one in broken(twin=twin) if "rates it usually not appropriate" in one or "rates usually" in one]
    assert said and all("order.reason: belly-ache" in one and one.startswith("rules/") for one in said)


def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the judge look at one reason at a time."""
    real = topic_judge.advise
    alone = lambda one, order, facts, *, others, calm: real(one, order, facts, others=[], calm=calm)  # noqa: E731
    monkeypatch.setattr("cds_service.rules.judge.advise", alone)


def test_no_imaging_and_another_exam_on_one_order(monkeypatch):
    twin = changed(
        changed(TWIN, "{order.reason: bad-belly}\nvariants", "{order.reason: belly-ache}\nvariants"),
        "ratings: {usually appropriate: [CT abdomen+pelvis with contrast], usually not appropriate: [US abdomen]}",
        "ratings: {usually appropriate: [MR abdomen+pelvis], usually not appropriate: [CT abdomen+pelvis with contrast]}",
    )
    blind(monkeypatch)
    monkeypatch.setattr("cds_service.rules.judge._settle", lambda verdicts: verdicts)
    assert any("it says no imaging is needed while twin says" in one for one in broken(twin=twin))


def test_two_exams_that_are_each_offered_for_the_other(monkeypatch):
    monkeypatch.setattr(
        alternatives.Alternatives, "_trouble", lambda self, exam: "" if exam.modality in ("US", "MR") else "no"
    )
    assert any("is offered for" in one and "says: " in one for one in broken())


# (b) radiation


def test_more_radiation_than_ordered(monkeypatch):
    monkeypatch.setattr(alternatives.Alternatives, "_adds_radiation", lambda self, exam: False)
    said = [one for one in broken() if "means more radiation" in one]
    assert said and all(one.startswith("rules/belly.yaml:") and "score.belly: " in one for one in said)
    assert any("CT abdomen+pelvis with contrast is offered for US abdomen" in one for one in said)


# (c) bars


def test_an_exam_that_a_safety_fact_bars():
    assert broken(**{NEVER: BARS}) == []
    lost = broken(**{NEVER: BARS, SAFE: None})
    assert lost and "never.yaml rules out (shaky)" in lost[0] and "safety.shaky: present" in lost[0]


def test_a_safety_rule_that_is_too_narrow():
    narrow = changed(SHAKY, "when: {safety.shaky: present}", "when: {safety.shaky: present, sign.fever: present}")
    narrow = changed(narrow, "{safety.shaky: suspected}", "{safety.shaky: suspected, sign.fever: present}")
    assert any("(shaky)" in one for one in broken(**{NEVER: BARS, SAFE: narrow}))


def test_anything_said_where_nothing_may_be():
    bars = BARS.replace("[US]", "[anything]")
    assert not any(one.startswith("rules/belly.yaml") for one in broken(**{NEVER: bars}))
    said = [one for one in broken(**{NEVER: bars, SAFE: None}) if one.startswith("rules/belly.yaml")]
    assert said and all("never.yaml rules out (shaky)" in one for one in said)


def test_safety_that_is_forgotten_by_the_judge(monkeypatch):
    monkeypatch.setattr(safety, "apply", lambda rules, order, facts, verdicts: list(verdicts))
    assert any("(shaky)" in one for one in broken(**{NEVER: BARS}))


@pytest.mark.parametrize(
    ("bars", "said"),
    [
        ("never: [{id: a, offer: [US], when: {sign.feverr: present}, because: b}]", "sign.feverr is not a fact"),
        ("never: [{id: a, offer: [US tummy], when: {sign.fever: present}, because: b}]", "tummy"),
        ("never: [{id: a, offer: [US], when: {sign.fever: present}, because: b, unless: c}]", "unless is not a field"),
        ("nevr: []", "nevr is not a field"),
    ],
)
def test_a_list_of_bars_that_is_wrong(bars, said):
    assert any(said in one and one.startswith(NEVER) for one in broken(**{NEVER: bars}))


# (d) warnings


def test_a_warning_that_names_no_way_out(monkeypatch):
    monkeypatch.setattr(trials, "judge_anew", without_alternatives(trials.judge_anew))
    assert any("names no alternative" in one for one in broken())


def without_alternatives(real):
    from dataclasses import replace

    def judged(*given):
        found = real(*given)
        return replace(found, findings=tuple(replace(one, alternatives=(), cancel=False) for one in found.findings))

    return judged
