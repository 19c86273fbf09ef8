"""Age to the day at the place of the child, and sex."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from cds_service.facts.patient import age, sex, today
from cds_service.fhir.resources import Extension, Patient
from cds_service.vocabulary.quantities import span
from cds_service.vocabulary.readings import Age

DAY = date(2026, 3, 2)
BOTH = (DAY, DAY)
EVENING = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)
BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"


@pytest.mark.parametrize(
    ("written", "zone", "expected"),
    [
        ([], "", (3, 3)),
        ([], "UTC", (3, 3)),
        (["2026-03-02T19:30:00-06:00"], "UTC", (2, 2)),
        (["2026-03-02T19:30:00-06:00"], "America/Chicago", (2, 2)),
        (["2026-03-02T19:30:00-06:00"], "Europe/Berlin", (2, 3)),
        (["2026-03-02T19:30:00-06:00", "2026-03-03T10:30:00+09:00"], "", (2, 3)),
        (["2026-03-03T01:30:00Z"], "", (3, 3)),
        ([], "America/Chicago", (2, 2)),
        (["2026-02-27T19:30:00-06:00"], "", (3, 3)),
        (["2026-03-06T19:30:00-06:00"], "", (3, 3)),
        (["2026-03-02"], "", (3, 3)),
        (["2026-03-02T19:30:00"], "", (3, 3)),
        ([None, "", "soon"], "", (3, 3)),
    ],
)
def test_today_is_the_day_where_the_child_is(written: list[str | None], zone: str, expected: tuple[int, int]) -> None:
    assert tuple(day.day for day in today(EVENING, written, zone)) == expected


@pytest.mark.parametrize(
    ("born", "first", "last", "old"),
    [
        ("2016-05-04", date(2016, 5, 4), date(2016, 5, 4), "9 years old"),
        ("2016-02", date(2016, 2, 1), date(2016, 2, 29), "10 years old"),
        ("2016", date(2016, 1, 1), date(2016, 12, 31), "9 years old"),
        ("2026-03-02", DAY, DAY, "0 days old"),
        ("2026", date(2026, 1, 1), date(2026, 12, 31), "0 days old"),
        ("2026-02-10", date(2026, 2, 10), date(2026, 2, 10), "2 weeks old"),
        ("2025-03-03", date(2025, 3, 3), date(2025, 3, 3), "11 months old"),
    ],
)
def test_a_birth_date_is_as_wide_as_it_is_written(born: str, first: date, last: date, old: str) -> None:
    reading = age(Patient(id="p", birthDate=born), BOTH)
    assert reading.value == Age(first, last, DAY, DAY)
    assert reading.evidence == ((old, "Patient/p", ""),)


@pytest.mark.parametrize(
    "born",
    [
        None,
        "",
        "2026-03-03",
        "2030",
        "2016-02-30",
        "2016-13",
        "0000",
        "1",
        "20160504",
        "2016-05-04T10:00:00Z",
        "16-05-04",
        "☃☃☃☃",
        "1016-05-04",
    ],
)
def test_a_birth_date_that_cannot_be_is_unknown(born: str | None) -> None:
    assert age(Patient(birthDate=born), BOTH).value is None


def test_a_birth_date_on_a_disputed_today_is_known_when_one_day_allows_it() -> None:
    assert age(Patient(birthDate="2026-03-03"), (DAY, date(2026, 3, 3))).value is not None


def test_the_disputed_birthday_is_unknown() -> None:
    reading = age(Patient(birthDate="2008-03-03"), (DAY, date(2026, 3, 3)))
    assert reading.value.below(span("18 years")) is None
    assert reading.value.below(span("19 years")) is True
    assert reading.value.below(span("17 years")) is False


def test_without_a_patient_the_gap_is_told() -> None:
    assert age(None, BOTH).gap == "Patient"
    assert age(Patient(), BOTH).gap == ""


@pytest.mark.parametrize("said", [{"deceasedBoolean": True}, {"deceasedDateTime": "2024-05"}])
def test_a_deceased_child_has_neither_age_nor_sex(said: dict[str, Any]) -> None:
    patient = Patient(birthDate="2016-05-04", gender="male", **said)
    assert age(patient, BOTH).value is None
    assert sex(patient).value is None
    assert age(Patient(birthDate="2016-05-04", deceasedBoolean=False), BOTH).value is not None


@pytest.mark.parametrize(
    ("gender", "stated", "expected"),
    [
        ("male", None, {"male"}),
        ("female", None, {"female"}),
        ("other", None, None),
        ("unknown", None, None),
        (None, None, None),
        ("male", "F", {"female"}),
        ("other", "M", {"male"}),
        ("male", "UNK", None),
        ("male", "", None),
    ],
)
def test_sex_at_birth_goes_before_gender(gender: str | None, stated: str | None, expected: set[str] | None) -> None:
    extension = (
        None if stated is None else [Extension(url="urn:x", valueCode="M"), Extension(url=BIRTH_SEX, valueCode=stated)]
    )
    assert sex(Patient(gender=gender, extension=extension)).value == expected


def test_no_patient_no_sex() -> None:
    assert sex(None).value is None
