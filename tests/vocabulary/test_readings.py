"""Readings: ages at the edge of a day, earlier exams alike, and facts nobody gave."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.quantities import span
from cds_service.vocabulary.readings import UNKNOWN, Age, Evidence, GivenFacts, HistoryReading, Prior, Priors, Reading

NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)
TODAY = NOW.date()


def age(born: str, last: str = "", today: tuple[date, date] = (TODAY, TODAY)) -> Age:
    first = date.fromisoformat(born)
    return Age(first, date.fromisoformat(last) if last else first, *today)


# ages


@pytest.mark.parametrize(
    ("born", "below"),
    [("2008-03-03", True), ("2008-03-02", False), ("2008-03-01", False), ("2026-03-02", True), ("1950-01-01", False)],
)
def test_the_birthday_is_the_first_day_of_an_age(born, below):
    assert age(born).below(span("18 years")) is below


def test_a_leap_day_birthday_is_the_first_of_march_in_other_years():
    assert age("2008-02-29", today=(date(2026, 2, 28),) * 2).below(span("18 years")) is True
    assert age("2008-02-29", today=(date(2026, 3, 1),) * 2).below(span("18 years")) is False


@pytest.mark.parametrize(
    ("first", "last", "below"),
    [
        ("2008-01-01", "2008-12-31", None),  # a year alone, and the birthday is in it
        ("2009-01-01", "2009-12-31", True),
        ("2007-01-01", "2007-12-31", False),
        ("2008-03-01", "2008-03-31", None),
        ("2008-02-01", "2008-02-29", False),
    ],
)
def test_a_partial_birth_date_is_unknown_only_where_it_matters(first, last, below):
    assert age(first, last).below(span("18 years")) is below


def test_a_disputed_today_is_unknown_on_the_birthday_only():
    days = (date(2026, 3, 1), date(2026, 3, 2))
    assert age("2008-03-02", today=days).below(span("18 years")) is None
    assert age("2008-03-03", today=days).below(span("18 years")) is True
    assert age("2008-03-01", today=days).below(span("18 years")) is False


# earlier exams


def prior(phrase: str, hours: float = 5, **more: object) -> Prior:
    moment = NOW - timedelta(hours=hours)
    return Prior(exam(phrase), moment, moment, **more)  # type: ignore[arg-type]


def alike(*priors: Prior, like: str = "CT abdomen+pelvis", complete: bool = True) -> tuple[int, bool]:
    found = Priors(priors, complete, NOW).like(exam(like))
    return len(found.items), found.complete


@pytest.mark.parametrize(
    ("found", "count"),
    [
        (prior("CT abdomen"), 1),
        (prior("CT liver"), 1),
        (prior("CT head"), 0),
        (prior("US abdomen"), 0),
        (prior("CT abdomen", kind="planning"), 0),
        (prior("CT abdomen", kind="guidance"), 0),
        (prior("CT abdomen", pending=True), 0),
        (prior("CT abdomen", certain=False), 1),
    ],
)
def test_alike_is_the_same_modality_and_a_shared_part_done_to_look(found, count):
    assert alike(found) == (count, True)


def test_one_of_unknown_region_leaves_the_answer_open():
    somewhere = prior("CT head")._replace(exam=exam("CT head")._replace(regions=frozenset()))
    assert alike(somewhere) == (0, False)
    assert alike(somewhere._replace(exam=exam("US head")._replace(regions=frozenset()))) == (0, True)


def test_an_unread_source_leaves_the_answer_open():
    assert alike(prior("CT abdomen"), complete=False) == (1, False) and alike(complete=False) == (0, False)


def test_since_takes_those_that_may_have_been_late_enough():
    early, wide = prior("CT head", 100), prior("CT head", 50)
    wide = wide._replace(first=NOW - timedelta(days=30))
    every = Priors((prior("CT head", 1), wide, early), True, NOW)
    assert len(every.since(NOW - timedelta(hours=60))) == 2 and len(every.since(None)) == 3


def test_those_that_wait_stand_apart():
    every = Priors((prior("CT head", pending=True), prior("CT head")), True, NOW)
    assert [one.pending for one in every.waiting().items] == [True]


def test_whoever_picks_may_leave_it_open():
    every = Priors((prior("CT head"),), True, NOW)
    assert every.select(lambda priors: (tuple(priors), False)) == every
    assert not every.select(lambda _: ((), True)).complete


def test_priors_are_equal_when_they_hold_the_same():
    one = Priors((prior("CT head"),), True, NOW)
    assert one == Priors([prior("CT head")], True, NOW) != Priors((), True, NOW)
    assert one != (prior("CT head"),) and "complete=True" in repr(one)
    with pytest.raises(TypeError):
        hash(one)


def test_the_evidence_of_a_history_is_its_newest_exams():
    many = Priors(
        [prior("CT head", hours, evidence=(Evidence(str(hours)), Evidence("more"))) for hours in range(9)], True, NOW
    )
    read = HistoryReading(many, gap="Procedure")
    assert [one.text for one in read.evidence] == ["0", "1", "2"]
    assert (read.value, read.suspected, read.gap) == (many, False, "Procedure")


# facts


def test_a_fact_nobody_gave_is_unknown():
    facts = GivenFacts({"sign.fever": Reading(True)})
    assert facts["sign.fever"].value is True and facts["sign.vomiting"] is UNKNOWN
    assert "sign.vomiting" not in facts and facts.recorded is None and facts.unread == frozenset()


def test_an_unknown_reading_says_nothing():
    assert (UNKNOWN.value, UNKNOWN.evidence, UNKNOWN.suspected, UNKNOWN.gap) == (None, (), False, "")
