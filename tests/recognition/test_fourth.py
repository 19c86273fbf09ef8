"""What a month of orders brings, by a writer who had seen nothing: nothing is read wrongly any more, most is read whole."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.recognition.benchmark import HERE, examples
from tests.recognition.reading import Read, read
from tests.recognition.scoring import RIGHT, UNREAD, WRONG

KINDS = sorted(path.stem for path in (HERE / "fourth").glob("*.txt"))


def scored(kind: str) -> list[Read]:
    """Every example of a kind; behind a question mark stands what may be read, or left unread."""
    found = []
    for example in examples("fourth", kind):
        one = read(kind, example._replace(label=example.label.removeprefix("?")))
        left = one.score == UNREAD and example.label.startswith("?")
        found.append(one._replace(score=RIGHT) if left else one)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_read_wrongly(kind: str) -> None:
    assert not [one for one in scored(kind) if one.score == WRONG]


@pytest.mark.parametrize(("kinds", "least"), [(set(KINDS) - {"reasons"}, 0.96), ({"reasons"}, 0.90)])
def test_most_is_read_whole(kinds: set[str], least: float) -> None:
    found = list(chain.from_iterable(map(scored, sorted(kinds))))
    assert len(found) > 600 and sum(one.score == RIGHT for one in found) >= least * len(found)
