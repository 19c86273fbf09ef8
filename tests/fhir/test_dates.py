"""Partial dates: what each form covers, and what is not read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.dates import interval, when, when_in
from cds_service.fhir.resources import Period

EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


def whole(first: tuple[int, int, int], last: tuple[int, int, int]) -> tuple[datetime, datetime]:
    """The widest stretch that these local days may mean."""
    return datetime(*first, tzinfo=EAST), datetime(*last, 23, 59, 59, 999_999, WEST)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", (2026, 1, 1), (2026, 12, 31)),
        ("2026-02", (2026, 2, 1), (2026, 2, 28)),
        ("2028-02", (2028, 2, 1), (2028, 2, 29)),
        ("2026-12", (2026, 12, 1), (2026, 12, 31)),
        ("2026-03-02", (2026, 3, 2), (2026, 3, 2)),
        ("1900-01-01", (1900, 1, 1), (1900, 1, 1)),
        ("2199-12-31", (2199, 12, 31), (2199, 12, 31)),
    ],
)
def test_days_cover_every_zone(text: str, first: tuple[int, int, int], last: tuple[int, int, int]) -> None:
    assert interval(text) == whole(first, last)
    read = when(text)
    assert read is not None
    assert (read.day, read.until) == (date(*first).toordinal(), date(*last).toordinal())
    assert not read.timed


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T10:15:30Z", datetime(2026, 3, 2, 10, 15, 30, tzinfo=UTC)),
        ("2026-03-02T10:15:30+01:00", datetime(2026, 3, 2, 9, 15, 30, tzinfo=UTC)),
        ("2026-03-02T10:15:30-05:00", datetime(2026, 3, 2, 15, 15, 30, tzinfo=UTC)),
        ("2026-03-02T10:15:30.25Z", datetime(2026, 3, 2, 10, 15, 30, 250_000, tzinfo=UTC)),
        ("2026-03-02T10:15:30.123456789+14:00", datetime(2026, 3, 1, 20, 15, 30, 123_456, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_with_seconds_is_a_point(text: str, moment: datetime) -> None:
    assert interval(text) == (moment, moment)


def test_a_time_without_seconds_covers_its_minute() -> None:
    first, last = interval("2026-03-02T10:15Z") or (None, None)
    assert first == datetime(2026, 3, 2, 10, 15, tzinfo=UTC)
    assert last == datetime(2026, 3, 2, 10, 15, 59, 999_999, UTC)


def test_a_time_without_a_zone_is_widened_and_not_timed() -> None:
    read = when("2026-03-02T10:15:00")
    assert read is not None
    assert read.first == datetime(2026, 3, 2, 10, 15, tzinfo=EAST)
    assert read.last == datetime(2026, 3, 2, 10, 15, tzinfo=WEST)
    assert not read.timed


def test_the_day_is_the_local_day_of_its_own_offset() -> None:
    late = when("2026-03-02T23:30:00-08:00")
    assert late is not None
    assert late.first.astimezone(UTC).day == 3
    assert date.fromordinal(late.day) == date(2026, 3, 2)
    assert late.timed


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "2026-02-30",
        "2026-13",
        "2026-00-10",
        "0001-01-01",
        "1899-12-31",
        "2200-01-01",
        "9999",
        "20260302",
        "2026-W10-1",
        "2026/03/02",
        "2026/03",
        "2026-3-2",
        "03/02/2026",
        "\uff12\uff10\uff12\uff16-03-02",
        "2026-03-02T",
        "2026-03-02T10",
        "2026-03-02 10:15:00Z",
        "2026-03-02T10.15:00Z",
        "2026-03-02T25:00:00Z",
        "2026-03-02T10:15:00+15:00",
        "2026-03-02T10:15:00+99:00",
        "1850-03-02T10:15:00Z",
        "2026-03-02T10:15:00Z" + " " * 30,
        "12é4",
    ],
)
def test_what_is_impossible_or_absurd_is_not_read(text: str | None) -> None:
    assert interval(text) is None


def test_a_period_starts_when_its_start_says_or_else_its_end() -> None:
    assert when_in(Period(start="2026-03-02", end="2026-03-04")) == when("2026-03-02")
    assert when_in(Period(start="soon", end="2026-03-04")) == when("2026-03-04")
    assert when_in(Period()) is None
    assert when_in(None) is None


@given(st.text(max_size=45) | st.from_regex(r"\d{1,4}-\d{1,2}(-\d{1,2})?(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?"))
def test_any_text_gives_an_ordered_interval_or_none(text: str) -> None:
    read = when(text)
    if read is not None:
        assert read.first <= read.last
        assert read.day <= read.until


@given(st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30), timezones=st.sampled_from([UTC, EAST, WEST])))
def test_a_timed_moment_lies_within_its_own_day_month_and_year(moment: datetime) -> None:
    text = moment.isoformat()
    for part in (text[:4], text[:7], text[:10]):
        first, last = interval(part) or pytest.fail("not read")
        assert first <= moment <= last
