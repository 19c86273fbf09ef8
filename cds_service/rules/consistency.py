"""
What is wrong with a rule set as a whole, found by trying out its situations.

Facts are tried at the values their rules ask about: both sides of each threshold, each
word, yes and no. A topic with more combinations than ``MOST`` is sampled.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from cds_service.errors import Problem
from cds_service.rules.given import NOW
from cds_service.rules.ratings import Rating, rate
from cds_service.rules.rule import Rule, RuleSet, Topic, Variant
from cds_service.vocabulary.exams import Exam, exam
from cds_service.vocabulary.facts import HISTORY_EXAMS, Fact, Kind
from cds_service.vocabulary.quantities import Amount, Span
from cds_service.vocabulary.readings import Age, GivenFacts, Interval, Names, Prior, Priors, Reading

MOST = 4_000
_SEED = 20_260_101


def inconsistencies(rules: RuleSet, facts: Mapping[str, Fact], today: date) -> Iterator[Problem]:
    """Overdue reviews, situations that can never be chosen, and situations that overlap and disagree."""
    for rule in rules.rules:
        yield from _overdue(rule, today)
    for topic in rules.topics:
        for variant in topic.variants:
            for name in set(variant.yields_to) - {one.id for one in topic.variants if one is not variant}:
                yield _at(topic, variant, f"variant {variant.id} yields to {name}, which is no other variant")
            if not _reachable(topic, variant, facts):
                yield _at(
                    topic, variant, f"variant {variant.id} can never be chosen", "its conditions contradict each other"
                )
        for one, other in itertools.combinations(topic.variants, 2):
            if one.id in (*other.may_overlap, *other.yields_to) or other.id in (*one.may_overlap, *one.yields_to):
                continue
            exam_ = _disagreement(one, other)
            if exam_ is not None and _together(topic, one, other, facts):
                trouble = f"variants {one.id} and {other.id} can both be met and disagree on {exam_}"
                yield _at(topic, other, trouble, "make them exclude each other, or list one under may_overlap")


def _overdue(rule: Rule, today: date) -> Iterator[Problem]:
    if rule.review_due < today and rule.status in ("active", "silent"):
        trouble = f"the review of {rule.id} was due on {rule.review_due}"
        yield Problem(rule.file, rule.line, trouble, "review it, and set review.last and review.due")


def _at(topic: Topic, variant: Variant, trouble: str, remedy: str = "") -> Problem:
    return Problem(topic.file, variant.line, trouble, remedy)


def _disagreement(one: Variant, other: Variant) -> Exam | None:
    """An exam that one calls usually appropriate and the other usually not."""
    for row in one.rows:
        rating = rate(row.exam, other.rows)
        if rating is not None and {rating, row.rating} == {Rating.USUALLY, Rating.USUALLY_NOT}:
            return row.exam
    return None


def _reachable(topic: Topic, variant: Variant, facts: Mapping[str, Fact]) -> bool:
    names = variant.criterion.facts | topic.applies_to.facts
    return any(
        variant.criterion.holds(given) and topic.applies_to.holds(given)
        for given in situations(topic, names, facts, more=2)
    )


def _together(topic: Topic, one: Variant, other: Variant, facts: Mapping[str, Fact]) -> bool:
    names = one.criterion.facts | other.criterion.facts | topic.applies_to.facts
    return any(
        one.criterion.holds(given)
        and other.criterion.holds(given)
        and topic.applies_to.holds(given)
        and not any(exception.criterion.holds(given) for exception in topic.unless)
        for given in situations(topic, names, facts)
    )


def situations(
    topic: Topic, names: frozenset[str], facts: Mapping[str, Fact], *, more: int = 1
) -> Iterator[GivenFacts]:
    """Combinations of what *names* may read as, reasons with up to *more* others: all, or a sample of ``MOST``."""
    ordered = sorted(names)
    values = [_values(facts[name], topic.mentions.get(name, frozenset()), topic, more) for name in ordered]
    total = 1
    for choices in values:
        total *= len(choices)
    picked: Iterator[Sequence[Reading]] = itertools.product(*values) if total <= MOST else _sample(values)
    for combination in picked:
        yield GivenFacts(dict(zip(ordered, combination, strict=True)))


def _sample(values: Sequence[Sequence[Reading]]) -> Iterator[Sequence[Reading]]:
    pick = random.Random(_SEED)
    for _ in range(MOST):
        yield [pick.choice(choices) for choices in values]


def _values(fact: Fact, mentioned: frozenset[Any], topic: Topic, more: int) -> list[Reading]:
    if fact.kind is Kind.FLAG:
        return [Reading(True), Reading(False)]
    if fact.kind is Kind.CHOICE:
        return [Reading(frozenset({word})) for word in sorted(fact.choices or mentioned)]
    if fact.name == "order.reason":
        return list(_names(mentioned, topic, more))
    if fact.kind is Kind.NAMES:
        return [Reading(Names(frozenset(names))) for names in ((), *((one,) for one in sorted(mentioned)))]
    if fact.kind is Kind.NUMBER:
        return [Reading(Interval(number, number)) for number in _numbers(mentioned)]
    if fact.kind is Kind.AGE:
        return list(_ages(mentioned))
    return list(_priors(fact, mentioned))


def _names(mentioned: frozenset[Any], topic: Topic, more: int) -> Iterator[Reading]:
    """Each reason of the topic, alone and with others its situations ask about: two stated reasons may disagree."""
    every = sorted(mentioned | topic.reasons)
    together = {
        frozenset({one, *others})
        for one in topic.reasons
        for size in range(more + 1)
        for others in itertools.combinations(every, size)
    }
    for names in sorted(together, key=sorted):
        yield Reading(Names(names))


def _numbers(mentioned: frozenset[Any]) -> list[float]:
    limits = sorted({limit.value for limit in mentioned if isinstance(limit, Amount)})
    return sorted({number for limit in limits for number in (limit - 0.5, limit, limit + 0.5)}) or [0.0]


def _ages(mentioned: frozenset[Any]) -> Iterator[Reading]:
    today = NOW.date()
    births = {today - timedelta(days=3000)}
    for limit in mentioned:
        if isinstance(limit, Span):
            born = limit.before(NOW).date()
            births |= {born - timedelta(days=1), born, born + timedelta(days=1)}
    for born in sorted(one for one in births if one <= today):
        yield Reading(Age(born, born, today, today))


def _priors(fact: Fact, mentioned: frozenset[Any]) -> Iterator[Reading]:
    like = exam(HISTORY_EXAMS.get(fact.name, ("CT abdomen+pelvis",))[0])
    yield Reading(Priors((), True, NOW))
    moments = [NOW - timedelta(minutes=5)]
    for limit in mentioned:
        if isinstance(limit, Span):
            moments.append(limit.before(NOW) - timedelta(minutes=5))
    for moment in moments:
        for result in ("", "positive", "negative", "nondiagnostic"):
            yield Reading(Priors((Prior(like, moment, moment, result=result),), True, NOW))
