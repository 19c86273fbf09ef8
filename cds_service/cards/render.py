"""Findings and their templates make the cards of one order."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol

from cds_service.cards.discretion import discreet
from cds_service.cards.markdown import escape, inert, plain, shorten
from cds_service.cards.overrides import Overrides
from cds_service.cards.ranking import Wish, by_need, ranked, wishes, wishes_of
from cds_service.cards.template import Pattern, Template, Templates
from cds_service.cards.values import About, Speech, Value
from cds_service.findings import Change, Finding
from cds_service.hooks.response import Card, Coding, Source, Suggestion
from cds_service.vocabulary.exams import Exam

SUMMARY: Final = 139
"""CDS Hooks wants fewer than 140 characters."""

_TOPIC, _MOST, _LEAST_NAME = 100, 3, 24
_ALPHANUMERIC: Final = frozenset(string.ascii_letters + string.digits)


class Dialect(Protocol):
    """How the client takes changes; ``cds_service.suggestions.dialects`` holds them."""

    behavior: Literal["any"] | None
    room: int
    cards: int

    def suggestion(self, change: Change) -> Suggestion | None:
        """The change as the client takes it, or None when it can't be offered."""
        ...  # pragma: no cover

    def beside(self, changes: Sequence[Change]) -> list[Suggestion]:
        """Further suggestions the offered changes need."""
        ...  # pragma: no cover


class Sender(NamedTuple):
    """Who speaks: the name on the card, a page about the service, and the system of its topic codes."""

    label: str
    topic_system: str
    url: str | None = None


class Issued(NamedTuple):
    """One card with the findings it tells, the main one first: what feedback on it is about."""

    card: Card
    findings: tuple[Finding, ...]


class Written(NamedTuple):
    """The cards of one order, and why findings got none."""

    issued: tuple[Issued, ...]
    notes: tuple[str, ...] = ()


class Made(NamedTuple):
    """A change that can be offered, as the client takes it."""

    wish: Wish
    change: Change
    suggestion: Suggestion


@dataclass(frozen=True, slots=True)
class CardWriter:
    """Writes cards: templates, override reasons, the sender, and how exams are named."""

    templates: Templates
    overrides: Overrides
    sender: Sender
    say: Callable[[Exam], str]

    def write(
        self, findings: Iterable[Finding], about: About, dialect: Dialect, *, new_id: Callable[[], str]
    ) -> Written:
        """
        The cards for one order: one that merges its findings, or as many as the dialect shows apart.

        A finding whose advice needs a change nobody can click is left out: advice without an alternative does not
        change orders (AJR 2017;208:1051).
        """
        about = about.spoken()
        shown = ranked(findings)
        groups = [shown] if dialect.cards == 1 else [[finding] for finding in shown]
        issued: list[Issued] = []
        notes: list[str] = []
        for group in groups:
            if len(issued) == dialect.cards:
                break
            one = self._card(group, about, dialect, new_id=new_id, notes=notes)
            if one is not None:
                issued.append(one)
        return Written(tuple(issued), tuple(notes))

    def _card(
        self, group: Sequence[Finding], about: About, dialect: Dialect, *, new_id: Callable[[], str], notes: list[str]
    ) -> Issued | None:
        made = self._make(group, about, dialect)
        told: list[Finding] = []
        for finding in group:
            trouble = self._trouble(finding, about, made)
            if trouble:
                notes.append(f"{finding.rule}: {trouble}")
            else:
                told.append(finding)
        if not told:
            return None
        main, *others = told
        options = tuple(
            one.change.alternative for one in made.done if one.wish.finding is main and one.change.alternative
        )
        speech = Speech(main, about, self.say, options or main.alternatives[:_MOST], others=tuple(others))
        suggestions = _suggestions(made.done, dialect)
        return Issued(self._fill(speech, suggestions, dialect, new_id=new_id), tuple(told))

    def _make(self, group: Sequence[Finding], about: About, dialect: Dialect) -> _Tried:
        offered = wishes(group, self.templates)
        done: dict[int, Made] = {}
        failed: set[object] = set()
        for place in by_need(offered, about):
            if len(done) == dialect.room:
                break
            change = self._change(offered[place], about)
            suggestion = dialect.suggestion(change)
            if suggestion is None:
                failed.add(offered[place].key)
            else:
                done[place] = Made(offered[place], change, suggestion)
        return _Tried([done[place] for place in sorted(done)], failed)

    def _change(self, wish: Wish, about: About) -> Change:
        options = (wish.alternative,) if wish.alternative else ()
        speech = Speech(wish.finding, about, self.say, options, offer=wish.offer)
        texts = {key: pattern.fill(speech.value, inert) for key, pattern in wish.pattern.texts}
        return Change(
            wish.pattern.kind,
            **texts,
            alternative=wish.alternative,
            offer=wish.offer,
            recommended=bool(wish.alternative and wish.alternative.recommended),
        )

    def _trouble(self, finding: Finding, about: About, made: _Tried) -> str:
        template = self.templates[finding.advice]
        if template.needs_suggestion:
            keys = [wish.key for wish in wishes_of(finding, self.templates)]
            if made.failed.issuperset(keys):
                return "no change that this client can take" if keys else "nothing to offer"
        empty = template.unfilled(Speech(finding, about, self.say, finding.alternatives).value)
        return f"nothing to say for {', '.join(empty)}" if empty else ""

    def _fill(
        self, speech: Speech, suggestions: list[Suggestion], dialect: Dialect, *, new_id: Callable[[], str]
    ) -> Card:
        finding = speech.finding
        template = self.templates[finding.advice]
        return Card(
            uuid=new_id(),
            summary=summary(template.summary, speech.value),
            indicator=finding.indicator.value,
            source=Source(label=self.sender.label, url=self.sender.url, topic=self._topic(finding)),
            detail=detail(template, speech) or None,
            suggestions=suggestions or None,
            selectionBehavior=(dialect.behavior or template.behavior) if suggestions else None,
            overrideReasons=self.overrides.of(finding.override_reasons) or None,
        )

    def _topic(self, finding: Finding) -> Coding | None:
        code = "".join(filter(_ALPHANUMERIC.__contains__, finding.topic_code or finding.rule))[:_TOPIC]
        title = inert(plain(discreet(finding.title))) or None
        return Coding(code=code, system=self.sender.topic_system, display=title) if code else None


class _Tried(NamedTuple):
    done: list[Made]
    failed: set[object]


def summary(pattern: Pattern, get: Callable[[str], Value]) -> str:
    """
    The card's one line, short enough: names in it are shortened at a word, the exam as ordered first.

    >>> from cds_service.cards.template import pattern
    >>> long = {"order.name": "CT abdomen and pelvis " * 7, "alternative": "ultrasound"}
    >>> summary(pattern("{order.name}: consider {alternative}"), long.__getitem__)[-24:]
    'CT…: consider ultrasound'
    """
    values = {name: get(name) for name in pattern.names}
    text = pattern.fill(values.__getitem__, inert)
    for name in ("order.name", "alternative"):
        value = values.get(name)
        if len(text) > SUMMARY and isinstance(value, str):
            values[name] = shorten(value, max(_LEAST_NAME, len(value) - (len(text) - SUMMARY)))
            text = pattern.fill(values.__getitem__, inert)
    return shorten(text.removesuffix("."), SUMMARY)


def detail(template: Template, speech: Speech) -> str:
    """The card's Markdown: the template's lines that have something to say."""
    said = "\n".join(_lines(template, speech)).strip("\n")
    while "\n\n\n" in said:
        said = said.replace("\n\n\n", "\n\n")
    return said


def _lines(template: Template, speech: Speech) -> Iterator[str]:
    values = {name: speech.value(name) for line in template.body for name in line.pattern.names}
    for line in template.body:
        names = line.pattern.names
        if names and not any(values[name] for name in names):
            continue
        value = values.get(line.each, "")
        if isinstance(value, tuple):
            yield from (line.pattern.fill({line.each: one}.__getitem__, escape) for one in value)
        else:
            yield line.pattern.fill(values.__getitem__, escape).rstrip()


def _suggestions(made: Sequence[Made], dialect: Dialect) -> list[Suggestion]:
    suggestions = [one.suggestion for one in made] + dialect.beside([one.change for one in made])
    if dialect.behavior is None:
        recommended = [one for one in suggestions if one.isRecommended]
        for one in recommended[1:]:
            one.isRecommended = None
    return suggestions[:_MOST]
