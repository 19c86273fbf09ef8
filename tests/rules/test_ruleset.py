"""All rule files together: everything wrong at once, ids used once, and the rules of the day."""

from __future__ import annotations

from datetime import date

import pytest

from cds_service.errors import ContentError, Problem
from cds_service.rules.ruleset import build, parse, read_sources
from cds_service.yaml_source import read
from tests.rules.desk import ADULT, ALL, BELLY, BROADER, HEAD, desk, rules_of
from tests.rules.test_definitions import FLAG
from tests.small import changed


def trouble(files: dict[str, str], **more) -> list[str]:
    problems: list[Problem] = []
    parsed = parse({name: text.encode() for name, text in files.items()}, problems)
    with pytest.raises(ContentError) as caught:
        build(parsed, desk(problems=problems), broader=BROADER, **more)
    return [str(problem) for problem in caught.value.problems]


def test_rules_are_sorted_by_kind_and_reason():
    rules = rules_of(*ALL)
    assert ({one.id for one in rules.topics}, {one.id for one in rules.checks}) == (
        {"belly", "head"},
        {"passes", "width"},
    )
    assert {one.id for one in rules.safety} == {"safe-adult", "safe-shaky", "safe-done"}
    assert [one.id for one in rules.by_reason["belly-ache"]] == ["belly"] and "other-thing" not in rules.by_reason
    assert {one.id for one in rules.rules} == set(ALL)


def test_two_topics_may_share_a_reason():
    other = changed(
        changed(HEAD, "id: head", "id: other"), "order.reason: sore-head, sign", "order.reason: belly-ache, sign"
    )
    shared = changed(other, "applies_to: {order.reason: sore-head}", "applies_to: {order.reason: belly-ache}")
    assert [one.id for one in rules_of("belly", other=shared).by_reason["belly-ache"]] == ["belly", "other"]


@pytest.mark.parametrize(
    ("old", "new", "live"),
    [
        ("to: null", "to: 2026-03-01", False),
        ("to: null", "to: 2026-03-02", True),
        ("from: 2020-01-01", "from: 2026-03-03", False),
        ("from: 2020-01-01", "from: 2026-03-02", True),
        ("status: active", "status: silent", True),
        ("status: active", "status: draft", False),
        ("status: active", "status: retired", False),
    ],
)
def test_what_is_in_force_today(old, new, live):
    rules = rules_of(head=changed(HEAD, old, new))
    assert (len(rules.topics), len(rules.dormant)) == ((1, 0) if live else (0, 1))


def test_safety_rules_and_definitions_are_always_in_force():
    rules = rules_of(
        safe_adult=changed(ADULT, "status: active", "status: draft"),
        bad=changed(FLAG, "status: active", "status: draft"),
    )
    assert len(rules.safety) == len(rules.definitions) == 1 and not rules.dormant


def test_an_id_stands_once():
    assert trouble({"rules/a/belly.yaml": BELLY, "rules/b/belly.yaml": BELLY}) == [
        "rules/b/belly.yaml:2: belly stands in rules/a/belly.yaml too; give it another id"
    ]


def test_files_that_could_be_read_are_tried_though_others_could_not():
    said = trouble({
        "rules/belly.yaml": changed(BELLY, "expect: info", "expect: warning"),
        "rules/head.yaml": changed(HEAD, "sources: [guide]", "sources: [nobody]"),
        "rules/passes.yaml": "a: [1",
    })  # fmt: skip
    files = list(dict.fromkeys(one.split(":")[0] for one in said))
    assert files == ["rules/belly.yaml", "rules/head.yaml", "rules/passes.yaml"]
    assert "expected warning, got info" in said[0]


def test_examples_are_not_tried_without_all_definitions():
    uses = changed(HEAD, "when: {sign.fever: present}", "when: {sign.bad: present}")
    broken = changed(FLAG, "sources: [guide]", "sources: [nobody]")
    said = trouble({"rules/head.yaml": uses, "rules/bad.yaml": broken})
    assert {one.split(":")[0] for one in said} == {"rules/bad.yaml"}


def test_whoever_inspects_sees_what_could_be_read():
    seen = []

    def inspect(rules):
        seen.append({rule.id for rule in rules.rules})
        return [Problem("rules/belly.yaml", 1, "I do not like it")]

    said = trouble(
        {"rules/belly.yaml": BELLY, "rules/head.yaml": changed(HEAD, "sources: [guide]", "sources: []")},
        inspect=inspect,
    )
    assert seen == [{"belly"}] and "rules/belly.yaml:1: I do not like it" in said and len(said) == 2


def test_examples_may_be_left_out():
    assert rules_of(head=changed(HEAD, "expect: info", "expect: warning"), run_examples=False).topics


def test_a_choice_is_laid_over_its_rule_only():
    rules = rules_of("belly", "head", run_examples=False, tuned={"belly": {"status": "silent"}})
    assert {one.id: one.status for one in rules.topics} == {"belly": "silent", "head": "active"}


# sources


def sources(text: str) -> tuple[dict, list[str]]:
    problems: list[Problem] = []
    return read_sources(read(text, file="s"), "s", problems), [str(one) for one in problems]


def test_a_source_is_read_as_cards_show_it():
    found, problems = sources(
        "guide: {cite: The guide, year: 2020, doi: 10.1/x, url: https://g.example, publisher: P, kind: guideline, confidence: c, note: n}"
    )
    assert not problems
    assert (found["guide"].cite, found["guide"].year, found["guide"].doi, found["guide"].url) == (
        "The guide",
        "2020",
        "10.1/x",
        "https://g.example",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a]", "sources must be a block of ids"),
        ("words", "sources must be a block of ids"),
        ("guide: {year: 2020}", "s:1: source guide needs cite"),
        ("guide: {cite: A, yaer: 2020}", "yaer is not a field of source guide; did you mean year?"),
        ("guide: A", "s:"),
    ],
)
def test_what_is_wrong_with_sources(text, said):
    assert any(said in one for one in sources(text)[1]), sources(text)[1]


def test_no_problem_no_file():
    problems: list[Problem] = []
    assert parse({}, problems) == {} and not problems
    assert build({}, desk(today=date(2026, 3, 2)), broader={}).rules == ()
