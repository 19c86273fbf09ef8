"""
The orders of one call, read, judged, and the cards written on them: plain functions on plain values.

``advise`` calls them for a clinician, ``explain`` for whoever asks why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec

from cds_service.cards.render import CardWriter, Issued, Sender, Written
from cds_service.cards.values import About
from cds_service.content import TOPIC_SYSTEM, Content
from cds_service.facts.exams import Recognised, recognise
from cds_service.facts.gather import Child, OrderFacts, Site
from cds_service.fhir.records import LazyRecords
from cds_service.fhir.resources import CodeableConcept, ServiceRequest
from cds_service.findings import Finding
from cds_service.hooks.request import DraftOrder, HookRequest, plain
from cds_service.randomness import random_id
from cds_service.rules.judge import Judgement, judge
from cds_service.suggestions.dialects import dialect
from cds_service.suggestions.orders import Draft
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Reading

SENDER = Sender("Pediatric imaging guidance", TOPIC_SYSTEM)
_ORDER = msgspec.json.Decoder(ServiceRequest)
_WANTED = frozenset({"draft", "active", None})


class Order(NamedTuple):
    """
    One imaging order of the call: as it came, as read, and as recognised.

    ``facts`` are those the order and its child's record tell without regard to the hour, once they were asked for.
    """

    given: DraftOrder
    resource: ServiceRequest
    recognised: Recognised
    draft: Draft
    facts: dict[str, Reading]


class Judged(NamedTuple):
    """
    One order with what the rules said of it.

    ``written`` are the cards it was told in, by dialect and findings; ``noted`` is how it was noted for the record.
    """

    order: Order
    facts: OrderFacts
    judgement: Judgement
    written: dict[tuple[object, ...], Written]
    noted: list[msgspec.Raw]


class Told(NamedTuple):
    """What was said of the orders of one call, and what of the record could not be read: resource type and reason."""

    judged: tuple[Judged, ...] = ()
    incomplete: tuple[tuple[str, str], ...] = ()


NOTHING = Told()


class _Lately:
    """What was told of one record and the same orders last, and in which minute."""

    __slots__ = ("minute", "told")

    def __init__(self) -> None:
        self.minute = float("nan")
        self.told = NOTHING


def imaging_orders(
    request: HookRequest,
    content: Content,
    known: LazyRecords | None = None,
    *,
    unread: Callable[[Order], None] = lambda order: None,
) -> Iterator[Order]:
    """
    The orders of the call that are imaging exams we recognise; those seen before with a *known* record as then.

    *unread* is told of every other.
    """
    for given in request.context.orders:
        make = partial(_read_order, given, content)
        order = make() if known is None else known.derived(content, make, (given.reference, given.raw))
        if order.recognised.exam is not None:
            yield order
        else:
            unread(order)


def _read_order(given: DraftOrder, content: Content) -> Order:
    try:
        resource = _ORDER.decode(given.raw)
    except (msgspec.DecodeError, RecursionError):
        resource = lenient_order(given)
    recognised = recognise(resource, content.exams)
    return Order(given, resource, recognised, Draft(given.resource, given.reference, exam=recognised.exam), {})


def lenient_order(draft: DraftOrder) -> ServiceRequest:
    """
    What can be read of an order of which some element has the wrong type: element by element, lists item by item.

    A reason that cannot be read is still a reason: the order is not one without.
    """
    given = _mapping(plain(draft.raw))
    read = {name: _readable(given[name], kind) for name, kind in _ORDER_FIELDS.items() if name in given}
    if any(_lost(given.get(name), read.get(name)) for name in ("reasonCode", "reasonReference")):
        read["reasonCode"] = [*(read.get("reasonCode") or ()), CodeableConcept(text="a reason that cannot be read")]
    return ServiceRequest(**read)


def _readable(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError):
        items = [_readable([item], kind) for item in value] if isinstance(value, list) and len(value) > 1 else ()
        return [item for one in items if one for item in one] or None


def _lost(value: Any, read: list[Any] | None) -> bool:
    """Whether *value* held more than was read of it."""
    held = value if isinstance(value, list) else [value]
    return sum(item is not None for item in held) > len(read or ())


_ORDER_FIELDS: Mapping[str, Any] = {
    field.name: field.type for field in msgspec.structs.fields(ServiceRequest) if field.name != "resourceType"
}


def tell(orders: Sequence[Order], record: LazyRecords, content: Content, request: HookRequest, **by: Any) -> Told:
    """
    Judge the *orders* of one call *by* the time ``now`` and the ``site``.

    While an order is selected and then signed the same is asked again within moments: within one minute by the
    clock the same orders of the same record, to the byte, are told the same. A minute never holds a birthday.
    """
    now: datetime = by["now"]
    minute = now.timestamp() // 60
    asked = tuple((one.given.reference, one.given.raw) for one in orders)
    lately = record.derived(content, _Lately, (asked, request.context.others))
    if lately.minute != minute:
        for order in orders:  # they were read before the record came
            record.derived(content, partial(_itself, order), (order.given.reference, order.given.raw))
        child = make_child(record, content, request, now, by["site"])
        judged = judge_orders(orders, child, content, unselected=unselected(request, content))
        lately.minute, lately.told = minute, Told(tuple(judged), child.why_incomplete())
    return lately.told


def _itself(order: Order) -> Order:
    return order


def unselected(request: HookRequest, content: Content) -> list[Exam]:
    """The exams of the call's drafts that are not to be judged: they are wanted all the same."""
    exams = [_exam_of(raw, content) for raw in request.context.others]
    return [exam for exam in exams if exam is not None]


def _exam_of(raw: bytes | msgspec.Raw, content: Content) -> Exam | None:
    order = _other(raw)
    return recognise(order, content.exams).exam if order is not None and order.status in _WANTED else None


def _other(raw: bytes | msgspec.Raw) -> ServiceRequest | None:
    """An order of the call that is not to be judged; None when it is none, or cannot be read."""
    try:
        return _ORDER.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def make_child(record: LazyRecords, content: Content, request: HookRequest, now: datetime, site: Site) -> Child:
    """Everything about the child, read when first asked for."""
    return Child(
        record,
        exams=content.exams,
        reasons=content.reasons,
        findings=content.findings,
        definitions=content.definitions,
        results=content.results,
        figures=content.figures,
        site=site._replace(offers={**site.offers, **content.site.offers}),
        now=now,
        encounter_id=request.context.encounter_id,
        drafts=partial(_drafts, record, content, request),
    )


def _drafts(record: LazyRecords, content: Content, request: HookRequest) -> Iterator[ServiceRequest]:
    """Every order of the call that is still wanted, judged or not."""
    for given in request.context.orders:
        yield record.derived(content, partial(_read_order, given, content), (given.reference, given.raw)).resource
    for raw in request.context.others:
        order = _other(raw)
        if order is not None and order.status in _WANTED:
            yield order


def judge_orders(
    orders: Sequence[Order],
    child: Child,
    content: Content,
    *,
    unselected: Sequence[Exam] = (),
    want_all: bool = False,
) -> list[Judged]:
    """Every order with what the rules say of it; *unselected* are the exams of drafts that are not judged."""
    judged = []
    exams = [order.recognised.exam for order in orders]
    for place, order in enumerate(orders):
        drafts = [exam for other, exam in enumerate(exams) if other != place and exam is not None]
        facts = child.about(order.resource, order.recognised, order.facts, [*drafts, *unselected])
        judgement = judge(order.recognised.exam, facts, content.rules, want_all=want_all)
        judged.append(Judged(order, facts, judgement, {}, []))
    return judged


def card_writer(content: Content, sender: Sender = SENDER) -> CardWriter:
    """The writer of the content's cards; it remembers what it said."""
    return CardWriter(content.templates, content.overrides, sender, content.orders.say)


def write_cards(
    findings: Sequence[Finding],
    order: Order,
    content: Content,
    *,
    profile: str,
    writer: CardWriter | None = None,
    new_id: Callable[[], str],
) -> Written:
    """The cards of one order in the dialect of *profile*, and why anything was not offered."""
    exam = order.recognised.exam
    tongue = dialect(profile)(order.draft, content.orders, new_id=random_id)
    said = content.orders.say(exam) if exam is not None else order.recognised.name
    about = About(said[:1].upper() + said[1:], exam)
    written = (writer or card_writer(content)).write(findings, about, tongue, new_id=new_id)
    return written._replace(notes=(*written.notes, *tongue.notes))


def renamed(written: Written, *, new_id: Callable[[], str]) -> Written:
    """The cards once more, for another call: each card and suggestion with an id of its own."""
    return written._replace(issued=tuple(_renamed(one, new_id()) for one in written.issued))


def _renamed(issued: Issued, name: str) -> Issued:
    card = copy(issued.card)
    card.uuid = name
    if card.suggestions:
        card.suggestions = [copy(one) for one in card.suggestions]
        for one in card.suggestions:
            one.uuid = random_id()
    return issued._replace(card=card)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
