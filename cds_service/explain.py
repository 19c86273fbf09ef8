"""Why did it say that: what was recognised, each fact and where it came from, each rule's verdict and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cds_service.advise import Judged, imaging_orders, judge_orders, lenient_order, make_child
from cds_service.content import Content
from cds_service.errors import MissingPatient
from cds_service.facts.exams import recognise
from cds_service.facts.gather import Site
from cds_service.fhir.prefetch import patient_of, records
from cds_service.findings import Outcome, Verdict
from cds_service.hooks.request import HookRequest
from cds_service.vocabulary.readings import Age, Interval, Names, Priors, Reading


def explain(request: HookRequest, content: Content, now: datetime, site: Site, *, every: bool = False) -> Iterator[str]:
    """
    Lines for a person to read about one request; nothing is fetched.

    With *every* also the rules that don't apply are told.
    """
    yield f"Content {content.digest}, {request.hook}, {len(request.context.orders)} order(s) to judge."
    orders = list(imaging_orders(request, content))
    judged_drafts = {order.draft for order in orders}
    for draft in request.context.orders:
        if draft not in judged_drafts:
            unread = recognise(lenient_order(draft), content.exams)
            yield f"\nOrder {draft.reference or '(no id)'}: not judged, {unread.why or 'not an imaging exam we know'}."
    if not orders:
        return
    record = records(request)
    try:
        patient_of(record)
    except MissingPatient as error:
        yield f"\n{error}"
        return
    child = make_child(record, content, request, now, site)
    for one in judge_orders(orders, child, content, want_all=True):
        yield from _order(one, every=every)
    gaps = list(child.why_incomplete())
    if gaps:
        yield "\nNot read whole:"
        yield from (f"  {resource}: {reason}" for resource, reason in gaps)


def _order(one: Judged, *, every: bool) -> Iterator[str]:
    recognised = one.order.recognised
    yield f"\nOrder {one.order.draft.reference or '(no id)'}: {recognised.name}"
    yield f"  recognised as: {recognised.exam} ({recognised.why})"
    asked = _asked(one)
    yield "  facts:"
    for name in asked:
        yield f"    {name}: {_said(one.facts[name])}"
    yield "  rules:"
    for verdict in one.judgement.verdicts:
        if every or verdict.outcome is not Outcome.OUT:
            yield from _verdict(verdict)
    shown = one.judgement.shown
    yield "  says: " + ("; ".join(f"{f.indicator.value}: {f.title} ({f.rule})" for f in shown) if shown else "nothing")


def _asked(one: Judged) -> list[str]:
    own = [name for name in one.facts.known() if name.startswith(("order.", "patient."))]
    return sorted(dict.fromkeys([*own, *one.facts.known()]))


def _verdict(verdict: Verdict) -> Iterator[str]:
    version = f" v{verdict.version}" if verdict.version else ""
    yield f"    {verdict.rule}{version}: {verdict.outcome.value}, {verdict.why}"
    if verdict.unknown:
        yield f"      would decide: {', '.join(verdict.unknown)}"
    if verdict.finding is not None:
        for one in verdict.finding.alternatives:
            yield f"      offers {one.exam} ({one.rating or 'preferred'})"
    yield from (f"      {note}" for note in verdict.notes)


def _said(reading: Reading) -> str:
    value = _value(reading.value)
    if reading.suspected:
        value = f"{value} (suspected)"
    if reading.gap:
        value = f"{value} ({reading.gap})"
    sources = "; ".join(filter(None, (f"{one.text} {one.source}".strip() for one in reading.evidence[:3])))
    return f"{value}  ← {sources}" if sources else value


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Interval):
        return f"{value.low:g}" if value.low == value.high else f"{value.low:g} to {value.high:g}"
    if isinstance(value, Names):
        return ", ".join(sorted(value.values)) + ("" if value.complete else " (and something not understood)")
    if isinstance(value, Age):
        return f"born {value.born_first}" + ("" if value.born_first == value.born_last else f" to {value.born_last}")
    if isinstance(value, Priors):
        return f"{len(value.items)} found" + ("" if value.complete else ", not every source was read")
    return " or ".join(sorted(map(str, value)))
