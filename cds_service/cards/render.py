"""Findings and their templates make the cards of one order."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol

from cds_service.cards.discretion import discreet
from cds_service.cards.markdown import escape, inert, plain, shorten
from cds_service.cards.overrides import Overrides
from cds_service.cards.ranking import Wish, by_need, ranked, wishes, wishes_of
from cds_service.cards.template import LEAST_NAME, SUMMARY, Line, Pattern, Template, Templates
from cds_service.cards.values import EVIDENCE, About, Speech, Value
from cds_service.findings import Change, Finding
from cds_service.hooks.response import Card, Coding, Link, Source, Suggestion
from cds_service.vocabulary.exams import Exam

_TOPIC, _MOST = 100, 3
_REMEMBERED: Final = 500
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
    """Who speaks: the name on the card, the service's public address, and the system of its topic codes."""

    label: str
    topic_system: str
    url: str | None = None

    def page(self, rule: str) -> str | None:
        """The address of the page that tells what a rule does, from which source, and where it ends."""
        return f"{self.url}/rules/{rule}" if self.url else None


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
    """Writes cards: templates, override reasons, the sender, and how exams are named; remembers what it said."""

    templates: Templates
    overrides: Overrides
    sender: Sender
    say: Callable[[Exam], str]
    memory: dict[tuple[object, ...], Plan] = field(default_factory=dict, compare=False, repr=False)

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
        plan = self._plan(group, about)
        made = self._make(plan, about, dialect)
        told: list[int] = []
        for place, hope in enumerate(plan.hopes):
            trouble = hope.trouble(made.failed)
            if trouble:
                notes.append(f"{group[place].rule}: {trouble}")
            else:
                told.append(place)
        if not told:
            return None
        text = self._text(plan, told, made.done, about)
        suggestions = _suggestions(list(made.done.values()), dialect)
        card = self._fill(text, group[told[0]], suggestions, dialect, new_id=new_id)
        return Issued(card, tuple(group[place] for place in told))

    def _plan(self, group: Sequence[Finding], about: About) -> Plan:
        """What the findings come to; remembered by what they are without any child's evidence."""
        alike = [finding.plain for finding in group]
        if None in alike or any(self.templates[finding.advice].personal for finding in group):
            return self._new_plan(group, about)
        key = (about, *map(id, alike))
        known = self.memory.get(key)
        if known is None:
            if len(self.memory) >= _REMEMBERED:
                self.memory.clear()
            known = self.memory[key] = self._new_plan([one for one in alike if one], about)
        return known

    def _new_plan(self, group: Sequence[Finding], about: About) -> Plan:
        offered = wishes(group, self.templates)
        return Plan(group, offered, by_need(offered, about), [self._hope(finding, about) for finding in group])

    def _hope(self, finding: Finding, about: About) -> Hope:
        template = self.templates[finding.advice]
        keys = frozenset(wish.key for wish in wishes_of(finding, self.templates)) if template.needs_suggestion else None
        return Hope(keys, template.unfilled(Speech(finding, about, self.say, finding.alternatives).value))

    def _make(self, plan: Plan, about: About, dialect: Dialect) -> _Tried:
        done: dict[int, Made] = {}
        failed: set[object] = set()
        for place in plan.order:
            if len(done) == dialect.room:
                break
            wish, change = plan.offered[place], plan.changes.get(place)
            if change is None:
                change = plan.changes[place] = self._change(wish, about)
            suggestion = dialect.suggestion(change)
            if suggestion is None:
                failed.add(wish.key)
            else:
                done[place] = Made(wish, change, suggestion)
        return _Tried({place: done[place] for place in sorted(done)}, failed)

    def _change(self, wish: Wish, about: About) -> Change:
        options = (wish.alternative,) if wish.alternative else ()
        speech = Speech(wish.finding, about, self.say, options, offer=wish.offer)
        texts = {key: pattern.fill(speech.value, inert) for key, pattern in wish.pattern.texts}
        return Change(
            wish.pattern.kind,
            **texts,
            alternative=wish.alternative,
            offer=wish.offer,
            note=plain(wish.finding.note),
            contact=wish.finding.contact,
            recommended=bool(wish.alternative and wish.alternative.recommended),
        )

    def _text(self, plan: Plan, told: Sequence[int], made: Mapping[int, Made], about: About) -> Text:
        """What the card of the findings *told* says beside the changes *made*."""
        key = (*told, -1, *made)
        known = plan.texts.get(key)
        if known is None:
            main, *others = (plan.group[place] for place in told)
            options = tuple(
                one.change.alternative for one in made.values() if one.wish.finding is main and one.change.alternative
            )
            speech = Speech(main, about, self.say, options or main.alternatives[:_MOST], others=tuple(others))
            template = self.templates[main.advice]
            known = plan.texts[key] = Text(
                summary(template.summary, speech.value),
                self._source(main),
                tuple(_body(template, speech)),
                speech,
                self.overrides.of(main.override_reasons) or None,
                self._links([main, *others]),
            )
        return known

    def _fill(
        self, text: Text, main: Finding, suggestions: list[Suggestion], dialect: Dialect, *, new_id: Callable[[], str]
    ) -> Card:
        behavior = dialect.behavior or self.templates[main.advice].behavior
        return Card(
            uuid=new_id(),
            summary=text.summary,
            indicator=main.indicator.value,
            source=text.source,
            detail=text.detail(main) or None,
            suggestions=suggestions or None,
            selectionBehavior=behavior if suggestions else None,
            overrideReasons=text.overrides,
            links=text.links,
        )

    def _source(self, main: Finding) -> Source:
        return Source(label=self.sender.label, url=self.sender.page(main.rule), topic=self._topic(main))

    def _links(self, told: Sequence[Finding]) -> list[Link] | None:
        """A link to the page of each rule the card speaks for."""
        pages = [(one, page) for one in told if (page := self.sender.page(one.rule))]
        return [Link(label=_about(one), url=page, type="absolute") for one, page in pages] or None

    def _topic(self, finding: Finding) -> Coding | None:
        code = "".join(filter(_ALPHANUMERIC.__contains__, finding.topic_code or finding.rule))[:_TOPIC]
        title = inert(plain(discreet(finding.title))) or None
        return Coding(code=code, system=self.sender.topic_system, display=title) if code else None


class _Tried(NamedTuple):
    done: dict[int, Made]
    failed: set[object]


class Hope(NamedTuple):
    """What a finding needs to be told: one of the changes ``keys`` unless None, and nothing ``empty``."""

    keys: frozenset[object] | None
    empty: tuple[str, ...]

    def trouble(self, failed: set[object]) -> str:
        """Why it is not told when the changes *failed*; nothing when it is."""
        if self.keys is not None and failed.issuperset(self.keys):
            return "no change that this client can take" if self.keys else "nothing to offer"
        return f"nothing to say for {', '.join(self.empty)}" if self.empty else ""


class Text(NamedTuple):
    """What a card says; lines of the body that hang on a child's evidence are still to be filled."""

    summary: str
    source: Source
    body: tuple[str | Line, ...]
    speech: Speech
    overrides: list[Coding] | None
    links: list[Link] | None = None

    def detail(self, main: Finding) -> str:
        """The card's Markdown, with the evidence of *main*."""
        lines: list[str] = []
        for one in self.body:
            if isinstance(one, str):
                lines.append(one)
            else:
                lines += _said(one, self.speech._replace(finding=main))
        said = "\n".join(lines).strip("\n")
        while "\n\n\n" in said:
            said = said.replace("\n\n\n", "\n\n")
        return said


@dataclass(slots=True)
class Plan:
    """
    What a group of findings comes to for one order, whoever the child is.

    ``order`` is that in which the changes ``offered`` are tried. ``changes`` and ``texts`` are filled when asked for.
    """

    group: Sequence[Finding]
    offered: Sequence[Wish]
    order: Sequence[int]
    hopes: Sequence[Hope]
    changes: dict[int, Change] = field(default_factory=dict)
    texts: dict[tuple[int, ...], Text] = field(default_factory=dict)


def _about(finding: Finding) -> str:
    """What a link to a rule's page says."""
    title = inert(plain(discreet(finding.title)))
    return f"About this advice: {title}" if title else "About this advice"


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
            values[name] = shorten(value, max(LEAST_NAME, len(value) - (len(text) - SUMMARY)))
            text = pattern.fill(values.__getitem__, inert)
    return shorten(text.removesuffix("."), SUMMARY)


def _body(template: Template, speech: Speech) -> Iterator[str | Line]:
    """The lines of the detail that have something to say; those with a child's evidence unfilled."""
    for line in template.body:
        if EVIDENCE in line.pattern.names:
            yield line
        else:
            yield from _said(line, speech)


def _said(line: Line, speech: Speech) -> Iterator[str]:
    """The *line* filled; several for a list, none when it has nothing to say."""
    values = {name: speech.value(name) for name in line.pattern.names}
    if values and not any(values.values()):
        return
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
