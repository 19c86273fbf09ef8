"""What is recognised stays recognised: floors just under the measured shares, to be raised, never lowered."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.recognition.benchmark import HALVES, KINDS, Example
from tests.recognition.reading import read, readings, shares
from tests.recognition.scoring import RIGHT, SCORES, WRONG

RIGHT_AT_LEAST = {
    "tuning": dict(zip(KINDS, (99.5, 99.5, 99.5, 99.5, 99.5, 99.5, 99.5, 99.5, 98, 99.5), strict=True)),
    "held": dict(zip(KINDS, (98.5, 99.5, 98.5, 97.5, 95, 97, 98.5, 99.5, 95.5, 99), strict=True)),
}
WRONG_AT_MOST = {
    "tuning": dict(zip(KINDS, (0, 0, 0, 0, 0, 0, 0, 0, 0, 0), strict=True)),
    "held": dict(zip(KINDS, (0, 0, 1, 0, 0, 1, 1, 0, 1, 0), strict=True)),
}


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_recognised(half: str, kind: str) -> None:
    """Shares in percent, wrong ones counted; of the held half only numbers are shown."""
    some = readings(half)[kind]
    wrong = sum(one.score == WRONG for one in some)
    assert shares(some)[RIGHT] >= RIGHT_AT_LEAST[half][kind]
    assert wrong <= WRONG_AT_MOST[half][kind]


def test_codes_are_read_without_their_names() -> None:
    """A code nobody knows stays unread, whatever is written beside it."""
    assert read("exam-codes", Example("LOINC 24725-5 CT Head", "CT head")).score == "unread"
    assert read("reason-codes", Example("SCT 74400009 Appendicitis", "suspected-appendicitis")).score == "unread"


def test_shares_add_up() -> None:
    everything = tuple(chain.from_iterable(chain.from_iterable(readings(half).values()) for half in HALVES))
    counted = shares(everything)
    assert tuple(counted) == SCORES
    assert sum(counted.values()) == pytest.approx(100)
