"""
Hook request → hook response: the whole flow on one screen.

HTTP → hook request → facts → rules → findings → cards → hook response

This module alone knows every step. It fetches what is missing within the deadline, reads
facts, asks the rules, writes cards, and notes what was decided without ever waiting for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol

import msgspec

from cds_service.cards.render import CardWriter, Issued, Sender, Written
from cds_service.cards.values import About
from cds_service.clients.clients import Client
from cds_service.content import TOPIC_SYSTEM, Content
from cds_service.facts.exams import Recognised, recognise
from cds_service.facts.exams.unread import unread_kind
from cds_service.facts.gather import Child, OrderFacts, Site
from cds_service.fhir.client import Access, Cache, complete
from cds_service.fhir.memory import RecordMemory
from cds_service.fhir.prefetch import TEMPLATES, patient_of, records
from cds_service.fhir.records import LazyRecords
from cds_service.fhir.resources import CodeableConcept, ServiceRequest
from cds_service.findings import Finding, Verdict
from cds_service.hooks.request import DraftOrder, HookRequest, plain
from cds_service.hooks.response import Card, HookResponse
from cds_service.library import Library
from cds_service.outbound import Deadline, Outbound
from cds_service.randomness import random_bytes
from cds_service.rules.judge import Judgement, judge
from cds_service.storage.identity import Identity
from cds_service.storage.journal import Decision, IssuedCard
from cds_service.storage.quiet import Shown
from cds_service.suggestions.dialects import dialect
from cds_service.suggestions.orders import Draft
from cds_service.telemetry import Metrics, log
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import Reading

EXTENSION = "org.pediatric-imaging-cds.decision"
"""The one extension of ours: decision id, content revision, and what could not be read."""

SENDER = Sender("Pediatric imaging guidance", TOPIC_SYSTEM)
_ORDER = msgspec.json.Decoder(ServiceRequest)
_ENCODER = msgspec.json.Encoder()
_REMEMBERED = 500
_ALL = frozenset(TEMPLATES)


class Keeper(Protocol):
    """Where decisions and cards are noted; never waits, never fails."""

    identity: Identity

    def issued(self, card: IssuedCard) -> None:
        """Note a card."""
        ...  # pragma: no cover

    def decided(self, decision: Decision) -> None:
        """Note a decision."""
        ...  # pragma: no cover

    def suppressed(self, shown: Shown, now: datetime) -> bool:
        """Whether a clinician has already answered this."""
        ...  # pragma: no cover


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
    """One order with what the rules said of it."""

    order: Order
    facts: OrderFacts
    judgement: Judgement


@dataclass(slots=True)
class Advisor:
    """Gives advice: the content in force, who keeps notes, and the one way out."""

    library: Library
    keeper: Keeper
    outbound: Outbound
    cache: Cache
    metrics: Metrics
    site: Site
    public_url: str = ""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    known: RecordMemory = field(default_factory=RecordMemory)
    _writer: tuple[Content, CardWriter] | None = None
    _kept: dict[object, tuple[tuple[Verdict, ...], msgspec.Raw]] = field(default_factory=dict)

    async def advise(self, client: Client, request: HookRequest, deadline: Deadline) -> bytes:
        """
        The JSON of the answer to *request*, made before *deadline*.

        Raises MissingPatient when there are imaging orders and the Patient cannot be had, NotReady without content.
        """
        began = time.perf_counter()
        content, now = self.library.content, self.clock()
        earlier = self.known.find(client.id, request)
        orders = list(imaging_orders(request, content, earlier, unread=self._unread))
        judged: list[Judged] = []
        issued: list[Issued] = []
        child: Child | None = None
        decision = random_id()
        if orders:
            record = earlier or await self.record(client, request, deadline)
            child = make_child(record, content, request, now, self.site)
            judged = judge_orders(orders, child, content)
            for one in judged:
                issued += self._write(one, client, request, content, decision, now)
        answer = self._answer([one.card for one in issued], decision, content, child)
        seconds = time.perf_counter() - began
        self._note(client, request, content, judged, decision, seconds, cards=len(issued))
        return answer

    async def record(
        self, client: Client, request: HookRequest, deadline: Deadline, *, needs: Collection[str] = _ALL
    ) -> LazyRecords:
        """
        The child's record: as sent, and where something of *needs* is missing as fetched within the deadline.

        Raises MissingPatient when the Patient cannot be had.
        """
        access = Access(client.id, frozenset(client.fhir_servers), self.outbound, self.cache)
        fetched = await complete(request, access, deadline, needs=needs)
        record = records(request, fetched=fetched.values, gaps=fetched.gaps)
        patient_of(record)
        if needs is _ALL and not (fetched.values or fetched.gaps):
            self.known.keep(client.id, request, record)
        return record

    # cards

    def _write(
        self, one: Judged, client: Client, request: HookRequest, content: Content, decision: str, now: datetime
    ) -> Sequence[Issued]:
        if not one.judgement.shown:
            return ()
        exam = _exam_text(one.order.recognised.exam)
        patient = self.keeper.identity.patient(client.id, request.context.patient_id)
        encounter = self.keeper.identity.encounter(client.id, request.context.encounter_id)
        whom = Shown(client.id, patient, encounter, "", exam)
        findings = [
            finding
            for finding in one.judgement.shown
            if not self.keeper.suppressed(whom._replace(rule=finding.rule), now)
        ]
        if not findings:
            return ()
        written = write_cards(
            findings,
            one.order,
            content,
            profile=client.profile,
            writer=self._written_with(content),
            new_id=partial(self.keeper.identity.card_id, client.id),
        )
        for issued in written.issued:
            self._keep(issued, whom, request, decision=decision, now=now)
        for note in written.notes:
            log().info("not offered", decision=decision, reason=note)
        return written.issued

    def _written_with(self, content: Content) -> CardWriter:
        """The writer of the content's cards, the same for as long as the content is in force."""
        if self._writer is None or self._writer[0] is not content:
            self._writer = content, card_writer(content, SENDER._replace(url=self.public_url or None))
        return self._writer[1]

    def _keep(self, issued: Issued, whom: Shown, request: HookRequest, *, decision: str, now: datetime) -> None:
        card = issued.card
        self.keeper.issued(
            IssuedCard(
                card=card.uuid,
                client=whom.client,
                service=request.hook,
                issued_at=now,
                patient=whom.patient,
                exam=whom.exam,
                rules=[(finding.rule, finding.version) for finding in issued.findings],
                suggestions={one.uuid: one.label for one in card.suggestions or ()},
                encounter=whom.encounter,
                user=request.context.user_id,
                decision=decision,
            )
        )
        for finding in issued.findings:
            self.metrics.card(finding.rule, finding.indicator.value)

    # the answer and what is noted of it

    def _unread(self, order: Order) -> None:
        self.metrics.unrecognised.labels(unread_kind(order.resource, order.recognised)).inc()

    def _decided(self, one: Judged) -> msgspec.Raw:
        """What the decision log keeps of one order, as JSON; written once for verdicts that are said again."""
        key = one.order.recognised.exam, id(one.judgement.verdicts)
        known = self._kept.get(key)
        if known is None:
            if len(self._kept) >= _REMEMBERED:
                self._kept.clear()
            known = self._kept[key] = one.judgement.verdicts, msgspec.Raw(_ENCODER.encode(decided(one)))
        return known[1]

    def _answer(self, cards: list[Card], decision: str, content: Content, child: Child | None) -> bytes:
        ours: dict[str, Any] = {"decision": decision, "revision": content.digest}
        incomplete = child.why_incomplete() if child is not None else ()
        if incomplete:
            ours["incomplete"] = [{"resource": name, "reason": reason} for name, reason in incomplete]
            for _, reason in incomplete:
                self.metrics.incomplete.labels(reason).inc()
        return _ENCODER.encode(HookResponse(cards=cards, extension={EXTENSION: ours}))

    def _note(
        self,
        client: Client,
        request: HookRequest,
        content: Content,
        judged: Sequence[Judged],
        decision: str,
        seconds: float,
        *,
        cards: int,
    ) -> None:
        verdicts = [self._decided(one) for one in judged]
        self.keeper.decided(
            Decision(
                decision, self.clock(), client.id, request.hook, content.digest, verdicts, round(seconds * 1000, 3)
            )
        )
        log().info(
            "advised",
            decision=decision,
            hook=request.hook,
            client=client.id,
            orders=len(judged),
            cards=cards,
            milliseconds=round(seconds * 1000, 1),
        )


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


def make_child(record: LazyRecords, content: Content, request: HookRequest, now: datetime, site: Site) -> Child:
    """Everything about the child, read when first asked for."""
    return Child(
        record,
        exams=content.exams,
        reasons=content.reasons,
        findings=content.findings,
        definitions=content.definitions,
        results=content.results,
        site=site._replace(offers={**site.offers, **content.site.offers}),
        now=now,
        encounter_id=request.context.encounter_id,
    )


def judge_orders(orders: Sequence[Order], child: Child, content: Content, *, want_all: bool = False) -> list[Judged]:
    """Every order with what the rules say of it."""
    judged = []
    for order in orders:
        facts = child.about(order.resource, order.recognised, order.facts)
        judged.append(Judged(order, facts, judge(order.recognised.exam, facts, content.rules, want_all=want_all)))
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


def decided(one: Judged) -> dict[str, Any]:
    """What the decision log keeps of one order: the exam and each verdict, no identifiers, no free text."""
    return {
        "exam": _exam_text(one.order.recognised.exam),
        "verdicts": [_kept(verdict) for verdict in one.judgement.verdicts],
    }


def _kept(verdict: Verdict) -> dict[str, Any]:
    finding: Finding | None = verdict.finding
    kept: dict[str, Any] = {"rule": verdict.rule, "version": verdict.version, "outcome": verdict.outcome.value}
    if verdict.unknown:
        kept["unknown"] = list(verdict.unknown)
    if finding is not None:
        kept |= {"advice": finding.advice.value, "indicator": finding.indicator.value, "shown": finding.shown}
    return kept


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@lru_cache(4096)
def _exam_text(exam: Exam | None) -> str:
    return str(exam)


def random_id() -> str:
    """
    A random UUID, version 4; the standard library's takes three times as long.

    >>> from uuid import UUID
    >>> UUID(random_id()).version
    4
    """
    digits = random_bytes(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
