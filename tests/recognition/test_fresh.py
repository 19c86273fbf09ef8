"""Names written as hospitals write them, full of traps: what is read of them, and nothing wrong."""

from __future__ import annotations

import pytest

from tests.recognition.benchmark import EXAMS, HERE, LATER_SETS
from tests.recognition.reading import scored
from tests.recognition.scoring import RIGHT, WRONG

KINDS = [(name, path.stem) for name in LATER_SETS for path in sorted((HERE / name).glob("*.txt")) if path.stem in EXAMS]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_nothing_is_read_wrongly_and_nearly_everything_is_read(name: str, kind: str) -> None:
    found = scored(name, kind)
    assert not [one for one in found if one.score == WRONG]
    unread = [one for one in found if one.score != RIGHT]
    assert len(unread) <= len(found) * 0.03, unread
