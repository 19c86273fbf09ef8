"""Times of a scenario: ages to the day, and how long ago something was."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta


def moment(text: str) -> datetime:
    """
    A point in time with its offset.

    >>> moment("2026-03-02T14:00:00Z").isoformat()
    '2026-03-02T14:00:00+00:00'
    """
    return datetime.fromisoformat(text)


def born(age: str, today: date) -> date:
    """
    The birth date of a child who is *age* old today, to the day.

    >>> born("17 years 364 days", date(2026, 11, 23)).isoformat()
    '2008-11-24'
    >>> born("1 month", date(2026, 3, 31)).isoformat()
    '2026-02-28'
    """
    months, days = 0, 0
    words = age.split()
    for number, unit in zip(words[::2], words[1::2], strict=True):
        size = {"year": 12, "month": 1, "week": 7, "day": 1}[unit.rstrip("s")]
        if unit.startswith(("year", "month")):
            months += int(number) * size
        else:
            days += int(number) * size
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    day = min(today.day, calendar.monthrange(year, month + 1)[1])
    return date(year, month + 1, day) - timedelta(days=days)


def ago(text: str, now: datetime) -> str:
    """
    The FHIR time that lies *text* before *now*.

    >>> ago("5 hours", moment("2026-03-02T14:00:00Z"))
    '2026-03-02T09:00:00Z'
    """
    number, unit = text.split()
    span = timedelta(days=int(number) * 365) if unit.startswith("year") else timedelta(**{_plural(unit): float(number)})
    return stamp(now - span)


def _plural(unit: str) -> str:
    return unit if unit.endswith("s") else unit + "s"


def stamp(when: datetime) -> str:
    """*when* as FHIR writes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
