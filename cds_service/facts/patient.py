"""
Age to the day, and sex.

A partial birth date, or a today that two time zones dispute, widens the age to bounds; then a comparison on
the disputed day is unknown. A child that is recorded as deceased has no age: nothing may be advised.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from cds_service.fhir.dates import when
from cds_service.fhir.resources import Patient
from cds_service.vocabulary.readings import UNKNOWN, Age, Evidence, Reading

_NEAR: Final = timedelta(days=2)
_YEAR_ONLY, _MONTH_ONLY, _DAY = 4, 7, 10
_SEXES: Final = {"male": frozenset(("male",)), "female": frozenset(("female",))}
_BIRTH_SEX: Final = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
_BIRTH_SEXES: Final = {"M": _SEXES["male"], "F": _SEXES["female"]}


def today(now: datetime, written: Iterable[str | None] = (), zone: str = "") -> tuple[date, date]:
    """
    The first and last day it may be where the child is.

    The offset in which an order was *written* around now tells the place, and so does the site's *zone*;
    with neither it is the day in UTC. An order written long ago or without an offset tells nothing.

    >>> from datetime import UTC
    >>> late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    >>> today(late, ["2026-03-03T00:30:00+01:00"])
    (datetime.date(2026, 3, 3), datetime.date(2026, 3, 3))
    """
    zones: list[tzinfo] = [offset for text in written if (offset := _offset(text, now)) is not None]
    if zone and zone != "UTC":
        zones.append(_zone(zone))
    days = [now.astimezone(place).date() for place in zones or (UTC,)]
    return min(days), max(days)


def _offset(text: str | None, now: datetime) -> tzinfo | None:
    written = when(text)
    if written is None or not written.timed or abs(written.first - now) > _NEAR:
        return None
    return written.first.tzinfo


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


_SAID_IN = {"day": 14, "week": 9, "month": 24, "year": 200}


def age(patient: Patient | None, days: tuple[date, date]) -> Reading:
    """
    The child's age on one of *days*; unknown without a birth date that can be true.

    >>> age(Patient(birthDate="2016-02"), (date(2026, 3, 2), date(2026, 3, 2))).value.born_last
    datetime.date(2016, 2, 29)
    """
    if patient is None:
        return Reading(gap="Patient")
    if _deceased(patient):
        return UNKNOWN
    return _aged(patient.birthDate, days, f"Patient/{patient.id}" if patient.id else "Patient")


def _deceased(patient: Patient) -> bool:
    return bool(patient.deceasedBoolean or patient.deceasedDateTime)


@lru_cache(1024)
def _aged(birth_date: str | None, days: tuple[date, date], source: str) -> Reading:
    born = _born(birth_date)
    if born is None or born[0] > days[1]:
        return UNKNOWN
    return Reading(Age(*born, *days), (Evidence(_old(born[1], days[0]), source),))


def _old(born: date, today: date) -> str:
    """
    An age as people say it: days, then weeks, then months, then years.

    >>> _old(date(2026, 3, 1), date(2026, 3, 2)), _old(date(2025, 3, 2), date(2026, 3, 2))
    ('1 day old', '12 months old')
    """
    days = max(0, (today - born).days)
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    for count, unit in ((days, "day"), (days // 7, "week"), (months, "month"), (months // 12, "year")):
        if count < _SAID_IN[unit]:
            return f"{count} {unit}{'' if count == 1 else 's'} old"
    return ""


def _born(text: str | None) -> tuple[date, date] | None:
    """The first and last day a FHIR date may mean; a birth date has no time."""
    if text is None or len(text) not in (_YEAR_ONLY, _MONTH_ONLY, _DAY):
        return None
    read = when(text)
    return None if read is None else (date.fromordinal(read.day), date.fromordinal(read.until))


def sex(patient: Patient | None) -> Reading:
    """
    Sex assigned at birth where it is stated, else the administrative gender; other words are unknown.

    >>> sorted(sex(Patient(gender="female")).value)
    ['female']
    """
    if patient is None or _deceased(patient):
        return UNKNOWN
    for extension in patient.extension or ():
        if extension.url == _BIRTH_SEX:
            stated = _BIRTH_SEXES.get(extension.valueCode or "")
            return UNKNOWN if stated is None else Reading(stated)
    found = _SEXES.get(patient.gender or "")
    return UNKNOWN if found is None else Reading(found)
