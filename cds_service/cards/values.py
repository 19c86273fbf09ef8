"""The closed list of what a card template may say, and where each value comes from. All values are plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from cds_service.cards.discretion import discreet, sayable
from cds_service.cards.markdown import plain
from cds_service.findings import Alternative, Citation, Finding, ReasonOffer, Undecided
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Evidence

Value = str | tuple[str, ...]

_NAME, _SENTENCE, _ITEM, _ITEMS = 120, 500, 200, 5
_YEAR, _DAY = len("2026"), len("2026-11-23")
_PREFERRED = "preferred"
EVIDENCE: Final = "evidence"
"""The one placeholder that says something of this child alone."""


class About(NamedTuple):
    """The order a card is about: its exam as recognised and named, or as the order words it."""

    name: str
    exam: Exam | None = None

    def spoken(self) -> About:
        """
        The same order, named as a card may name it.

        >>> About("CT head, r/o NAT").spoken().name, About(" CT\\nhead").spoken().name
        ('This exam', 'CT head')
        """
        name = plain(self.name, _NAME)
        return self._replace(name=name if name and sayable(name) else "This exam")


class Speech(NamedTuple):
    """Everything one card can say: the main finding, what is offered, and what else was found."""

    finding: Finding
    about: About
    say: Callable[[Exam], str]
    options: tuple[Alternative, ...] = ()
    offer: ReasonOffer | None = None
    others: tuple[Finding, ...] = ()

    def value(self, name: str) -> Value:
        """The value of a placeholder; empty when there is nothing to say. Unknown names are the rule's own slots."""
        field = FIELDS.get(name)
        return field(self) if field else plain(self.finding.fill.get(name, ""), _SENTENCE)


def _alternative(speech: Speech) -> Value:
    return plain(speech.say(speech.options[0].exam), _NAME) if speech.options else ""


def _options(speech: Speech) -> Value:
    spared = speech.about.exam is None or speech.about.exam.ionizing
    return tuple(_option(speech.say(one.exam), one, spared=spared) for one in speech.options)


def _option(name: str, alternative: Alternative, *, spared: bool) -> str:
    no_radiation = "no radiation" if spared and not alternative.exam.ionizing else ""
    why = alternative.why or ("" if alternative.rating == _PREFERRED else alternative.rating)
    said = ", ".join(filter(None, (why.rstrip(". "), no_radiation)))
    return plain(f"{name} ({said})" if said else name, _ITEM)


def _also(speech: Speech) -> Value:
    return tuple(
        f"{_sentence(other.situation)} {_sentence(other.because)} ({plain(_rule_name(other))})".lstrip()
        for other in speech.others
    )


def _sentence(text: str) -> str:
    said = plain(discreet(text), _SENTENCE)
    return f"{said}." if said and said[-1] not in ".?!…" else said


def _items(texts: Iterable[str]) -> Value:
    said = dict.fromkeys(plain(discreet(text), _ITEM) for text in texts)
    return tuple(filter(None, said))[:_ITEMS]


def _evidence(one: Evidence) -> str:
    day = one.on[:_DAY]
    return f"{one.text} ({day})" if day and one.text and day[:_YEAR] not in one.text else one.text


def _unknown(one: Undecided) -> str:
    question = discreet(one.question).rstrip(". ")
    if not question or not one.means:
        return question
    return f"{question}{'' if question.endswith('?') else ':'} {one.means}"


def _source(one: Citation) -> str:
    return f"{one.cite}, {one.year}" if one.year and one.year not in one.cite else one.cite


def _rule_name(finding: Finding) -> str:
    return f"{finding.rule} v{finding.version}"


def _review(finding: Finding) -> str:
    by = f" by {finding.reviewer}" if finding.reviewer else ""
    return f"reviewed {finding.reviewed}{by}" if finding.reviewed else ""


FIELDS: Final[Mapping[str, Callable[[Speech], Value]]] = {
    "order.name": lambda speech: speech.about.name,  # the exam as ordered
    "alternative": _alternative,  # the exam offered; the best one where several are
    "options": _options,  # every exam offered, with its rating
    "reason": lambda speech: plain(speech.offer.label, _NAME) if speech.offer else "",  # the reason to add
    "situation": lambda speech: _sentence(speech.finding.situation),
    "because": lambda speech: _sentence(speech.finding.because),
    EVIDENCE: lambda speech: _items(map(_evidence, speech.finding.evidence)),  # what in this chart led here
    "unknown": lambda speech: _items(map(_unknown, speech.finding.undecided)),  # what is not known
    "sources": lambda speech: _items(map(_source, speech.finding.citations)),
    "also": _also,  # the other findings on this order
    "rule": lambda speech: plain(", ".join(filter(None, (_rule_name(speech.finding), _review(speech.finding))))),
    "rule.id": lambda speech: plain(speech.finding.rule),
    "rule.version": lambda speech: plain(speech.finding.version),
    "rule.title": lambda speech: plain(discreet(speech.finding.title), _SENTENCE),
    "review.last": lambda speech: plain(speech.finding.reviewed),
    "review.by": lambda speech: plain(speech.finding.reviewer),
}
"""Placeholder → what it says. A tuple becomes one list item each, or is joined by semicolons inside a line."""
