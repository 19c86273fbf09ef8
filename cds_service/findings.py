"""
What the rules say about one order, before it becomes a card.

A Finding is one rule's verdict with everything a card needs; a Verdict is any rule's
answer, advice or not, for explaining and for the decision log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Evidence


class Indicator(str, Enum):
    """How urgent a card is, in CDS Hooks' words."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Advice(Enum):
    """What a finding asks for; each has a card template of its own."""

    INSTEAD = "order-something-else"  # other exams serve better
    NO_IMAGING = "no-imaging-now"  # nothing needs to be imaged now
    PREFER = "prefer-another-exam"  # rated the same, a source prefers another
    ASK = "deciding-question"  # unknown facts would decide
    FEWER_PASSES = "fewer-passes"
    NARROWER = "narrower-exam"
    LOOK_FIRST = "existing-study"  # earlier images may answer
    ADD_REASON = "add-a-reason"
    REMIND = "reminder"
    ADD_NOTE = "technique-note"  # the order is right; a note helps who carries it out
    CHILD_SIZE = "child-size"  # the order is right; what dose is usual at this age
    CONSULT = "ask-the-team"  # a hard one: the radiologist or the physicist may help


@dataclass(frozen=True, slots=True)
class Citation:
    """A source as a card shows it."""

    id: str
    cite: str
    year: str = ""
    doi: str = ""
    url: str = ""
    supports: str = ""
    publisher: str = ""
    authors: str = ""
    journal: str = ""
    confidence: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Undecided:
    """One fact that would decide: its name, the question in plain words, and what an answer would mean."""

    fact: str
    question: str
    means: str = ""


@dataclass(frozen=True, slots=True)
class Alternative:
    """
    An exam to order instead; ``why`` says how it is rated, in one phrase.

    ``because`` is the sentence a finding gives when this exam is its first alternative.
    """

    exam: Exam
    rating: str = ""
    why: str = ""
    recommended: bool = False
    because: str = ""


@dataclass(frozen=True, slots=True)
class ReasonOffer:
    """A coded reason a clinician may add: ``concept`` is a FHIR CodeableConcept as plain JSON."""

    reason: str
    label: str
    concept: dict[str, Any]
    regions: frozenset[str] = frozenset()


class Activity(NamedTuple):
    """How much of a tracer a guideline gives by weight: MBq per kilogram, and MBq at least and, unless 0, at most."""

    per_kg_low: float
    per_kg_high: float
    least: float
    most: float = 0

    def of(self, low: float, high: float) -> tuple[float, float]:
        """
        The least and the most MBq for a weight between *low* and *high* kg.

        >>> Activity(3.7, 5.55, 37, 148).of(18, 18)
        (66.6, 99.9)
        >>> Activity(9.3, 9.3, 37).of(3, 3), Activity(3.7, 5.55, 37, 148).of(60, 60)
        ((37, 37), (148, 148))
        """
        return self._bounded(self.per_kg_low * low), self._bounded(self.per_kg_high * high)

    def _bounded(self, value: float) -> float:
        value = max(value, self.least)
        return round(min(value, self.most) if self.most else value, 6)


class Basis(NamedTuple):
    """
    What a finding rests on: facts by name, weightiest first.

    Their evidence is the finding's, *most* pieces of it; with ``each_prior`` every earlier exam is one. With an
    ``activity`` what it comes to for this child's weight is one more.
    """

    facts: tuple[str, ...] = ()
    most: int = 0
    each_prior: bool = False
    activity: Activity | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Who a site asks for the hard ones: ``role`` in plain words, a name, and a FHIR reference where there is one."""

    role: str
    name: str
    reference: str = ""


NO_BASIS = Basis()


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What one rule says about one order.

    ``situation`` and ``because`` are sentences for the clinician; ``evidence`` is what in this chart led here;
    ``undecided`` is what is not known. ``alternatives`` are sorted best first. ``cancel`` offers to remove the order;
    ``note`` is a text to add to it, ``contact`` whom to ask. ``limits`` are what an alternative asks for in return.
    ``override_reasons`` are keys into the site's list. ``plain`` is the same finding before it got this child's
    evidence: what is made of it holds for other children too and may be remembered.
    """

    rule: str
    version: str
    title: str
    topic_code: str
    advice: Advice
    indicator: Indicator
    situation: str
    because: str
    alternatives: tuple[Alternative, ...] = ()
    cancel: bool = False
    offers: tuple[ReasonOffer, ...] = ()
    note: str = ""
    contact: Contact | None = None
    limits: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    undecided: tuple[Undecided, ...] = ()
    citations: tuple[Citation, ...] = ()
    override_reasons: tuple[str, ...] = ()
    reviewed: str = ""
    reviewer: str = ""
    shown: bool = True  # False: judged and logged, not shown (status silent)
    fill: dict[str, str] = field(default_factory=dict)
    basis: Basis = NO_BASIS
    plain: Finding | None = field(default=None, compare=False, repr=False)


_URGENCY = {Indicator.CRITICAL: 0, Indicator.WARNING: 1, Indicator.INFO: 2}
_WEIGHT = {
    advice: place
    for place, advice in enumerate(
        (
            Advice.INSTEAD,
            Advice.NO_IMAGING,
            Advice.FEWER_PASSES,
            Advice.NARROWER,
            Advice.PREFER,
            Advice.LOOK_FIRST,
            Advice.ASK,
            Advice.ADD_REASON,
            Advice.REMIND,
            Advice.CONSULT,
            Advice.ADD_NOTE,
            Advice.CHILD_SIZE,
        )
    )
}


def importance(finding: Finding) -> tuple[int, int, str]:
    """What findings are sorted by, the weightiest first: urgency, kind of advice, then the rule's id."""
    return _URGENCY[finding.indicator], _WEIGHT[finding.advice], finding.rule


class Outcome(Enum):
    """How a rule came out on one order."""

    ADVICE = "advice"
    SILENT = "silent"  # it applies and has nothing to say
    EXCEPTED = "excepted"  # one of its exceptions holds
    UNDECIDED = "undecided"  # unknown facts keep it silent
    OUT = "out"  # it does not apply
    SILENCED = "silenced"  # a safety rule took its advice away


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's answer on one order, and why; ``unknown`` lists the facts that were missing."""

    rule: str
    version: str
    outcome: Outcome
    why: str
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # alternatives offered or not, one sentence each
    finding: Finding | None = None


class ChangeKind(Enum):
    """What a suggestion does to the order."""

    REPLACE = "alternative"  # another exam takes its place
    REMOVE = "cancel"  # the order goes
    ADD_REASON = "reason"  # the order stays and states why
    ADD_NOTE = "note"  # the order stays and tells how
    ASK = "contact"  # the order stays and somebody is asked


@dataclass(frozen=True, slots=True)
class Change:
    """
    One change a card offers, in words; how a client carries it out is its dialect's matter.

    ``label`` names the suggestion. ``create``, ``update`` and ``delete`` describe the single actions and stand alone.
    ``note`` is added to the order, ``message`` goes to the ``contact``.
    """

    kind: ChangeKind
    label: str
    create: str = ""
    update: str = ""
    delete: str = ""
    alternative: Alternative | None = None
    offer: ReasonOffer | None = None
    note: str = ""
    message: str = ""
    contact: Contact | None = None
    recommended: bool = False
