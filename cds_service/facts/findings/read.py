"""All findings of one child, each settled when first asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from cds_service.facts.findings.claims import Claims, Telling
from cds_service.facts.findings.combine import combine
from cds_service.facts.findings.diagnosed import conditions, procedures, reasons
from cds_service.facts.findings.observed import forms, observations, read_heard
from cds_service.facts.findings.settle import injury_moment, settle
from cds_service.facts.findings.states import allergies, devices, flags, medications
from cds_service.facts.findings.timing import Visit, current, reference_id
from cds_service.fhir.dates import When
from cds_service.fhir.records import Records, Section
from cds_service.fhir.resources import (
    AllergyIntolerance,
    Condition,
    Device,
    Encounter,
    Flag,
    MedicationRequest,
    Observation,
    Procedure,
    QuestionnaireResponse,
    Resource,
)
from cds_service.vocabulary.finding_codes import FindingCodes
from cds_service.vocabulary.finding_facts import Computed, FindingFact
from cds_service.vocabulary.readings import UNKNOWN, Reading

Gap = tuple[str, str]
"""A resource type that could not be read whole, and why."""

_EXPECTED: Final[dict[str, type[Resource]]] = {
    "Observation": Observation,
    "Condition": Condition,
    "Device": Device,
    "AllergyIntolerance": AllergyIntolerance,
    "MedicationRequest": MedicationRequest,
}
"""Where a finding would be looked for; a form, flag or procedure that did not come is no gap."""

_EVERYWHERE: Final = frozenset(_EXPECTED)


class Findings:
    """Every finding by name; unknown for a name that isn't a finding."""

    def __init__(self, records: Records, codes: FindingCodes, visit: Visit, telling: Telling | None = None) -> None:
        self._records = records
        self._codes = codes
        self._telling = telling
        self._visit = visit
        self._claims: Claims | None = None
        self._injury: When | None = None
        self._readings: dict[str, Reading] = {}
        self._gaps: dict[frozenset[str], tuple[Gap, ...]] = {}
        self._silent: dict[frozenset[str], Reading] = {}

    def __getitem__(self, name: str) -> Reading:
        """The finding's reading."""
        reading = self._readings.get(name)
        if reading is not None:
            return reading
        fact = self._codes.findings.get(name)
        if fact is None:
            return UNKNOWN
        claims = self._claims if self._claims is not None else self._gather()
        if name not in claims and name not in claims.heard and fact.computed is None:
            return self._silent.get(fact.read) or self._nothing(fact)
        self._readings[name] = UNKNOWN  # a computed fact that leads back here finds nothing
        reading = self._readings[name] = self._read(fact, claims)
        return reading

    def gaps(self, name: str) -> tuple[Gap, ...]:
        """The resource types this fact would stand in that could not be read whole."""
        fact = self._codes.findings.get(name)
        if fact is None:
            return ()
        found = self._gaps.get(fact.read)
        if found is None:
            found = self._gaps[fact.read] = tuple(self._incomplete(fact.read))
        return found

    def unheard(self) -> frozenset[str]:
        """The facts no resource says anything about and nothing computes."""
        return self._records.derived(self._codes, self._unheard, "unheard")

    def _unheard(self) -> frozenset[str]:
        claims = self._told()
        return self._codes.read_only.difference(claims, claims.heard)

    @property
    def recorded(self) -> frozenset[str]:
        """The facts some resource says something about, and those computed from them."""
        return self._records.derived(self._codes, self._on_record, "recorded")

    def settled(self, *, whole: bool) -> dict[str, Reading]:
        """What was read so far of the findings on record; with *whole* all of it."""
        return {name: self[name] for name in self.recorded if whole or name in self._readings}

    def _on_record(self) -> frozenset[str]:
        claims = self._told()
        found = {*claims, *claims.heard}
        found.update(name for name, parts in self._codes.computed.items() if not found.isdisjoint(parts))
        return frozenset(found)

    def all_gaps(self) -> tuple[Gap, ...]:
        """Every place findings are looked for that could not be read whole."""
        found = self._gaps.get(_EVERYWHERE)
        if found is None:
            found = self._gaps[_EVERYWHERE] = tuple(self._incomplete(_EVERYWHERE))
        return found

    def _nothing(self, fact: FindingFact) -> Reading:
        """Unknown, and why when something could not be read; the same for all facts read from the same places."""
        gaps = self.gaps(fact.name)
        reading = self._silent[fact.read] = Reading(gap=gaps[0][0]) if gaps else UNKNOWN
        return reading

    def _read(self, fact: FindingFact, claims: Claims) -> Reading:
        if fact.name in claims.heard:
            read_heard(claims, fact.name)
        found = claims.get(fact.name)
        reading = settle(fact, found, self._visit, self._injury) if found else UNKNOWN
        if fact.computed is not None:
            reading = self._computed(fact, fact.computed, reading)
        if reading.value is None:
            return replace(reading, gap=self._nothing(fact).gap)
        return reading

    def _computed(self, fact: FindingFact, made: Computed, stated: Reading) -> Reading:
        if stated.value is not None and not made.first:
            return stated
        parts = [self[name] for name in (*made.sum, *made.product, *made.over)]
        return combine(made, parts, fact.range) or stated

    def _incomplete(self, read: frozenset[str]) -> list[Gap]:
        sections = ((name, self._records.read(kind)) for name, kind in _EXPECTED.items() if name in read)
        return [(name, section.gap) for name, section in sections if not section.complete]

    def _gather(self) -> Claims:
        """The claims of the record, this call's own copy: reading what was heard uses it up."""
        self._claims = claims = self._told().copy()
        dated = self._codes.injury
        if dated is not None:
            read_heard(claims, dated.name)
            self._injury = injury_moment(dated, claims.get(dated.name, ()), self._visit)
        return claims

    def _told(self) -> Claims:
        return self._records.derived(self._codes, self._listened)

    def _listened(self) -> Claims:
        """What every resource claims."""
        claims, read = Claims(self._codes, self._telling), self._records.read
        observations(claims, read(Observation).items)
        conditions(claims, read(Condition).items)
        forms(claims, read(QuestionnaireResponse).items)
        devices(claims, read(Device).items)
        allergies(claims, read(AllergyIntolerance).items)
        orders: Section[MedicationRequest] = read(MedicationRequest)
        medications(claims, orders.items, complete=orders.complete)
        flags(claims, read(Flag).items)
        procedures(claims, read(Procedure).items)
        reasons(claims, current(read(Encounter).items, self._visit.encounter_id))
        return claims


def read_findings(
    records: Records,
    codes: FindingCodes,
    *,
    now: datetime,
    encounter_id: str | None,
    telling: Telling | None = None,
) -> Findings:
    """
    Every finding in *records*, settled when asked for; *telling* gives the facts that free text speaks of.

    *encounter_id* is the visit the call is about; without one, "this visit" is the last 24 hours.
    """
    return Findings(records, codes, Visit(now, reference_id(encounter_id) if encounter_id else None), telling)
