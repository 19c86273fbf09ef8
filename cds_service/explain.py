"""Why did it say that: what was recognised, what is known and from where, each rule's verdict, and the card."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from cds_service.content import Content
from cds_service.errors import MissingPatient
from cds_service.facts.exams import recognise
from cds_service.facts.gather import Child, Site
from cds_service.fhir.prefetch import NEEDS, patient_of, records
from cds_service.fhir.records import Records
from cds_service.findings import Outcome, Verdict
from cds_service.hooks.request import DraftOrder, HookRequest
from cds_service.hooks.response import Card, Suggestion
from cds_service.judging import (
    Judged,
    Order,
    imaging_orders,
    judge_orders,
    lenient_order,
    make_child,
    unselected,
    write_cards,
)
from cds_service.rules.rule import Effect, RuleSet
from cds_service.vocabulary.readings import Age, Evidence, Interval, Names, Priors, Reading

GROUPS = {
    "order": "The order",
    "patient": "The child",
    "setting": "The visit",
    "sign": "Findings",
    "exam": "Tests",
    "score": "Scores",
    "safety": "Safety",
    "history": "Earlier imaging",
}
"""Groups of facts, in the order they are told, by the first part of their names."""

_WIDTH = 110
_SOURCES = 3
_DAY = len("2026-11-23")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~&])")
_MARKS = re.compile(r"(?<!\\)[*_]{1,2}(?=\S)|(?<=[^\s\\])[*_]{1,2}")


class Asked(NamedTuple):
    """One request with everything it is explained with."""

    request: HookRequest
    content: Content
    now: datetime
    site: Site
    profile: str = "generic"
    every: bool = False


def explain(asked: Asked) -> Iterator[str]:
    """Lines for a person to read about one request; nothing is fetched."""
    request, content = asked.request, asked.content
    count = len(request.context.orders)
    yield f"{request.hook} with {count} order{'' if count == 1 else 's'} to judge, content {content.digest}"
    orders = list(imaging_orders(request, content))
    judged = {id(order.given) for order in orders}
    for draft in request.context.orders:
        if id(draft) not in judged:
            yield from _not_judged(draft, content)
    if not orders:
        return
    record = records(request)
    try:
        patient_of(record)
    except MissingPatient as error:
        yield f"\nNo advice: {error}"
        return
    yield from _record(record)
    child = make_child(record, content, request, asked.now, asked.site)
    for one in judge_orders(orders, child, content, unselected=unselected(request, content), want_all=True):
        yield from _order(one, asked)
    yield from _gaps(child)


def read_as(asked: Asked) -> Iterator[tuple[str, str]]:
    """Each imaging order as it was understood: the exam, and the reasons with what was not understood."""
    child = make_child(records(asked.request), asked.content, asked.request, asked.now, asked.site)
    for order in imaging_orders(asked.request, asked.content):
        yield str(order.recognised.exam), _value(child.about(order.resource, order.recognised)["order.reason"].value)


def _not_judged(draft: DraftOrder, content: Content) -> Iterator[str]:
    why = recognise(lenient_order(draft), content.exams).why or "not an imaging exam we know"
    yield f"\nORDER {draft.reference or '(no id)'}"
    yield f"  Not judged: {why}."


def _record(record: Records) -> Iterator[str]:
    """What of the record came, and what of it could not be read."""
    yield "\nRECORD"
    empty = []
    for need in NEEDS:
        section = record.read(need.kind)
        said = [f"{len(section.items)} read"] if section.items else []
        said += [f"{section.unreadable} unreadable"] if section.unreadable else []
        said += [section.gap or "not complete"] if not section.complete else []
        if said:
            yield f"  {need.kind.__name__:<22}{', '.join(said)}"
        else:
            empty.append(need.kind.__name__)
    if empty:
        yield from _wrapped(f"none on record: {', '.join(empty)}", 2)


def _gaps(child: Child) -> Iterator[str]:
    gaps = child.why_incomplete()
    if gaps:
        yield "\nNOT READ WHOLE, so what stands there is unknown"
        yield from (f"  {resource}: {reason}" for resource, reason in gaps)


# one order


def _order(one: Judged, asked: Asked) -> Iterator[str]:
    recognised = one.order.recognised
    yield f"\nORDER {one.order.given.reference or '(no id)'}: {recognised.name}"
    yield f"  Read as {recognised.exam}, {recognised.why}."
    yield "\n  KNOWN"
    yield from _known(one, asked.content)
    yield "\n  RULES"
    told = [verdict for verdict in one.judgement.verdicts if asked.every or verdict.outcome is not Outcome.OUT]
    for verdict in told:
        yield from _verdict(verdict)
    if not told:
        yield "    No rule speaks about this order for these reasons."
    yield from _safety(one, asked.content.rules, every=asked.every)
    deciding = dict.fromkeys(name for verdict in told for name in verdict.unknown)
    if deciding:
        yield from _wrapped(f"Unknown, and would decide: {', '.join(deciding)}", 2)
    yield from _cards(one.order, one, asked)


def _known(one: Judged, content: Content) -> Iterator[str]:
    """Every fact that says anything, by group, with where it comes from."""
    for group, title in GROUPS.items():
        names = sorted(name for name in content.facts if name.startswith(f"{group}."))
        told = {name.removeprefix(f"{group}."): one.facts[name] for name in names if _says(one.facts[name])}
        if told:
            yield f"    {title}"
        nowhere: dict[str, list[str]] = {}
        for name, reading in told.items():
            if isinstance(reading.value, Priors) and not reading.value.items:
                nowhere.setdefault(_said(reading), []).append(name)
            else:
                yield from _wrapped(f"{name}: {_said(reading, one.order.given.reference)}", 6)
        for said, alike in nowhere.items():
            yield from _wrapped(f"{said}: {', '.join(alike)}", 6)


def _says(reading: Reading) -> bool:
    """Whether it says more than that nothing was found or ordered."""
    value = reading.value
    if isinstance(value, Names):
        return bool(value.values) or not value.complete
    return value is not None or reading.suspected


def _said(reading: Reading, order: str = "") -> str:
    value = _value(reading.value)
    if reading.suspected:
        value = f"{value} (suspected)"
    if reading.gap:
        value = f"{value} ({reading.gap})"
    sources = "; ".join(list(dict.fromkeys(_piece(one, order) for one in reading.evidence))[:_SOURCES])
    return f"{value} ← {sources}" if sources else value


def _piece(one: Evidence, order: str) -> str:
    """A piece of the record and where it stands; the order under judgement needs no name."""
    source = "this order" if one.source and one.source == order else one.source
    if source == "this order" and one.text.startswith("Order: "):
        return source
    day = one.on[:_DAY] if one.on[:_DAY] not in one.text else ""
    where = ", ".join(filter(None, (source, day)))
    return f"{one.text} ({where})" if where else one.text


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Interval):
        return f"{value.low:g}" if value.low == value.high else f"{value.low:g} to {value.high:g}"
    if isinstance(value, Names):
        listed = ", ".join(sorted(value.values)) or "none"
        listed += (
            "" if value.complete else f", and {'a question' if value.asked else 'something'} that was not understood"
        )
        return f"{listed}; more is told beside" if value.more else listed
    if isinstance(value, Age):
        return _age(value)
    if isinstance(value, Priors):
        found = f"{len(value.items) or 'none'} found"
        return found if value.complete else f"{found}, but not every source was read"
    return " or ".join(sorted(map(str, value)))


def _age(value: Age) -> str:
    months = (value.today_last.year - value.born_first.year) * 12 + value.today_last.month - value.born_first.month
    months -= value.today_last.day < value.born_first.day
    years, rest = divmod(months, 12)
    said = f"{years} year{'s' * (years != 1)} {rest} month{'s' * (rest != 1)}"
    return said if value.born_first == value.born_last else f"at most {said}"


# its rules


def _verdict(verdict: Verdict) -> Iterator[str]:
    version = f" v{verdict.version}" if verdict.version else ""
    yield from _wrapped(f"{verdict.rule}{version}: {verdict.outcome.value}. {verdict.why}", 4)
    if verdict.finding is not None:
        for one in verdict.finding.alternatives:
            yield from _wrapped(f"+ {one.exam}: offered, {one.rating or 'preferred'}", 6)
        if not verdict.finding.shown:
            yield "      (the rule is silent: judged and logged, not shown)"
    for note in verdict.notes:
        yield from _wrapped(f"- {note}", 6)


def _safety(one: Judged, rules: RuleSet, *, every: bool) -> Iterator[str]:
    """The safety rules that act on this child and order, whether or not there was advice to act on."""
    for rule in rules.safety:
        if rule.each_alternative:
            if every:
                yield f"    {rule.id}: asked of each alternative"
        elif rule.acts(one.facts):
            yield from _wrapped(f"{rule.id}: {_effect(rule.effect)}. {rule.because}", 4)
        elif every:
            yield f"    {rule.id}: does not act"


def _effect(effect: Effect) -> str:
    """What a safety rule that acts does, in words."""
    does = ["keeps silent"] if effect.silence else []
    does += [f"would not offer {', '.join(map(str, effect.remove))}"] if effect.remove else []
    does += ["warns of nothing, only informs"] if effect.soften else []
    return "; ".join(does)


# its cards


def _cards(order: Order, one: Judged, asked: Asked) -> Iterator[str]:
    written = write_cards(one.judgement.shown, order, asked.content, profile=asked.profile, new_id=str)
    yield f"\n  SHOWN to {'an' if asked.profile[0] in 'aeio' else 'a'} {asked.profile} client"
    if not written.issued:
        yield "    Nothing."
    for issued in written.issued:
        yield from _card(issued.card)
    for note in written.notes:
        yield from _wrapped(f"- not offered: {note}", 4)


def _card(card: Card) -> Iterator[str]:
    yield from _wrapped(f"[{card.indicator.upper()}] {card.summary}", 4)
    for line in plain(card.detail or ""):
        yield from _wrapped(line, 6)
    for suggestion in card.suggestions or ():
        yield from _wrapped(_offer(suggestion), 6)


def _offer(suggestion: Suggestion) -> str:
    actions = " + ".join(action.type for action in suggestion.actions)
    return f"[ {suggestion.label} ] {actions}{', recommended' if suggestion.isRecommended else ''}"


def plain(markdown: str) -> Sequence[str]:
    """
    The lines of a card's detail as a window would show them, roughly.

    >>> plain("Take **less**.\\n\\n- Score: 3\\\\-4")
    ['Take less.', '• Score: 3-4']
    """
    unmarked = _ESCAPED.sub(r"\1", _MARKS.sub("", markdown))
    return [line.replace("- ", "• ", 1) if line.startswith("- ") else line for line in unmarked.split("\n") if line]


def _wrapped(text: str, indent: int) -> list[str]:
    before = " " * indent
    return textwrap.wrap(text, _WIDTH, initial_indent=before, subsequent_indent=before + "  ", break_on_hyphens=False)
