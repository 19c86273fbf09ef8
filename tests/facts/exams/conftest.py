"""The shipped code lists, with every licence stated and with none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.vocabulary.exam_codes import ExamCodes

LISTS = Path(__file__).parents[3] / "rules" / "codes" / "exams"


def _load(licences: frozenset[str]) -> ExamCodes:
    return ExamCodes.load({path.name: path.read_bytes() for path in sorted(LISTS.glob("*.yaml"))}, licences)


@pytest.fixture(scope="session")
def codes() -> ExamCodes:
    """Every list on."""
    return _load(frozenset({"cpt", "snomed", "mbs"}))


@pytest.fixture(scope="session")
def free_codes() -> ExamCodes:
    """Only the lists that are on by default."""
    return _load(frozenset())
