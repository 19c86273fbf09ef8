"""Dates and names as a clinician reads them."""

from __future__ import annotations

from datetime import date

import pytest

from cds_service.facts.history.words import dated, named
from cds_service.vocabulary.exams import Exam


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ((2026, 3, 2), (2026, 3, 2), "2 March 2026"),
        ((2026, 3, 2), (2026, 3, 4), "2 to 4 March 2026"),
        ((2028, 2, 1), (2028, 2, 29), "February 2028"),
        ((2026, 2, 27), (2026, 3, 1), "27 February 2026 to 1 March 2026"),
        ((2025, 1, 1), (2025, 12, 31), "2025"),
        ((2024, 1, 1), (2025, 12, 31), "2024 to 2025"),
        ((2025, 1, 1), (2025, 11, 30), "1 January 2025 to 30 November 2025"),
    ],
)
def test_days_in_words(first: tuple[int, int, int], last: tuple[int, int, int], words: str) -> None:
    assert dated(date(*first).toordinal(), date(*last).toordinal()) == words


def test_an_exam_without_a_region_says_so() -> None:
    assert named(Exam("PT", frozenset(), techniques=frozenset({"hybrid"}))) == "PET hybrid, region not known"
    assert named(Exam("", frozenset())) == "imaging exam of unknown kind"
