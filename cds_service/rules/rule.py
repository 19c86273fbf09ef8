"""The rules as read from their files: frozen, compiled, ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from cds_service.findings import Activity, Advice, Citation, Contact, Indicator, ReasonOffer
from cds_service.rules.about import About
from cds_service.rules.criteria import Answer, Criterion
from cds_service.rules.hints import REASON, Hints, could_hold
from cds_service.rules.ratings import Rating, Row
from cds_service.rules.replay import Replay
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.facts import Fact, Kind
from cds_service.vocabulary.quantities import Amount, Span
from cds_service.vocabulary.readings import Facts, Names, Reading


@dataclass(frozen=True, slots=True)
class Threshold:
    """
    A number of a rule: the value in force, what a site may choose instead, and what it means.

    ``shipped`` is the value a site has changed.
    """

    name: str
    value: Span | Amount
    low: Span | Amount | None
    high: Span | Amount | None
    meaning: str
    line: int = 0
    shipped: Span | Amount | None = None


class Choice(NamedTuple):
    """What a site chose for a rule: why, who approved it and when; ``status`` is the shipped one, where it changed."""

    reason: str
    by: str
    on: str
    until: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a rule: readings by name, an exam as ``order``, and in ``expect`` a word of the rule's kind."""

    name: str
    order: Exam | None
    facts: Mapping[str, Reading]
    expect: str
    offers: tuple[Exam, ...] = ()
    never_offers: tuple[Exam, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What every rule has. ``status`` is draft, silent, active or retired."""

    id: str
    kind: str
    title: str
    status: str
    version: str
    rationale: str
    citations: tuple[Citation, ...]
    thresholds: Mapping[str, Threshold]
    examples: tuple[Example, ...]
    effective_from: date
    effective_to: date | None
    review_last: str
    review_due: date
    review_by: str
    changes: tuple[Mapping[str, str], ...]
    file: str
    line: int
    about: About
    choice: Choice | None

    @property
    def topic_code(self) -> str:
        """The id as letters and digits only, stable for as long as the rule keeps its id."""
        return "".join(part.capitalize() for part in self.id.split("-"))

    def in_force(self, day: date) -> bool:
        """Whether the rule is judged on *day*: active or silent, and within its dates."""
        return (
            self.status in ("active", "silent")
            and self.effective_from <= day
            and (self.effective_to is None or day <= self.effective_to)
        )


def _idle(hints: Hints, facts: Facts) -> bool:
    """Whether nothing on record could make a block with these hints hold."""
    recorded = facts.recorded
    if recorded is None or not hints:
        return False
    named: Names | None = facts[REASON].value
    return not could_hold(hints, recorded, named.values if named is not None else frozenset())


@dataclass(frozen=True, slots=True)
class Exception_:
    """A reason to say nothing; with ``unknown_blocks`` an unknown is enough."""

    because: str
    criterion: Criterion
    unknown_blocks: bool = False
    hints: Hints = ()

    def holds(self, facts: Facts) -> bool:
        """Whether it keeps the rule silent."""
        if not self.unknown_blocks and _idle(self.hints, facts):
            return False
        answer = self.criterion.holds(facts)
        return bool(answer) or (answer is None and self.unknown_blocks)


@dataclass(frozen=True, slots=True)
class Preference:
    """A source prefers some exams over others that are rated the same."""

    prefer: tuple[Exam, ...]
    over: tuple[Exam, ...]
    citation: Citation
    because: str


@dataclass(frozen=True, slots=True)
class Variant:
    """
    One clinical situation of a topic and how each exam rates in it.

    It is out once a situation of ``yields_to`` is met: what is known to be graver decides alone. ``reasons`` are those
    of an order that make it this situation.
    """

    id: str
    situation: str
    criterion: Criterion
    follows: str
    citation: Citation
    rows: tuple[Row, ...]
    no_imaging: str
    not_needed: tuple[Exam, ...]
    preferences: tuple[Preference, ...]
    may_overlap: tuple[str, ...] = ()
    yields_to: tuple[str, ...] = ()
    reasons: frozenset[str] = frozenset()
    line: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Topic(Rule):
    """
    One clinical topic: its variants decide how the order rates and what is better.

    ``memory`` and ``offers`` remember ratings and alternatives.
    """

    applies_to: Criterion
    unless: tuple[Exception_, ...]
    variants: tuple[Variant, ...]
    if_unknown: str
    questions: Mapping[str, str]
    override_reasons: tuple[str, ...]
    reasons: frozenset[str]
    candidates: tuple[Exam, ...]
    mentions: Mapping[str, frozenset[Any]]
    memory: dict[Exam, tuple[Rating | None, ...]] = field(default_factory=dict, repr=False)
    offers: dict[tuple[object, ...], Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Level:
    """What is usual for one exam in children of whom *criterion* holds, in words."""

    exam: Exam
    criterion: Criterion
    text: str
    activity: Activity | None = None

    def is_for(self, order: Exam) -> bool:
        """
        Whether *order* is this very exam, scanned once: levels are those of one pass.

        A level that names no contrast is one with any.
        """
        one, same = self.exam, (order.modality, order.mask, order.techniques)
        return (
            order.passes < 2
            and one.contrast in (None, order.contrast)
            and same == (one.modality, one.mask, one.techniques)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Check(Rule):
    """
    A check of the order's shape or history.

    ``wanted`` maps a reason to the contrast of the one pass that answers it.
    """

    applies_to: Criterion
    criterion: Criterion
    unless: tuple[Exception_, ...]
    advice: Advice
    indicator: Indicator
    alternatives: tuple[Exam, ...]
    derive: str
    cancel: bool
    offers: tuple[ReasonOffer, ...]
    situation: str
    because: str
    if_unknown: str
    override_reasons: tuple[str, ...]
    modalities: frozenset[str]
    levels: tuple[Level, ...] = ()
    wanted: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a safety rule does: silences advice, removes alternatives, softens to info, or limits one."""

    silence: frozenset[Advice] = frozenset()
    remove: tuple[Exam | str, ...] = ()
    soften: bool = False
    limit: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Safety(Rule):
    """What may silence, soften or remove advice; always active, one of a site's choice where it is ``chosen``."""

    criterion: Criterion
    unknown_acts: bool
    because: str
    effect: Effect
    scope: bool
    hints: Hints
    each_alternative: bool
    chosen: bool = True

    def acts(self, facts: Facts) -> bool:
        """Whether it takes effect on these facts."""
        if not self.unknown_acts and _idle(self.hints, facts):
            return False
        answer: Answer = self.criterion.holds(facts)
        return bool(answer) or (answer is None and self.unknown_acts)


@dataclass(frozen=True, slots=True)
class Case:
    """One value of a definition and when it holds."""

    value: str
    criterion: Criterion


@dataclass(frozen=True, slots=True, eq=False)
class Definition(Rule):
    """A fact made of other facts."""

    fact: str
    fact_kind: Kind
    meaning: str
    cases: tuple[Case, ...]

    @property
    def values(self) -> frozenset[str]:
        """The words it may read as; none for a flag."""
        return frozenset(case.value for case in self.cases) if self.fact_kind is Kind.CHOICE else frozenset()

    def read(self, facts: Facts) -> Reading:
        """The defined fact's reading, with the evidence of the facts it rests on."""
        if self.fact_kind is Kind.FLAG:
            answer = self.cases[0].criterion.holds(facts)
            return Reading(answer, self._evidence(facts) if answer is not None else ())
        possible: set[str] = set()
        for case in self.cases:
            answer = case.criterion.holds(facts)
            if answer is not False:
                possible.add(case.value)
            if answer:
                known = len(possible) < len(self.cases)
                return Reading(frozenset(possible), self._evidence(facts)) if known else Reading()
        return Reading()  # no value holds for sure: an unknown one is no more likely than none of them

    def _evidence(self, facts: Facts) -> tuple[Any, ...]:
        found = [piece for name in _names_asked(self) for piece in facts[name].evidence]
        return tuple(dict.fromkeys(found))[:6]


@lru_cache(1024)
def _names_asked(definition: Definition) -> tuple[str, ...]:
    return tuple(sorted({name for case in definition.cases for name in case.criterion.facts}))


@dataclass(frozen=True, slots=True)
class RuleSet:
    """
    All rules in force, indexed for judging.

    ``broader`` maps a reason to the broader reasons it also is, ``regions`` to what it is about.
    """

    topics: tuple[Topic, ...] = ()
    checks: tuple[Check, ...] = ()
    safety: tuple[Safety, ...] = ()
    definitions: tuple[Definition, ...] = ()
    broader: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_reason: Mapping[str, tuple[Topic, ...]] = field(default_factory=dict)
    dormant: tuple[Rule, ...] = ()
    regions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    replay: Replay[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Nothing is judged yet."""
        asked = [rule.hints for rule in self.safety]
        asked += [one.hints for topic in self.topics for one in topic.unless]
        asked += [one.hints for check in self.checks for one in check.unless]
        telling = frozenset(name for hints in asked for line in hints for name in line.findings)
        object.__setattr__(self, "replay", Replay(telling))

    @property
    def defined(self) -> dict[str, Fact]:
        """The facts that definitions make."""
        return {one.fact: Fact(one.fact, one.fact_kind, one.meaning, choices=one.values) for one in self.definitions}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, whatever its kind."""
        return (*self.topics, *self.checks, *self.safety, *self.definitions, *self.dormant)
