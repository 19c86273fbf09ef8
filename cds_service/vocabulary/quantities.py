"""Amounts with units, as people write them: "48 hours", "18 years", "0.9 m", "7 points"."""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from cds_service.errors import PhraseError

_AMOUNT: Final = re.compile(r"(-?\d{1,9}(?:\.\d{1,6})?)\s*([^\s\d:,].{0,20})?")
_CALENDAR: Final = {"year": (12, 0), "month": (1, 0), "week": (0, 7), "day": (0, 1)}
_CLOCK: Final = {"hour": 3600, "minute": 60, "second": 1}


class Span(NamedTuple):
    """A length of time: whole calendar months, whole days, and seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    def __str__(self) -> str:
        """
        Write it as a person would.

        >>> str(span("48 hours")), str(span("18 years")), str(span("1 day"))
        ('48 hours', '18 years', '1 day')
        """
        for amount, size, unit in (
            (self.months, 12, "year"),
            (self.months, 1, "month"),
            (self.days, 7, "week"),
            (self.days, 1, "day"),
            (self.seconds, 3600, "hour"),
            (self.seconds, 60, "minute"),
            (self.seconds, 1, "second"),
        ):
            if amount and amount % size == 0:
                count = amount // size
                return f"{count} {unit}" + ("" if count == 1 else "s")
        return "0 days"

    def after(self, day: date) -> date:
        """
        The day this long after *day*; a birthday on 29 February falls on 1 March in other years.

        >>> span("18 years").after(date(2008, 2, 29))
        datetime.date(2026, 3, 1)
        """
        return _after(self, day)

    def before(self, moment: datetime) -> datetime:
        """
        The moment this long before *moment*.

        >>> span("1 month").before(datetime(2026, 3, 31, 12))
        datetime.datetime(2026, 2, 28, 12, 0)
        """
        if self.months:
            year, month = divmod(moment.year * 12 + moment.month - 1 - self.months, 12)
            day = min(moment.day, calendar.monthrange(year, month + 1)[1])
            moment = moment.replace(year=year, month=month + 1, day=day)
        return moment - timedelta(days=self.days, seconds=self.seconds)

    @property
    def rough_seconds(self) -> int:
        """Its length for ordering and range checks, a month taken as 30.44 days."""
        return round((self.months * 30.44 + self.days) * 86400) + self.seconds


@lru_cache(maxsize=2048)
def _after(length: Span, day: date) -> date:
    return _add_months(day, length.months) + timedelta(days=length.days, seconds=length.seconds)


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    if day.day > last:
        return date(year, month + 1, last) + timedelta(days=1)
    return date(year, month + 1, day.day)


class Amount(NamedTuple):
    """A number with its unit as written; the unit is empty for a bare count."""

    value: float
    unit: str = ""

    def __str__(self) -> str:
        """
        Write it without needless zeros.

        >>> str(Amount(7.0, "points")), str(Amount(0.9, "m"))
        ('7 points', '0.9 m')
        """
        return f"{self.value:g} {self.unit}".rstrip()


def quantity(text: str) -> Span | Amount:
    """
    Read an amount; units of time give a Span, all others an Amount.

    Raises PhraseError when it cannot be read.

    >>> quantity("48 hours")
    Span(months=0, days=0, seconds=172800)
    >>> quantity("7 points")
    Amount(value=7.0, unit='points')
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise PhraseError(f"{text!r} is not an amount; write a number and a unit, such as 48 hours")
    number, unit = found[1], (found[2] or "").strip()
    single = unit.removesuffix("s")
    if single not in _CALENDAR and single not in _CLOCK:
        return Amount(float(number), unit)
    if "." in number or number.startswith("-"):
        raise PhraseError(f"{text!r}: write a whole number of {unit}")
    if single in _CLOCK:
        return Span(seconds=int(number) * _CLOCK[single])
    months, days = _CALENDAR[single]
    return Span(months=int(number) * months, days=int(number) * days)


def span(text: str) -> Span:
    """
    Read a length of time. Raises PhraseError for anything else.

    >>> span("3 months")
    Span(months=3, days=0, seconds=0)
    """
    amount = quantity(text)
    if not isinstance(amount, Span):
        raise PhraseError(f"{text!r} is not a length of time; write it as in 48 hours or 18 years")
    return amount
