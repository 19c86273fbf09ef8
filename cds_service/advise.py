"""
Hook request → hook response: the whole flow on one screen.

HTTP → hook request → facts → rules → findings → cards → hook response

This module alone knows every step. It fetches what is missing within the deadline, reads
facts, asks the rules, writes cards, and notes what was decided without ever waiting for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, Protocol

import msgspec

from cds_service.cards.render import CardWriter, Issued, Written
from cds_service.clients.clients import Client
from cds_service.content import Content
from cds_service.facts.exams.unread import is_damaged, unread_kind
from cds_service.facts.gather import Gap, Site
from cds_service.fhir.client import Access, Cache, complete
from cds_service.fhir.memory import RecordMemory
from cds_service.fhir.prefetch import TEMPLATES, patient_of, records
from cds_service.fhir.records import LazyRecords
from cds_service.findings import Finding
from cds_service.hooks.request import HookRequest
from cds_service.hooks.response import Card, HookResponse
from cds_service.judging import (
    NOTHING,
    SENDER,
    Judged,
    Order,
    Told,
    card_writer,
    imaging_orders,
    renamed,
    tell,
    write_cards,
)
from cds_service.library import Library
from cds_service.noting import Noting, Steps, exam_text, location
from cds_service.outbound import Deadline, Outbound
from cds_service.randomness import random_id
from cds_service.storage.identity import Identity
from cds_service.storage.journal import Decision, IssuedCard
from cds_service.storage.quiet import Shown
from cds_service.telemetry import Metrics, log

EXTENSION = "org.pediatric-imaging-cds.decision"
"""The one extension of ours: decision id, content revision, and what could not be read."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")


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


class Call(NamedTuple):
    """What one call is about: who asks for what, under which content, as which decision, and when."""

    client: Client
    request: HookRequest
    content: Content
    decision: str
    now: datetime


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

    async def advise(self, client: Client, request: HookRequest, deadline: Deadline) -> bytes:
        """
        The JSON of the answer to *request*, made before *deadline*.

        Raises MissingPatient when there are imaging orders and the Patient cannot be had, NotReady without content.
        """
        began = time.perf_counter()
        content, now = self.library.content, self.clock()
        earlier = self.known.find(client.id, request)
        orders = list(imaging_orders(request, content, earlier, unread=self._unread))
        self._count_damaged(orders)
        issued: list[Issued] = []
        told, record = NOTHING, None
        steps = Steps(began)
        call = Call(client, request, content, random_id(), now)
        if orders:
            record = earlier or await self.record(client, request, deadline)
            steps.end("read")
            told = self._told(call, orders, record)
            steps.end("judge")
            for one in told.judged:
                issued += self._write(call, one)
        answer = self._answer(call, [one.card for one in issued], told.incomplete)
        steps.end("cards")
        noting = Noting(self.keeper.identity, call.decision, now, again=earlier is not None)
        cards = [one.card.uuid for one in issued]
        decided = noting.decision(client.id, request, digest=content.digest, told=told, cards=cards, steps=steps)
        self.keeper.decided(decided)
        self._log(decided, len(told.judged))
        if record is not None:
            self.known.let_go(client.id, request, record)
        return answer

    async def record(
        self, client: Client, request: HookRequest, deadline: Deadline, *, needs: Mapping[str, str] = TEMPLATES
    ) -> LazyRecords:
        """
        The child's record: as sent, and where something of *needs* is missing as fetched within the deadline.

        Raises MissingPatient when the Patient cannot be had.
        """
        access = Access(client.id, frozenset(client.fhir_servers), self.outbound, self.cache)
        fetched = await complete(request, access, deadline, needs=needs)
        record = records(request, fetched=fetched.values, gaps=fetched.gaps)
        patient_of(record)
        if needs is TEMPLATES and not (fetched.values or fetched.gaps):
            self.known.keep(client.id, request, record)
        return record

    def _told(self, call: Call, orders: Sequence[Order], record: LazyRecords) -> Told:
        return tell(orders, record, call.content, call.request, now=call.now, site=self.site)

    # cards

    def _write(self, call: Call, one: Judged) -> Sequence[Issued]:
        if not one.judgement.shown:
            return ()
        identity, client, context = self.keeper.identity, call.client.id, call.request.context
        exam = exam_text(one.order.recognised.exam)
        patient, encounter = (
            identity.patient(client, context.patient_id),
            identity.encounter(client, context.encounter_id),
        )
        whom = Shown(client, patient, encounter, "", exam)
        findings = [
            finding
            for finding in one.judgement.shown
            if not self.keeper.suppressed(whom._replace(rule=finding.rule), call.now)
        ]
        if not findings:
            return ()
        written = self._written(call, one, findings)
        place = location(one.facts.child.records, context.encounter_id)
        for issued in written.issued:
            self._keep(call, issued, whom, place)
        for note in written.notes:
            log().info("not offered", decision=call.decision, reason=note)
        return written.issued

    def _written(self, call: Call, one: Judged, findings: Sequence[Finding]) -> Written:
        """The cards on *findings*, each with an id nobody had before."""
        client, content = call.client, call.content
        new_id = partial(self.keeper.identity.card_id, client.id)
        key = client.profile, *map(id, findings)
        known = one.written.get(key)
        if known is not None:
            return renamed(known, new_id=new_id)
        writer = self._written_with(content)
        known = write_cards(findings, one.order, content, profile=client.profile, writer=writer, new_id=new_id)
        one.written[key] = known
        return known

    def _written_with(self, content: Content) -> CardWriter:
        """The writer of the content's cards, the same for as long as the content is in force."""
        if self._writer is None or self._writer[0] is not content:
            self._writer = content, card_writer(content, SENDER._replace(url=self.public_url or None))
        return self._writer[1]

    def _keep(self, call: Call, issued: Issued, whom: Shown, place: str) -> None:
        card = issued.card
        self.keeper.issued(
            IssuedCard(
                card=card.uuid,
                client=whom.client,
                service=call.request.hook,
                issued_at=call.now,
                patient=whom.patient,
                exam=whom.exam,
                rules=[(finding.rule, finding.version) for finding in issued.findings],
                suggestions={one.uuid: one.label for one in card.suggestions or ()},
                encounter=whom.encounter,
                user=call.request.context.user_id,
                location=place,
                decision=call.decision,
            )
        )
        for finding in issued.findings:
            self.metrics.card(finding.rule, finding.indicator.value)

    # the answer and what is noted of it

    def _count_damaged(self, orders: Sequence[Order]) -> None:
        for order in orders:
            if is_damaged(order.recognised):
                self.metrics.damaged.inc()

    def _unread(self, order: Order) -> None:
        self._count_damaged([order])
        self.metrics.unrecognised.labels(unread_kind(order.resource, order.recognised)).inc()

    def _answer(self, call: Call, cards: list[Card], incomplete: Sequence[Gap]) -> bytes:
        ours: dict[str, Any] = {"decision": call.decision, "revision": call.content.digest}
        if incomplete:
            ours["incomplete"] = [{"resource": name, "reason": reason} for name, reason in incomplete]
            for _, reason in incomplete:
                self.metrics.incomplete.labels(reason).inc()
        return _ENCODER.encode(HookResponse(cards=cards, extension={EXTENSION: ours}))

    def _log(self, decided: Decision, orders: int) -> None:
        log().info(
            "advised",
            decision=decided.decision,
            hook=decided.service,
            client=decided.client,
            orders=orders,
            cards=len(decided.cards),
            milliseconds=round(decided.milliseconds, 1),
        )
