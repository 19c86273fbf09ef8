"""What writers brought who had seen nothing: a month of orders reads whole, hurried reasons mostly, nearly none wrongly."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.recognition.benchmark import HERE
from tests.recognition.reading import scored
from tests.recognition.scoring import RIGHT, WRONG

KINDS = sorted(path.stem for path in (HERE / "fourth").glob("*.txt"))


@pytest.mark.parametrize(("name", "kind"), [*(("fourth", kind) for kind in KINDS), ("fifth", "reasons")])
def test_nothing_is_read_wrongly(name: str, kind: str) -> None:
    assert not [one for one in scored(name, kind) if one.score == WRONG]


@pytest.mark.parametrize(("kinds", "least"), [(set(KINDS) - {"reasons"}, 0.96), ({"reasons"}, 0.96)])
def test_most_is_read_whole(kinds: set[str], least: float) -> None:
    found = list(chain.from_iterable(scored("fourth", kind) for kind in sorted(kinds)))
    assert len(found) > 600 and sum(one.score == RIGHT for one in found) >= least * len(found)


def test_most_of_what_is_typed_in_a_hurry_is_read_whole() -> None:
    found = list(scored("fifth", "reasons"))
    assert len(found) >= 350 and sum(one.score == RIGHT for one in found) >= 0.86 * len(found)


def test_most_of_what_is_typed_as_a_telegram_is_read_whole_and_little_of_it_as_something_else() -> None:
    found = list(scored("sixth", "reasons"))
    assert len(found) >= 350 and sum(one.score == RIGHT for one in found) >= 0.72 * len(found)
    assert sum(one.score == WRONG for one in found) <= 16


def test_of_an_unseen_month_most_is_read_whole_and_hardly_anything_as_something_else() -> None:
    found = list(scored("seventh", "reasons"))
    assert len(found) >= 500 and sum(one.score == RIGHT for one in found) >= 0.72 * len(found)
    assert sum(one.score == WRONG for one in found) <= 7
