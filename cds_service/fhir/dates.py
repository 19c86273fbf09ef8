"""
FHIR's partial dates, read into the stretch of time they may mean.

A bare date, month or year names local days of a place that is not told, and reading it as midnight UTC
would move it by up to a day. So it is widened to every time zone on Earth: it starts when the first zone
(UTC+14) enters it and ends when the last (UTC-12) leaves it. The calendar day as written is kept beside
it, for comparing days with days. A time with seconds is a point; one without covers its minute.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, NamedTuple

from cds_service.fhir.resources import Period

_FIRST_ZONE: Final = timezone(timedelta(hours=14))
_LAST_ZONE: Final = timezone(timedelta(hours=-12))
_WIDEST: Final = timedelta(hours=14)
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_LONGEST: Final = 40
_DATE, _MONTH, _YEAR, _MINUTE, _SECOND = 10, 7, 4, 16, 19
_MINUTE_REST: Final = timedelta(seconds=59, microseconds=999_999)


class When(NamedTuple):
    """
    A partial date: the moments it lies between, and the calendar days it was written for.

    ``day`` and ``until`` are the first and last local day as proleptic ordinals (``date.toordinal``);
    ``timed`` is True when time of day and zone are both known.
    """

    first: datetime
    last: datetime
    day: int
    until: int
    timed: bool = False


def interval(text: str | None) -> tuple[datetime, datetime] | None:
    """
    The first and last moment a FHIR date, dateTime or instant may mean; None when it cannot be read.

    Impossible days, years outside 1900 to 2199 and offsets beyond 14 hours are not read: they are
    placeholders or slips, and a guess would be worse than an unknown date.

    >>> [str(moment) for moment in interval("2026-03-02T10:15:00+01:00")]
    ['2026-03-02 10:15:00+01:00', '2026-03-02 10:15:00+01:00']
    >>> [str(moment) for moment in interval("2026-02")]
    ['2026-02-01 00:00:00+14:00', '2026-02-28 23:59:59.999999-12:00']
    >>> interval("2026-02-30") is None
    True
    """
    found = when(text)
    return None if found is None else (found.first, found.last)


def when(text: str | None) -> When | None:
    """
    Read a FHIR date, dateTime or instant with its calendar days; None when it cannot be read.

    >>> when("2026-03-02").day == date(2026, 3, 2).toordinal()
    True
    """
    return None if text is None or len(text) > _LONGEST else _when(text)


def when_in(period: Period | None) -> When | None:
    """When *period* starts; when it ends, if only that can be read."""
    if period is None:
        return None
    return when(period.start) or when(period.end)


@lru_cache(maxsize=4096)
def _when(text: str) -> When | None:
    length = len(text)
    try:
        if length == _DATE:
            return _of_days(date.fromisoformat(text), None) if text[4] == "-" == text[7] else None
        if length > _DATE:
            return _of_time(text)
        if length == _MONTH and text[4] == "-":
            month = date.fromisoformat(text + "-01")
            return _of_days(month, (month + timedelta(days=31)).replace(day=1) - timedelta(days=1))
        if length == _YEAR:
            return _of_days(date.fromisoformat(text + "-01-01"), date.fromisoformat(text + "-12-31"))
    except ValueError:
        return None
    return None


def _of_days(first: date, last: date | None) -> When | None:
    year = first.year
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    ordinal = first.toordinal()
    last = last or first
    return When(
        datetime(year, first.month, first.day, tzinfo=_FIRST_ZONE),
        datetime(last.year, last.month, last.day, 23, 59, 59, 999_999, _LAST_ZONE),
        ordinal,
        ordinal if last is first else last.toordinal(),
    )


def _of_time(text: str) -> When | None:
    if len(text) < _MINUTE or text[4] != "-" or text[7] != "-" or text[10] != "T" or text[13] != ":":
        return None
    if text[_MINUTE:_SECOND] == ":60":  # a leap second, which Python has no word for
        text = text[:_MINUTE] + ":59" + text[_SECOND:]
    moment = datetime.fromisoformat(text)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    day = moment.toordinal()
    last = moment if text[_MINUTE : _MINUTE + 1] == ":" else moment + _MINUTE_REST
    if moment.tzinfo is UTC:  # most servers write their times in UTC
        return When(moment, last, day, day, True)
    offset = moment.utcoffset()
    if offset is None:
        return When(moment.replace(tzinfo=_FIRST_ZONE), last.replace(tzinfo=_LAST_ZONE), day, day)
    return When(moment, last, day, day, timed=True) if abs(offset) <= _WIDEST else None
