"""Amounts with units: read, printed, and counted in calendars as people do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.errors import PhraseError
from cds_service.vocabulary.quantities import Amount, Span, quantity, span

SPANS = st.builds(
    "{} {}".format, st.integers(0, 500), st.sampled_from(["years", "months", "weeks", "days", "hours", "minutes"])
)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("48 hours", Span(seconds=172_800)),
        ("1 hour", Span(seconds=3600)),
        ("18 years", Span(months=216)),
        ("3 months", Span(months=3)),
        ("2 weeks", Span(days=14)),
        ("1 day", Span(days=1)),
        ("30 seconds", Span(seconds=30)),
        ("7 points", Amount(7, "points")),
        ("0.9 m", Amount(0.9, "m")),
        ("-3 mmol/L", Amount(-3, "mmol/L")),
        ("15", Amount(15)),
        (" 15 ", Amount(15)),
        ("5kg", Amount(5, "kg")),
        ("012", Amount(12)),
    ],
)
def test_an_amount_is_read(text, read):
    assert quantity(text) == read


@pytest.mark.parametrize(
    "text",
    ["", "hours", "eighteen years", "1:30", "1,5 m", "NaN", "inf", "- 3", "1" * 30, "3 " + "x" * 30, "5 5", "½ m",
     "1.5 years", "-2 hours", "3.0 days"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(PhraseError, match=r"is not an amount|write a whole number"):
        quantity(text)


def test_a_length_of_time_is_one():
    with pytest.raises(PhraseError, match="'7 points' is not a length of time; write it as in 48 hours or 18 years"):
        span("7 points")


@pytest.mark.parametrize(
    ("born", "length", "reached"),
    [
        (date(2008, 3, 2), "18 years", date(2026, 3, 2)),
        (date(2008, 2, 29), "18 years", date(2026, 3, 1)),
        (date(2008, 2, 29), "16 years", date(2024, 2, 29)),
        (date(2025, 12, 31), "2 months", date(2026, 3, 1)),
        (date(2026, 1, 31), "1 month", date(2026, 3, 1)),
        (date(2026, 1, 30), "30 days", date(2026, 3, 1)),
        (date(2026, 1, 1), "48 hours", date(2026, 1, 3)),
    ],
)
def test_an_age_is_reached_on_the_day_people_say(born, length, reached):
    assert span(length).after(born) == reached


@pytest.mark.parametrize(
    ("moment", "length", "then"),
    [
        (datetime(2026, 3, 31, 12), "1 month", datetime(2026, 2, 28, 12)),
        (datetime(2024, 3, 31, 12), "1 month", datetime(2024, 2, 29, 12)),
        (datetime(2026, 3, 2, 14, tzinfo=UTC), "48 hours", datetime(2026, 2, 28, 14, tzinfo=UTC)),
        (datetime(2026, 1, 15), "2 years", datetime(2024, 1, 15)),
    ],
)
def test_a_time_before(moment, length, then):
    assert span(length).before(moment) == then


@pytest.mark.parametrize(
    "text", ["48 hours", "18 years", "1 week", "1 day", "3 months", "90 days", "30 minutes", "45 seconds"]
)
def test_a_length_of_time_is_printed_as_it_was_written(text):
    assert str(span(text)) == text


def test_the_same_length_is_printed_in_the_widest_unit():
    assert (str(span("12 months")), str(span("14 days")), str(Span())) == ("1 year", "2 weeks", "0 days")


@given(SPANS)
def test_what_is_printed_reads_back(text):
    assert span(str(span(text))) == span(text)


@given(SPANS, st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_longer_is_later(text, day):
    assert span(text).after(day) >= day
    assert span(text).after(day) <= span(text).after(day + timedelta(days=1))


@given(SPANS, SPANS)
def test_rough_lengths_order_as_days_do(one, other):
    day = date(2000, 1, 1)
    first, second = span(one), span(other)
    if second.rough_seconds - first.rough_seconds > 40 * 86400:
        assert first.after(day) <= second.after(day)


@given(st.floats(-999_999, 999_999).map(lambda value: round(value, 3)), st.sampled_from(["", "points", "kg", "mg/L"]))
def test_an_amount_that_is_printed_short_reads_back_near(value, unit):
    text = f"{value:.3f} {unit}".strip()
    assert quantity(text) == Amount(float(f"{value:.3f}"), unit)
