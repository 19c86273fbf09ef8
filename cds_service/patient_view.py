"""
A chart is opened: the imaging so far, as one card with a table and a link to a picture.

Off until the site switches it on. Nothing is judged and nothing advised; like everything else it is for children
only, and silent when there is nothing to show.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

import msgspec

from cds_service.advise import EXTENSION, Advisor
from cds_service.clients.clients import Client
from cds_service.content import Content
from cds_service.facts.exams import recognise
from cds_service.facts.gather import Child
from cds_service.fhir.prefetch import OF_DOSES, OF_HISTORY
from cds_service.fhir.resources import Observation, ServiceRequest
from cds_service.hooks.request import HookRequest
from cds_service.hooks.response import Card, HookResponse, Source
from cds_service.judging import SENDER, make_child
from cds_service.outbound import Deadline
from cds_service.randomness import random_id
from cds_service.rules.judge import out_of_scope
from cds_service.storage.journal import Decision, IssuedCard
from cds_service.storage.quiet import Shown
from cds_service.timeline.card import RULE, SHOWN, VERSION, card, topic
from cds_service.timeline.links import Pictures
from cds_service.timeline.picture import picture
from cds_service.timeline.rows import Row, rows, with_dose

PATH: Final = "/imaging-so-far/"
_NO_ORDER: Final = ServiceRequest()


class _Seen(NamedTuple):
    rows: tuple[Row, ...]
    unread: tuple[str, ...]


@dataclass(slots=True)
class PatientView:
    """Shows the imaging so far, with the advisor's own content, records and notes."""

    advisor: Advisor
    pictures: Pictures
    with_doses: bool = False

    async def advise(self, client: Client, request: HookRequest, deadline: Deadline) -> bytes:
        """
        The JSON of the answer to *request*, made before *deadline*.

        Raises MissingPatient when the Patient cannot be had, NotReady without content.
        """
        began = time.perf_counter()
        content, now, decision = self.advisor.library.content, self.advisor.clock(), random_id()
        needs = OF_DOSES if self.with_doses else OF_HISTORY
        record = await self.advisor.record(client, request, deadline, needs=needs)
        child = make_child(record, content, request, now, self.advisor.site)
        shown = Shown(client.id, *self._whom(client, request), RULE, "")
        one = None
        if not self.advisor.keeper.suppressed(shown, now) and not _out_of_scope(child, content):
            one = self._card(_seen(child, content, with_doses=self.with_doses), client, now)
        if one is not None:
            self._keep(one, shown, request, decision=decision, now=now)
        cards = [one] if one is not None else []
        milliseconds = round((time.perf_counter() - began) * 1000, 3)
        kept = Decision(decision, now, client.id, request.hook, content.digest, [], milliseconds)
        self.advisor.keeper.decided(kept)
        record.let_go()
        ours = {"decision": decision, "revision": content.digest}
        return msgspec.json.encode(HookResponse(cards=cards, extension={EXTENSION: ours}))

    def picture(self, name: str) -> bytes | None:
        """The picture a link leads to; None when it is over or was never ours."""
        return self.pictures.find(name)

    def _whom(self, client: Client, request: HookRequest) -> tuple[str, str]:
        identity, context = self.advisor.keeper.identity, request.context
        return identity.patient(client.id, context.patient_id), identity.encounter(client.id, context.encounter_id)

    def _card(self, seen: _Seen, client: Client, now: datetime) -> Card | None:
        public = self.advisor.public_url
        name = self.pictures.hold(picture(seen.rows, now.date())) if public and seen.rows else ""
        return card(
            seen.rows,
            seen.unread,
            with_doses=self.with_doses,
            source=Source(
                label=SENDER.label, url=f"{public}/rules" if public else None, topic=topic(SENDER.topic_system)
            ),
            url=f"{public}{PATH}{name}" if name else "",
            new_id=partial(self.advisor.keeper.identity.card_id, client.id),
        )

    def _keep(self, one: Card, shown: Shown, request: HookRequest, *, decision: str, now: datetime) -> None:
        self.advisor.keeper.issued(
            IssuedCard(
                card=one.uuid,
                client=shown.client,
                service=request.hook,
                issued_at=now,
                patient=shown.patient,
                exam="",
                rules=[(RULE, VERSION)],
                encounter=shown.encounter,
                user=request.context.user_id,
                decision=decision,
            )
        )
        self.advisor.metrics.card(RULE, one.indicator)


def _out_of_scope(child: Child, content: Content) -> bool:
    """Whether the rules keep silent about this child whatever is ordered: no child any more, or of unknown age."""
    facts = child.about(_NO_ORDER, recognise(_NO_ORDER, content.exams))
    return bool(out_of_scope(content.rules, facts))


def _seen(child: Child, content: Content, *, with_doses: bool) -> _Seen:
    gaps = [*child.history_gaps, *(child.incomplete((Observation,)) if with_doses else ())]
    found = rows(child.priors.items, content.orders.say)
    if with_doses:
        found = with_dose(found, child.doses(SHOWN))
    return _Seen(found, tuple(dict.fromkeys(name for name, _ in gaps)))
