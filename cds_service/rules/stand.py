"""
Where an order stands in an appropriateness topic.

A variant is met, possible or out. The order is judged by the met variants, else by the possible ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cds_service.findings import Outcome, Verdict
from cds_service.rules.ratings import Rating, rate
from cds_service.rules.rule import Topic
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Facts

MEMORY = 512
"""How many exams a topic remembers its ratings of, and how many orders what to offer instead."""


def ratings_of(topic: Topic, exam: Exam) -> tuple[Rating | None, ...]:
    """How *exam* rates in each variant of *topic*, in their order."""
    known = topic.memory.get(exam)
    if known is None:
        known = tuple(rate(exam, variant.rows) for variant in topic.variants)
        if len(topic.memory) < MEMORY:
            topic.memory[exam] = known
    return known


@dataclass(frozen=True, slots=True)
class Stand:
    """Where an order stands in a topic: the places of the met and possible variants, and its ratings."""

    topic: Topic
    applies: bool
    why: str = ""
    met: tuple[int, ...] = ()
    possible: tuple[int, ...] = ()
    ratings: tuple[Rating | None, ...] = ()

    @property
    def judged(self) -> tuple[int, ...]:
        """The variants the order is judged by."""
        return self.met or self.possible

    def verdict(self, outcome: Outcome = Outcome.OUT, why: str = "", **more: object) -> Verdict:
        """A verdict of this topic."""
        return replace(Verdict(self.topic.id, self.topic.version, outcome, why or self.why), **more)  # type: ignore[arg-type]


def stand(topic: Topic, order: Exam, facts: Facts) -> Stand:
    """Where *order* stands in *topic*."""
    if not topic.applies_to.holds(facts):
        return Stand(topic, False, "it does not apply to this order")
    for exception in topic.unless:
        if exception.holds(facts):
            return Stand(topic, False, f"exception: {exception.because}")
    met: list[int] = []
    possible: list[int] = []
    for place, variant in enumerate(topic.variants):
        answer = variant.criterion.holds(facts)
        if answer:
            met.append(place)
        elif answer is None:
            possible.append(place)
    if len(met) + len(possible) > 1 and met:
        ids = {topic.variants[place].id for place in met}
        met, possible = (
            [place for place in places if ids.isdisjoint(topic.variants[place].yields_to)] for places in (met, possible)
        )
    return Stand(topic, True, "", tuple(met), tuple(possible), ratings_of(topic, order))
