"""How a claim reads to a clinician: the record's own word, what it says, and the day."""

from __future__ import annotations

from typing import Final

from cds_service.facts.findings.claims import Claim
from cds_service.fhir.dates import When
from cds_service.vocabulary.finding_facts import FindingFact, Value
from cds_service.vocabulary.readings import Evidence, Interval

_LONGEST: Final = 80
_UNSAID: Final = frozenset(("{score}", "{#}"))


def evidence(fact: FindingFact, claim: Claim, time: When | None) -> Evidence:
    """One piece of evidence: what is said, where it stands, and when it was found."""
    text = f"{_label(fact, claim)}: {_shown(fact, claim)}"
    day = (claim.moment or time) if claim.moment is not None or time is not None else None
    source = f"{type(claim.source).__name__}/{claim.source.id}" if claim.source.id else type(claim.source).__name__
    return Evidence(text, source, _day(day))


def _label(fact: FindingFact, claim: Claim) -> str:
    own = fact.name.partition(".")[2].replace("_", " ")
    return " ".join(claim.label.split())[:_LONGEST] or own


def _shown(fact: FindingFact, claim: Claim) -> str:
    if claim.moment is not None:
        return "stated"
    value = claim.said.value
    if value is None:
        return "suspected" if claim.said.suspected else "not known"
    return shown(value, fact.fact.unit)


def shown(value: Value, unit: str) -> str:
    """
    A value in words.

    >>> shown(Interval(13, 15), "{score}"), shown(frozenset({"gross"}), ""), shown(False, "")
    ('13 to 15', 'gross', 'absent')
    """
    if isinstance(value, bool):
        return "present" if value else "absent"
    if isinstance(value, Interval):
        number = f"{value.low:g}" if value.low == value.high else f"{value.low:g} to {value.high:g}"
        return number if unit in _UNSAID else f"{number} {unit}".rstrip()
    return " or ".join(sorted(word.replace("-", " ") for word in value))


def _day(time: When | None) -> str:
    """The day as an ISO date; empty unless it is one day."""
    return time.first.date().isoformat() if time is not None and time.day == time.until else ""
