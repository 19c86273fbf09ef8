"""Counts: the least and the most of each kind, and on how many days."""

from __future__ import annotations

from datetime import date

from cds_service.timeline.counts import counts
from cds_service.timeline.rows import Row

ONE, OTHER = date(2026, 3, 2), date(2026, 3, 9)


def row(modality: str = "CT", first: date = ONE, last: date | None = None, **more: object) -> Row:
    made = Row("exam", modality, first, last or first, "", "", "")
    return made._replace(**more)


def test_exams_of_one_kind_on_their_days() -> None:
    assert counts([row(), row(), row(first=OTHER), row("XR")]) == ["CT: 3 on 2 days", "radiograph: 1"]


def test_what_only_may_have_been_makes_a_range_without_days() -> None:
    (said,) = counts([row(), row(certain=False), row(certain=False)])
    assert said == "CT: 1 to 3"


def test_a_wide_date_is_no_day() -> None:
    (said,) = counts([row(), row(first=date(2026, 1, 1), last=date(2026, 12, 31))])
    assert said == "CT: 2"


def test_hybrid_guidance_and_planning_are_never_folded_into_diagnostic_ct() -> None:
    said = counts([row(), row(kind="to guide a procedure"), row("PT", kind="part of nuclear imaging")])
    assert len(said) == 3 and "CT: 1" in said and "CT to guide a procedure: 1" in said


def test_no_rows_no_counts() -> None:
    assert counts([]) == []
