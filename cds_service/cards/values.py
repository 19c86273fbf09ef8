"""The closed list of what a card template may say, and where each value comes from. All values are plain text."""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from cds_service.cards.discretion import discreet, sayable
from cds_service.cards.markdown import plain
from cds_service.findings import Alternative, Citation, Finding, ReasonOffer, Undecided
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Evidence

Value = str | tuple[str, ...]

_NAME, _SENTENCE, _ITEM, _ITEMS = 120, 500, 200, 5
_PREFERRED = "preferred"
_ORDER = "Order: "
"""Begins evidence that is only the order's own name, which a card says anyway."""
_DATE: Final = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?(?![\d-])")
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
        _opened(f"{_sentence(other.situation)} {_sentence(other.because)} ({plain(_rule_name(other))})".lstrip())
        for other in speech.others
    )


def _opened(text: str) -> str:
    return text[:1].upper() + text[1:]


def _contact(speech: Speech) -> Value:
    one = speech.finding.contact
    return plain(f"{one.role} ({one.name})" if one.name else one.role, _NAME) if one else ""


def _sentence(text: str) -> str:
    said = plain(discreet(text), _SENTENCE)
    return f"{said}." if said and said[-1] not in ".?!…" else said


def _items(texts: Iterable[str]) -> Value:
    said = dict.fromkeys(plain(discreet(text), _ITEM) for text in texts)
    return tuple(filter(None, said))[:_ITEMS]


def _evidence(one: Evidence) -> str:
    if one.text.startswith(_ORDER):
        return ""
    day = spoken_day(one.on)
    return f"{one.text} ({day})" if day and one.text and one.on[:4] not in one.text else one.text


def spoken_day(stamp: str) -> str:
    """
    The day of an ISO date or time as people write it; as much of it as is known, nothing for what is no date.

    >>> spoken_day("2026-11-03T08:00:00Z"), spoken_day("2026-11"), spoken_day("2026"), spoken_day("2026-13-40")
    ('3 November 2026', 'November 2026', '2026', '')
    """
    found = _DATE.match(stamp)
    if found is None:
        return ""
    year, month, day = found.groups()
    return " ".join(filter(None, (day.lstrip("0") if day else "", month_name[int(month)] if month else "", year)))


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
    reviewed = spoken_day(finding.reviewed) or finding.reviewed
    return f"reviewed {reviewed}{by}" if reviewed else ""


FIELDS: Final[Mapping[str, Callable[[Speech], Value]]] = {
    "order.name": lambda speech: speech.about.name,  # the exam as ordered
    "alternative": _alternative,  # the exam offered; the best one where several are
    "options": _options,  # every exam offered, with its rating
    "reason": lambda speech: plain(speech.offer.label, _NAME) if speech.offer else "",  # the reason to add
    "situation": lambda speech: _sentence(speech.finding.situation),
    "because": lambda speech: _sentence(speech.finding.because),
    "limits": lambda speech: _items(map(_sentence, speech.finding.limits)),  # what an alternative asks in return
    "note": lambda speech: plain(speech.finding.note, _SENTENCE),  # the note to add
    "contact": _contact,  # whom to ask
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
