"""What a fact may read as, told apart only where a rule tells it apart: numbers at their thresholds, words by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import combinations, product
from typing import Any

from cds_service.rules.given import NOW
from cds_service.vocabulary.exams import exam
from cds_service.vocabulary.facts import HISTORY_EXAMS, Fact, Kind
from cds_service.vocabulary.quantities import Amount, Span
from cds_service.vocabulary.readings import UNKNOWN, Age, Interval, Names, Prior, Priors, Reading

Mentions = Mapping[str, frozenset[Any]]
RESULTS = ("", "positive", "negative", "nondiagnostic")


def values(fact: Fact, asked: frozenset[Any]) -> list[Reading]:
    """Everything *fact* may read as that a rule asking about *asked* could tell apart; unknown comes last."""
    return [*_MAKERS[fact.kind](fact, asked), UNKNOWN]


def _flags(_: Fact, __: frozenset[Any]) -> Iterator[Reading]:
    yield from (Reading(True), Reading(False))


def _words(fact: Fact, asked: frozenset[Any]) -> Iterator[Reading]:
    """Each word that is asked about, and one that is not."""
    named = sorted(map(str, asked)) or sorted(fact.choices)
    other = sorted(fact.choices.difference(named))[:1]
    yield from (Reading(frozenset({word})) for word in (*named, *other))


def _names(_: Fact, asked: frozenset[Any]) -> Iterator[Reading]:
    yield from (Reading(Names(frozenset({str(word)}))) for word in sorted(map(str, asked)))
    yield Reading(Names(frozenset()))


def _numbers(_: Fact, asked: frozenset[Any]) -> Iterator[Reading]:
    """Each threshold and a number on either side of it."""
    limits = sorted({limit.value for limit in asked if isinstance(limit, Amount)})
    for number in sorted({limit + step for limit in limits or [0.0] for step in (-0.5, 0, 0.5)}):
        yield Reading(Interval(number, number))


def _ages(_: Fact, asked: frozenset[Any]) -> Iterator[Reading]:
    """Nine years, and for each limit the last day below it and the day it is reached."""
    today = NOW.date()
    births = {today - timedelta(days=9 * 365 + 3)}
    for limit in asked:
        if isinstance(limit, Span):
            born = next(day for day in _days_before(limit) if limit.after(day) <= today)
            births |= {born, born + timedelta(days=1)}
    yield from (Reading(Age(born, born, today, today)) for born in sorted(births, reverse=True) if born <= today)


def _days_before(limit: Span) -> Iterator[Any]:
    first = limit.before(NOW).date() + timedelta(days=3)
    return (first - timedelta(days=back) for back in range(7))


def _priors(fact: Fact, asked: frozenset[Any]) -> Iterator[Reading]:
    """None; and one exam within and before each time span, with each result."""
    like = exam(HISTORY_EXAMS.get(fact.name, ("CT abdomen+pelvis",))[0])
    yield Reading(Priors((), True, NOW))
    for moment in _moments(asked):
        for result in RESULTS:
            yield Reading(Priors((Prior(like, moment, moment, result=result),), True, NOW))


def _moments(asked: frozenset[Any]) -> list[Any]:
    spans = [limit.before(NOW) - timedelta(minutes=5) for limit in asked if isinstance(limit, Span)]
    return sorted({NOW - timedelta(minutes=5), *spans}, reverse=True)


_MAKERS = {
    Kind.FLAG: _flags,
    Kind.CHOICE: _words,
    Kind.NAMES: _names,
    Kind.NUMBER: _numbers,
    Kind.AGE: _ages,
    Kind.PRIORS: _priors,
}

Part = Mapping[str, Reading]
"""Facts that go together."""


def histories(facts: Sequence[Fact], mentions: Mapping[str, frozenset[Any]]) -> list[Part]:
    """
    What the imaging history may hold, told alike by every history fact.

    One exam that counts for two facts is found by both; so all are read off the same list of earlier exams.
    """
    unread: Part = {"history.any": UNKNOWN, **dict.fromkeys([fact.name for fact in facts], UNKNOWN)}
    found: list[Part] = []
    for picked in product(*(values(fact, mentions[fact.name])[:-1] for fact in facts)):
        every = Priors(tuple(prior for one in picked for prior in one.value.items), True, NOW)
        told = {fact.name: _like(fact, every) for fact in facts}
        found.append({"history.any": Reading(every), **told})
    return [*found, unread]


def _like(fact: Fact, every: Priors) -> Reading:
    like = HISTORY_EXAMS.get(fact.name)
    return Reading(every.like(exam(like[0]))) if like else Reading(every)


def reason_sets(own: Sequence[str], others: Sequence[str], lineage: Mapping[str, frozenset[str]]) -> list[Part]:
    """Each of the *own* reasons, alone and with one of the *others*; with what each also is."""
    sets = [frozenset({one}) for one in own] + [frozenset(pair) for pair in product(own, others) if len(set(pair)) > 1]
    sets += [frozenset(pair) for pair in combinations(own, 2)]
    return [
        {"order.reason": Reading(Names(frozenset().union(*({one} | lineage.get(one, frozenset()) for one in names))))}
        for names in dict.fromkeys(sets)
    ]


def told(reading: Reading) -> str:
    """A reading in a few words, as a rule's example would write it."""
    value = reading.value
    if isinstance(value, bool):
        return "present" if value else "absent"
    if isinstance(value, Interval):
        return f"{value.low:g}"
    if isinstance(value, Age):
        return f"{(value.today_first - value.born_first).days} days"
    if isinstance(value, Names):
        return "+".join(sorted(value.values)) or "none"
    if isinstance(value, Priors):
        return ", ".join(_prior(prior) for prior in value.items) or "none"
    return "unknown" if value is None else "+".join(sorted(value))


def _prior(prior: Prior) -> str:
    return f"{prior.exam} {(NOW - prior.first).total_seconds() / 86400:.1f} days ago {prior.result}".strip()
