"""
Whether a claim still holds: made in this visit, recent enough, or lasting; and after the injury.

Nothing here guesses: a claim about today without a time and without a visit is neither fresh nor stale.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from cds_service.facts.findings.claims import Claim, Form
from cds_service.fhir.dates import When, when, when_in
from cds_service.fhir.resources import (
    Condition,
    Encounter,
    MedicationRequest,
    Observation,
    Procedure,
    QuestionnaireResponse,
    Reference,
    Resource,
)
from cds_service.vocabulary.finding_facts import ALWAYS, ENCOUNTER, FindingFact

DAY: Final = timedelta(hours=24)
_AHEAD: Final = timedelta(hours=1)


class Rank(IntEnum):
    """Which claim goes before which."""

    STALE = -1
    UNTIMED = 0  # about today, but nobody says when
    LISTED = 1  # from another visit or a list, and still true
    DIAGNOSED = 2  # a condition of this visit
    FRESH = 3  # an answer of this visit, or a state in force


class Visit(NamedTuple):
    """Now, and the bare id of the visit this call is about."""

    now: datetime
    encounter_id: str | None


def _observed(source: Observation) -> When | None:
    stated = source.effectiveDateTime or source.effectiveInstant
    return when(stated) or when_in(source.effectivePeriod) or when(source.issued)


def _diagnosed(source: Condition) -> When | None:
    return when(source.recordedDate) or when(source.onsetDateTime) or when_in(source.onsetPeriod)


def _done(source: Procedure) -> When | None:
    return when(source.performedDateTime) or when_in(source.performedPeriod)


_TIMES: Final[dict[type[Resource], Callable[..., When | None]]] = {
    Observation: _observed,
    Condition: _diagnosed,
    Procedure: _done,
    QuestionnaireResponse: lambda source: when(source.authored),
    MedicationRequest: lambda source: when(source.authoredOn),
}
_VISITED: Final = (Observation, Condition, Procedure, QuestionnaireResponse)


def time_of(source: Resource) -> When | None:
    """When a resource's statement was made or found true."""
    read = _TIMES.get(type(source))
    return read(source) if read is not None else None


def rank(claim: Claim, fact: FindingFact, visit: Visit, time: When | None, injury: When | None) -> Rank:
    """How much a claim made at *time* counts for a fact."""
    if claim.form is Form.STATE:
        return Rank.FRESH
    if claim.form is Form.REASON:
        return Rank.DIAGNOSED
    best = Rank.DIAGNOSED if claim.form is Form.CONDITION else Rank.FRESH
    lasts = fact.conditions_last if claim.form is Form.CONDITION else fact.lasts
    source = claim.source
    stated = source.encounter if isinstance(source, _VISITED) else None
    here = _same_visit(stated, visit)
    if injury is not None and fact.after_injury and time is not None and time.last < injury.first:
        return Rank.STALE
    if lasts == ALWAYS:
        return best if here or (here is None and _recent(time, visit.now, DAY)) else Rank.LISTED
    if lasts == ENCOUNTER:
        if here is not None:
            return best if here else Rank.STALE
        return _aged(time, visit.now, DAY, best)
    return _aged(time, visit.now, timedelta(seconds=lasts), best)


def _same_visit(stated: Reference | None, visit: Visit) -> bool | None:
    """Whether a resource belongs to this visit; None when either side doesn't say."""
    if stated is None or not stated.reference or visit.encounter_id is None:
        return None
    return reference_id(stated.reference) == visit.encounter_id


@lru_cache(maxsize=1024)
def reference_id(reference: str) -> str:
    """
    The bare id of a reference, however it is written.

    >>> reference_id("https://ehr.example.org/fhir/Encounter/ed/_history/2")
    'ed'
    """
    return reference.partition("/_history/")[0].rstrip("/").rpartition("/")[2]


def _aged(time: When | None, now: datetime, limit: timedelta, best: Rank) -> Rank:
    if time is None:
        return Rank.UNTIMED
    return best if _recent(time, now, limit) else Rank.STALE


def _recent(time: When | None, now: datetime, limit: timedelta) -> bool:
    return time is not None and now - limit <= time.last and time.first <= now + _AHEAD


def older_than(time: When | None, now: datetime, seconds: float) -> bool:
    """Whether a claim is, or may be, older than this."""
    return time is None or time.first < now - timedelta(seconds=seconds)


def current(encounters: tuple[Encounter, ...], encounter_id: str | None) -> Encounter | None:
    """The visit this call is about: the one with this bare id, or without one the only one open."""
    if encounter_id is not None:
        return next((one for one in encounters if one.id == encounter_id), None)
    live = [one for one in encounters if one.status in ("arrived", "triaged", "in-progress", "onleave")]
    return live[0] if len(live) == 1 else None
