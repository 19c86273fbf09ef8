"""
One reading out of several claims.

The newest answer of this visit goes first, then a condition of this visit, then what is listed. Of claims
that count the same the more worrying one holds. A stated "not known" covers older answers, and lets
worse news through from below.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cds_service.facts.findings.answers import Said
from cds_service.facts.findings.claims import Claim, Form
from cds_service.facts.findings.timing import Rank, Visit, older_than, rank, time_of
from cds_service.facts.findings.wording import evidence
from cds_service.fhir.dates import When
from cds_service.vocabulary.facts import Kind
from cds_service.vocabulary.finding_facts import FindingFact
from cds_service.vocabulary.readings import UNKNOWN, Evidence, Interval, Reading

_SHOWN: Final = 2
_HOUR: Final = 3600.0
_NEVER: Final = float("-inf")


class Counted(NamedTuple):
    """A claim with its weight and time."""

    claim: Claim
    rank: Rank
    time: When | None


def settle(fact: FindingFact, claims: Sequence[Claim], visit: Visit, injury: When | None) -> Reading:
    """The fact's reading from every claim about it."""
    counted = [_count(claim, fact, visit, injury) for claim in claims]
    if fact.time_since:
        return _since(fact, counted, visit)
    if fact.take != "newest":
        return _extreme(fact, [one for one in counted if one.rank > Rank.UNTIMED])
    if len(counted) == 1 and counted[0].rank > Rank.UNTIMED and _holds(fact, counted[0], visit.now):
        return _reading(fact, counted)
    only_worse = False
    for level in (Rank.FRESH, Rank.DIAGNOSED, Rank.LISTED):
        group = _newest([one for one in counted if one.rank is level])
        said = [one for one in group if _holds(fact, one, visit.now)]
        if only_worse:
            said = [one for one in said if _worse(fact, one.claim)]
        if any(_blank(one.claim) for one in group):
            said = [one for one in said if fact.worry(one.claim.said.value) >= fact.most_worry]
        if said:
            return _worst(fact, said)
        only_worse = only_worse or bool(group)
    untimed = [one for one in counted if one.rank is Rank.UNTIMED and _worse(fact, one.claim)]
    if untimed and fact.fact.kind is Kind.FLAG:
        return Reading(suspected=True, evidence=_evidence(fact, untimed))
    return UNKNOWN


def _count(claim: Claim, fact: FindingFact, visit: Visit, injury: When | None) -> Counted:
    time = time_of(claim.source)
    return Counted(claim, rank(claim, fact, visit, time, injury), time)


def _newest(counted: list[Counted]) -> list[Counted]:
    """Of answers only the newest (all that may be newest); whatever was made otherwise."""
    last = max((_moment(one) for one in counted if one.claim.form is Form.ANSWER), default=_NEVER)
    return [one for one in counted if one.claim.form is not Form.ANSWER or _moment(one) >= last]


def _moment(one: Counted) -> float:
    return one.time.last.timestamp() if one.time is not None else _NEVER


def _holds(fact: FindingFact, one: Counted, now: datetime) -> bool:
    """Whether a claim says anything; an old reassurance may not."""
    value = one.claim.said.value
    if value is None:
        return one.claim.said.suspected
    if fact.absent_lasts is None or not fact.reassuring(value):
        return True
    return not older_than(one.time, now, fact.absent_lasts)


def _blank(claim: Claim) -> bool:
    """Whether a state is in force of which this fact isn't known: one more of it might be the worst."""
    return claim.form is Form.STATE and claim.said == Said(None)


def _worse(fact: FindingFact, claim: Claim) -> bool:
    value = claim.said.value
    return claim.said.suspected or (value is not None and not fact.reassuring(value))


def _worst(fact: FindingFact, said: list[Counted]) -> Reading:
    if fact.fact.kind is Kind.NUMBER and not fact.worse:
        return _hull(fact, said)
    most = max(fact.worry(one.claim.said.value) for one in said)
    return _reading(fact, [one for one in said if fact.worry(one.claim.said.value) == most])


def _reading(fact: FindingFact, alike: list[Counted]) -> Reading:
    value = alike[0].claim.said.value
    return Reading(value, _evidence(fact, alike), suspected=value is None)


def _hull(fact: FindingFact, said: list[Counted]) -> Reading:
    """Numbers of equal weight, neither of which is the worse: somewhere between them."""
    numbers = [one.claim.said.value for one in said if isinstance(one.claim.said.value, Interval)]
    value = Interval(min(n.low for n in numbers), max(n.high for n in numbers))
    return Reading(value, _evidence(fact, said))


def _extreme(fact: FindingFact, counted: list[Counted]) -> Reading:
    """The lowest or highest number of the best rank; one not known may be anything."""
    for level in (Rank.FRESH, Rank.DIAGNOSED, Rank.LISTED):
        group = [one for one in counted if one.rank is level]
        values = [one.claim.said.value for one in group]
        known = [value for value in values if isinstance(value, Interval)]
        if known:
            every = known if len(known) == len(values) else [*known, fact.range]
            pick = min if fact.take == "lowest" else max
            value = Interval(pick(one.low for one in every), pick(one.high for one in every))
            shown = [one for one in group if one.claim.said.value in (value, known[0])]
            return Reading(value, _evidence(fact, shown))
    return UNKNOWN


def _since(fact: FindingFact, counted: list[Counted], visit: Visit) -> Reading:
    """Hours from the stated moment to now, by the best claim; a moment still to come is not read."""
    for level in (Rank.FRESH, Rank.DIAGNOSED):
        group = [one for one in counted if one.rank is level and one.claim.moment is not None]
        if group:
            latest = max(group, key=lambda one: one.claim.moment.last if one.claim.moment else visit.now)
            moment = latest.claim.moment
            assert moment is not None
            most = (visit.now - moment.first).total_seconds() / _HOUR
            if most < 0:
                return UNKNOWN
            least = max(0.0, (visit.now - moment.last).total_seconds() / _HOUR)
            return Reading(Interval(least, most), _evidence(fact, [latest]))
    return UNKNOWN


def injury_moment(fact: FindingFact, claims: Sequence[Claim], visit: Visit) -> When | None:
    """When the injury took place, by the claim that ``settle`` would believe."""
    counted = [_count(claim, fact, visit, None) for claim in claims]
    for level in (Rank.FRESH, Rank.DIAGNOSED):
        moments = [one.claim.moment for one in counted if one.rank is level and one.claim.moment is not None]
        if moments:
            return max(moments, key=lambda moment: moment.last)
    return None


def _evidence(fact: FindingFact, counted: Sequence[Counted]) -> tuple[Evidence, ...]:
    if fact.sensitive:
        return ()
    return tuple(evidence(fact, one.claim, one.time) for one in counted[:_SHOWN])
