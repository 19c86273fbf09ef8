"""
What must never be offered, or said, given a safety fact: ``rules/review/never.yaml``.

It says again what the safety rules are for, in the words of a reviewer and in a place of its own. The judge never
reads it: a safety rule that is lost, narrowed or misspelt is caught because this list still says what must not be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product
from typing import Any

from cds_service.enumeration.values import values
from cds_service.errors import PhraseError, Problem
from cds_service.rules.criteria import Criterion, Scope, compile_block
from cds_service.rules.fields import Fields
from cds_service.rules.metadata import read_thresholds
from cds_service.vocabulary.exams import MODALITIES, Exam, exam
from cds_service.vocabulary.facts import Fact
from cds_service.vocabulary.readings import Facts, GivenFacts, Reading

FILE = "rules/review/never.yaml"
ALL = "anything"
_MOST_WAYS = 40


@dataclass(frozen=True)
class Bar:
    """One thing that must not be: *what* is never offered (or nothing is said at all) when *criterion* holds."""

    id: str
    what: tuple[Exam | str, ...]
    criterion: Criterion
    unknown_counts: bool
    ways: tuple[Mapping[str, Reading], ...]
    line: int

    def holds(self, facts: Facts) -> bool:
        """Whether the bar is up."""
        answer = self.criterion.holds(facts)
        return bool(answer) or (answer is None and self.unknown_counts)

    @property
    def silences(self) -> bool:
        """Whether nothing at all may be said."""
        return ALL in self.what

    def covers(self, offered: Exam) -> bool:
        """Whether *offered* must not be offered."""
        return any(_covers(one, offered) for one in self.what)


def _covers(barred: Exam | str, offered: Exam) -> bool:
    if isinstance(barred, str):
        return barred in (ALL, offered.modality)
    return (
        barred.modality == offered.modality
        and bool(barred.mask & offered.mask)
        and barred.techniques <= offered.techniques
        and (barred.contrast is None or offered.contrast == barred.contrast)
    )


def read_bars(parsed: Any, facts: Mapping[str, Fact], today: date, problems: list[Problem]) -> tuple[Bar, ...]:
    """The bars of *parsed* YAML; what is wrong is noted in *problems*."""
    page = Fields(parsed, FILE, problems, "the list of what is never offered")
    found = [_bar(Fields(body, FILE, problems, "an entry"), facts, today) for body in page.items("never")]
    page.finish()
    return tuple(found)


def _bar(one: Fields, facts: Mapping[str, Fact], today: date) -> Bar:
    thresholds = {name: limit.value for name, limit in read_thresholds(one, today).items()}
    mentions: dict[str, set[Any]] = {}
    scope = Scope(facts, thresholds, FILE, one.problems, frozenset(thresholds), True, mentions)
    name, what = one.text("id"), tuple(_what(one))
    criterion = compile_block(one.get("when"), scope)
    unknown = one.text("unknown", "", choices=("counts",)) == "counts"
    one.text("because")
    one.finish()
    return Bar(name, what, criterion, unknown, _ways(criterion, facts, mentions), one.line)


def _what(one: Fields) -> Iterable[Exam | str]:
    for phrase in one.items("offer"):
        if phrase == ALL or phrase in MODALITIES:
            yield str(phrase)
            continue
        try:
            yield exam(str(phrase))
        except PhraseError as error:
            one.wrong(phrase, str(error))


def _ways(criterion: Criterion, facts: Mapping[str, Fact], mentions: Mapping[str, set[Any]]) -> tuple[Any, ...]:
    """Ways for the bar to be up, those with few facts first; what hangs on the order is left open."""
    asked = sorted(
        name for name in criterion.facts if name in facts and not name.startswith(("order.", "alternative."))
    )
    open_ended = any(name.startswith(("order.", "alternative.")) for name in criterion.facts)
    found: list[Mapping[str, Reading]] = []
    for names in (names for size in (1, 2) for names in combinations(asked, size)):
        for readings in product(*(values(facts[name], frozenset(mentions.get(name, ())))[:-1] for name in names)):
            way = dict(zip(names, readings, strict=True))
            answer = criterion.holds(GivenFacts(way))
            if (answer or (answer is None and open_ended)) and not any(known.items() <= way.items() for known in found):
                found.append(way)
    return tuple(found[:_MOST_WAYS])
