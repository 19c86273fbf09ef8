"""The page of what is covered: every situation and exam with what the judge says of it, and the gaps with their reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cds_service import content
from cds_service.docs import COVERAGE
from cds_service.enumeration import look
from cds_service.enumeration.coverage import FILE, UNMET, coverage, facts_meeting, gaps, says
from cds_service.enumeration.scenes import CALM, facts_of, world_of
from cds_service.library import Places
from cds_service.rules.judge import judge_anew
from cds_service.settings import shipped
from cds_service.vocabulary.exams import exam
from tests.rules.desk import BELLY
from tests.small import changed, made

GAPS = """
not_covered:
  - {guideline: guide, title: The guide, situations: [Itch, Cough], why: Nobody asked.}
  - {guideline: nowhere, title: Nowhere, situations: [Fear], why: No ratings.}
"""


@pytest.fixture(scope="module")
def whole() -> content.Content:
    files = Places(shipped("rules"), shipped("cards")).files()
    return content.build(files, today=datetime.now(UTC).date(), run_examples=False)


@pytest.fixture(scope="module")
def page() -> str:
    """The shipped page, which ``make check`` holds to the rules before all tests."""
    return (shipped("rules") / COVERAGE.removeprefix("rules/")).read_text()


def rows(page: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in page.splitlines() if line[:2] == "| "]


def test_every_situation_and_exam_of_the_shipped_rules_is_told(whole, page):
    told = {(row[0], one) for row in rows(page) if len(row) == 5 for one in row[3].split(", ")}
    for topic in whole.rules.topics:
        for variant in topic.variants:
            assert {(variant.situation, str(row.exam)) for row in variant.rows} <= told, variant.id


@pytest.mark.soak
def test_the_shipped_page_is_what_the_rules_say(whole, page):
    assert coverage(whole) == page


def test_nearly_every_shipped_situation_can_be_met(page):
    told = [row[-1] for row in rows(page) if len(row) == 5]
    assert told.count(UNMET) <= 0.05 * len(told)


def test_what_is_said_is_what_the_judge_says(whole):
    world = world_of(whole)
    topic = next(one for one in whole.rules.topics if one.id == "suspected-appendicitis")
    order = exam("CT abdomen+pelvis with contrast")
    given = facts_meeting(topic, topic.variants[1], order, world=world)
    first = judge_anew(order, facts_of(order, {**CALM, **given}, world), whole.rules).shown[0]
    said = says(order, given, world)
    assert str(first.alternatives[0].exam) in said and f"({first.indicator.value})" in said
    assert says(exam("US right-lower-quadrant"), given, world) == "silence"


def test_ratings_and_words_of_a_small_topic():
    found = {(row[0], row[3]): row for row in rows(coverage(made())) if len(row) == 5}
    low = next(row for (situation, _), row in found.items() if situation == "Low risk")
    assert low[1:3] == ["guide", "usually not appropriate"] and low[4] == "no imaging now (warning)"
    assert low[3].startswith("US abdomen, CT abdomen+pelvis with contrast, ")
    assert found["Fever with it", "CT head without contrast"][4] == "offers MR head without contrast (info)"
    middle = found["Middle risk", "US abdomen, US right-lower-quadrant"]
    assert middle[2:] == ["usually appropriate", "US abdomen, US right-lower-quadrant", "silence"]


def test_a_situation_nobody_can_be_in_is_said_to_be_one():
    never = changed(BELLY, "{score.belly: {at_least: high}}", "{score.belly: {at_least: high, below: low}}")
    page = coverage(made(belly=never))
    assert [row[0] for row in rows(page) if row[-1] == UNMET] == ["High risk"] * 2


def test_gaps_stand_with_their_reason_and_with_who_uses_the_guideline():
    page = coverage(made(**{FILE: GAPS}))
    assert "| The guide | Itch | Nobody asked. | [belly](belly.yaml) |" in page
    assert "| Nowhere | Fear | No ratings. |  |" in page


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not_covred: []", "not_covred is not a field"),
        ("not_covered: [{guideline: a, title: b, situations: [c]}]", "needs why"),
    ],
)
def test_a_list_of_gaps_that_is_wrong_is_named_by_check(text, said):
    assert any(said in str(problem) for problem in look(made(**{FILE: text})).problems)


def test_the_shipped_list_names_no_rating_and_no_situation_twice(whole):
    problems: list = []
    found = gaps(whole, problems)
    assert problems == [] and len(found) > 5
    named = [(gap.title, one) for gap in found for one in gap.situations]
    assert len(named) == len(set(named)) and "appropriate" not in whole.files[FILE].decode()
