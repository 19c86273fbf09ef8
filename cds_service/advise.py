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
from typing import Any, Protocol

import msgspec

from cds_service.cards.render import CardWriter, Issued, Written
from cds_service.clients.clients import Client
from cds_service.content import Content
from cds_service.facts.exams.unread import unread_kind
from cds_service.facts.gather import Gap, Site
from cds_service.fhir.client import Access, Cache, complete
from cds_service.fhir.memory import RecordMemory
from cds_service.fhir.prefetch import TEMPLATES, patient_of, records
from cds_service.fhir.records import LazyRecords
from cds_service.findings import Finding, Verdict
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

_ENCODER = msgspec.json.Encoder()
_REMEMBERED = 500


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
        issued: list[Issued] = []
        told = NOTHING
        steps = Steps(began)
        decision = random_id()
        if orders:
            record = earlier or await self.record(client, request, deadline)
            steps.end("read")
            told = self._told(orders, record, content, request, now)
            steps.end("judge")
            for one in told.judged:
                issued += self._write(one, client, request, content, decision, now)
        answer = self._answer([one.card for one in issued], decision, content, told.incomplete)
        steps.end("cards")
        noting = Noting(self.keeper.identity, decision, now, again=earlier is not None)
        cards = [one.card.uuid for one in issued]
        decided = noting.decision(client.id, request, digest=content.digest, told=told, cards=cards, steps=steps)
        self.keeper.decided(decided)
        self._log(decided, len(told.judged))
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

    def _told(
        self, orders: Sequence[Order], record: LazyRecords, content: Content, request: HookRequest, now: datetime
    ) -> Told:
        return tell(orders, record, content, request, now=now, site=self.site)

    # cards

    def _write(
        self, one: Judged, client: Client, request: HookRequest, content: Content, decision: str, now: datetime
    ) -> Sequence[Issued]:
        if not one.judgement.shown:
            return ()
        exam = exam_text(one.order.recognised.exam)
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
        written = self._written(one, findings, client, content)
        place = location(one.facts.child.records, request.context.encounter_id)
        for issued in written.issued:
            self._keep(issued, whom, request, decision=decision, now=now, place=place)
        for note in written.notes:
            log().info("not offered", decision=decision, reason=note)
        return written.issued

    def _written(self, one: Judged, findings: Sequence[Finding], client: Client, content: Content) -> Written:
        """The cards on *findings*, each with an id nobody had before."""
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

    def _keep(
        self, issued: Issued, whom: Shown, request: HookRequest, *, decision: str, now: datetime, place: str
    ) -> None:
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
                location=place,
                decision=decision,
            )
        )
        for finding in issued.findings:
            self.metrics.card(finding.rule, finding.indicator.value)

    # the answer and what is noted of it

    def _unread(self, order: Order) -> None:
        self.metrics.unrecognised.labels(unread_kind(order.resource, order.recognised)).inc()

    def _answer(self, cards: list[Card], decision: str, content: Content, incomplete: Sequence[Gap]) -> bytes:
        ours: dict[str, Any] = {"decision": decision, "revision": content.digest}
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
