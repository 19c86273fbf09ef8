"""The table of steps names tests that are there; and the steps that have no other home."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cds_service.vocabulary.quantities import span
from tests.facts.history.conftest import CT_HEAD, History, report

HERE = Path(__file__).parent
TABLE = (HERE / "ALGORITHM.md").read_text(encoding="utf-8")
TESTS = HERE.parents[1]


def test_every_test_of_the_table_is_there() -> None:
    named = set(re.findall(r"\btest_[a-z0-9_]+(?!\w|\.py)", TABLE)) - {"test_algorithm"}
    written = {
        name for path in TESTS.rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }
    assert len(named) > 50 and sorted(named - written) == []


@pytest.mark.parametrize(
    ("effective", "least", "most"),
    [
        ("2025-03-10T12:00:00Z", 1, 1),
        ("2025-03-10T11:59:59Z", 0, 0),
        ("2026-03-10T12:00:00Z", 1, 1),
        ("2025-03", 0, 1),
        ("2025", 0, 1),
        ("2026", 1, 1),
        ("2024", 0, 0),
        ("2025-03-11", 0, 1),  # a day of any time zone
        ("2025-03-13", 1, 1),
    ],
)
def test_a_window_holds_both_its_ends_and_counts_what_is_partly_in_it_only_perhaps(
    history: History, effective: str, least: int, most: int
) -> None:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    since = span("12 months").before(now)
    found = history(report("r1", CT_HEAD, effective), now=now).since(since)
    assert (sum(prior.certain and prior.first >= since for prior in found), len(found)) == (least, most)


def test_more_passes_in_the_code(history: History) -> None:
    text = {"text": "CT head without and with contrast"}
    assert [prior.exam.passes for prior in history(report("r1", text, "2026-01-05")).items] == [2]
    assert [prior.exam.passes for prior in history(report("r1", {"text": "CT head"}, "2026-01-05")).items] == [0]
