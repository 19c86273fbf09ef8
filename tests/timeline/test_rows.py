"""Earlier exams in rows: as much of the date as is known, and what limits them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from cds_service.fhir.dates import interval
from cds_service.timeline.rows import rows
from cds_service.vocabulary.exams import Exam, exam
from cds_service.vocabulary.exams import name as say
from cds_service.vocabulary.readings import Prior

AT = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=-6)))


def prior(**but: Any) -> Prior:
    return Prior(**{"exam": exam("CT head"), "first": AT, "last": AT, **but})


def test_a_row_says_what_when_where_and_whether_images_are_there() -> None:
    (row,) = rows([prior(place="St Elsewhere", images=True)], say)
    assert row[:2] == ("CT head", "CT") and row.place == "St Elsewhere" and row.images == "can be opened"
    assert row.day == "2 March 2026"  # where it was done, though it was the third in UTC


@pytest.mark.parametrize(
    ("written", "day"),
    [("2026-03-02", "2 March 2026"), ("2026-03", "March 2026"), ("2026", "2026")],
)
def test_partial_dates_stay_partial(written: str, day: str) -> None:
    first, last = interval(written) or (AT, AT)
    assert rows([prior(first=first, last=last)], say)[0].day == day


def test_a_date_that_may_be_any_is_told_in_years() -> None:
    first = datetime(2017, 5, 1, tzinfo=UTC)
    assert rows([prior(first=first)], say)[0].day == "2017 to 2026"


def test_what_was_only_requested_is_no_exam() -> None:
    assert rows([prior(pending=True)], say) == ()


@pytest.mark.parametrize(
    ("but", "note"),
    [
        ({}, ""),
        ({"certain": False}, "perhaps"),
        ({"kind": "hybrid"}, "part of nuclear imaging"),
        ({"kind": "guidance", "certain": False}, "to guide a procedure, perhaps"),
    ],
)
def test_what_limits_it_is_said(but: dict[str, Any], note: str) -> None:
    assert rows([prior(**but)], say)[0].note == note


@pytest.mark.parametrize(
    ("seen", "said"),
    [(Exam("", frozenset()), "Imaging of unknown kind"), (Exam("MR", frozenset()), "MR of an unknown region")],
)
def test_what_is_not_known_is_not_guessed(seen: Exam, said: str) -> None:
    assert rows([prior(exam=seen)], say)[0].exam == said


@pytest.mark.parametrize(("images", "said"), [(None, "not known"), (False, "not here")])
def test_images_that_are_not_there(images: bool | None, said: str) -> None:
    assert rows([prior(images=images)], say)[0].images == said
