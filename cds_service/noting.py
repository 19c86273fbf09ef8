"""
What a call leaves behind: a decision with all it takes to judge the same orders again, and nothing that names a child.

An order that is told again from memory is noted again from memory.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from cds_service.facts.recorded import kept
from cds_service.fhir.records import Records
from cds_service.fhir.resources import Encounter
from cds_service.findings import Finding, Verdict
from cds_service.hooks.request import HookRequest
from cds_service.judging import Judged, Told
from cds_service.storage.identity import Identity
from cds_service.storage.journal import Decision, Facts
from cds_service.telemetry import log, place
from cds_service.vocabulary.exams import Exam

_ENCODER = msgspec.json.Encoder(enc_hook=str)  # words of rule files are texts that know their line
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REMEMBERED = 500
_LONGEST = 256


class Steps:
    """How many milliseconds each step of a call took, from *began* on."""

    __slots__ = ("began", "ended", "taken")

    def __init__(self, began: float) -> None:
        self.began = self.ended = began
        self.taken: dict[str, float] = {}

    def end(self, step: str) -> None:
        """The *step* ends now."""
        now = time.perf_counter()
        self.taken[step] = round((now - self.ended) * 1000, 3)
        self.ended = now

    @property
    def milliseconds(self) -> float:
        """All steps together."""
        return round((self.ended - self.began) * 1000, 3)


@dataclass(slots=True)
class Noting:
    """The note on one call, at *now*; *again* says that the child's record had come before, to the byte."""

    identity: Identity
    decision_id: str
    now: datetime
    again: bool
    facts: list[Facts] = field(default_factory=list)

    def decision(
        self, client: str, request: HookRequest, *, digest: str, told: Told, cards: list[str], steps: Steps
    ) -> Decision:
        """Everything that is kept of the call."""
        context = request.context
        return Decision(
            self.decision_id,
            self.now,
            client,
            request.hook,
            digest,
            [self._noted(one) for one in told.judged],
            steps.milliseconds,
            hook_instance=opaque(request),
            patient=self.identity.patient(client, context.patient_id),
            encounter=self.identity.encounter(client, context.encounter_id),
            cards=cards,
            incomplete=told.incomplete,
            steps=steps.taken,
            facts=self.facts,
        )

    def _noted(self, one: Judged) -> msgspec.Raw:
        """How one order is noted: its exam, the name of its facts, and every verdict, as JSON."""
        if not one.noted:
            name = self._facts(one)
            one.noted.append(msgspec.Raw(b'{"facts":"%s",%s' % (name.encode(), _said(one)[1:])))
        return one.noted[0]

    def _facts(self, one: Judged) -> str:
        """Keep what one order was judged by, under a name; empty when that fails, which must not cost the advice."""
        try:
            said = _ENCODER.encode(kept(one.facts, whole=self.again))
        except Exception as error:
            log().error("facts not recorded", error=type(error).__name__, place=place(error))
            return ""
        name = f"{self.decision_id}/{len(self.facts)}"
        self.facts.append(Facts(name, self.now, said))
        return name


def opaque(request: HookRequest) -> str:
    """The call's own id, when it is a UUID and of nothing else in the call; any other might name the patient."""
    name, context = request.hook_instance, request.context
    if not _UUID.fullmatch(name) or name in (context.patient_id, context.encounter_id):
        return ""
    return name


def location(records: Records, encounter_id: str | None) -> str:
    """Where the visit takes place, as the reference of a Location; empty when nobody says."""
    for visit in records.read(Encounter).items:
        if encounter_id and visit.id == encounter_id.removeprefix("Encounter/"):
            places = [one for one in visit.location or () if one.location is not None and one.status != "completed"]
            return (places[-1].location.reference or "")[:_LONGEST] if places and places[-1].location else ""
    return ""


_said_before: dict[tuple[Exam | None, int], tuple[tuple[Verdict, ...], bytes]] = {}


def _said(one: Judged) -> bytes:
    """The exam and each verdict as JSON; written once for verdicts that are said of many children."""
    key = one.order.recognised.exam, id(one.judgement.verdicts)
    known = _said_before.get(key)
    if known is None:
        if len(_said_before) >= _REMEMBERED:
            _said_before.clear()
        known = _said_before[key] = one.judgement.verdicts, _ENCODER.encode(decided(one))
    return known[1]


def decided(one: Judged) -> dict[str, Any]:
    """The exam of one order and each verdict: no identifiers, no free text."""
    return {
        "exam": exam_text(one.order.recognised.exam),
        "verdicts": [verdict(one) for one in one.judgement.verdicts],
    }


def verdict(one: Verdict) -> dict[str, Any]:
    """One rule's verdict, with what its advice comes to."""
    finding: Finding | None = one.finding
    said: dict[str, Any] = {"rule": one.rule, "version": one.version, "outcome": one.outcome.value}
    if one.unknown:
        said["unknown"] = list(one.unknown)
    if finding is not None:
        said |= {"advice": finding.advice.value, "indicator": finding.indicator.value, "shown": finding.shown}
        if finding.alternatives:
            said["alternatives"] = [exam_text(offer.exam) for offer in finding.alternatives]
    return said


@lru_cache(4096)
def exam_text(exam: Exam | None) -> str:
    """The phrase of an exam."""
    return str(exam)
