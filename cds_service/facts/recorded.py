"""
Facts as the decision record keeps them, and facts made of a record again.

Kept are values alone: no words of the chart, no names, no places, no identifiers; ages and dates as distances from the
moment of the call. Kept is what was read, not what rules made of it, so that other rules can judge it again. What
nobody had read by then is kept as known to be on record only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from cds_service.facts.gather import PENDING, REQUESTED, Definition, OrderFacts, merged, priors_named
from cds_service.facts.history import requested
from cds_service.fhir.resources import ServiceRequest
from cds_service.vocabulary.exams import Exam
from cds_service.vocabulary.readings import UNKNOWN, Age, Interval, Names, Prior, Priors, Reading

_PATIENT: Final = ("patient.age", "patient.sex")
_ASKED: Final = ("setting.emergency", "setting.inpatient", "order.exam_named")
_ORDER: Final = "order.reason"
_NO_FINDING: Final = ("order.", "setting.", *_PATIENT)


def kept(facts: OrderFacts, *, whole: bool) -> dict[str, Any]:
    """
    The facts of one order, as plain JSON; with *whole* also what no rule has asked about yet.

    Reading what nobody asked for costs as much as judging, so it is done for a child who comes again only.
    """
    child = facts.child
    _ = facts[_ORDER]  # what the order tells is read all at once
    read = dict(facts.own)
    read |= {name: _direct(facts, name) for name in _PATIENT}
    read |= {name: _direct(facts, name) for name in _ASKED if whole or name in facts}
    read |= {name: facts.direct(name) for name in (*child.findings.settled(whole=whole), *facts.heard)}
    now = child.now.astimezone(UTC)
    found: dict[str, Any] = {
        "at": now.isoformat(timespec="microseconds"),
        "facts": {name: _value(reading, now.date()) for name, reading in read.items()},
        "recorded": sorted(facts.recorded.difference(read)),
        "unread": sorted(facts.unread),
        "offers": dict(child.site.offers),
    }
    if whole or child.history_read:
        asked = whole or PENDING in facts
        found["history"] = {
            "complete": child.priors.complete,
            "gap": bool(child.history_gaps),
            "drafts": [_exam(draft) for draft in facts.drafts],
            "requests": asked and child.records.read(ServiceRequest).complete,
            "exams": [_prior(prior, now) for prior in child.priors.worked_out(whole=whole) if not facts.is_own(prior)],
        }
    return found


def _direct(facts: OrderFacts, name: str) -> Reading:
    """The fact as it was read, where it was asked for already and nobody defines it as it was asked."""
    known = facts.get(name) if name not in facts.child.definitions else None
    return facts.direct(name) if known is None else known


def _value(reading: Reading, today: date) -> Any:
    """One reading: null when unknown, else a value that tells its own kind."""
    value = reading.value
    if value is None:
        return {"suspected": True} if reading.suspected else None
    if isinstance(value, bool):
        return value
    if isinstance(value, Interval):
        return {"low": _finite(value.low), "high": _finite(value.high)}
    if isinstance(value, Names):
        told = {"names": sorted(value.values), "complete": value.complete}
        return told | {name: True for name in ("more", "asked") if getattr(value, name)}
    if isinstance(value, Age):
        return {"days": [(day - today).days for day in value]}
    return {"oneOf": sorted(value)}


def _finite(number: float) -> float | None:
    return number if abs(number) != float("inf") else None


def _prior(prior: Prior, now: datetime) -> list[Any]:
    first, last = (round((moment - now).total_seconds()) for moment in (prior.first, prior.last))
    states = [prior.certain, prior.kind, prior.result, prior.images, prior.pending]
    return [*_exam(prior.exam), first, last, *states]


@lru_cache(4096)
def _exam(exam: Exam) -> tuple[Any, ...]:
    return exam.modality, sorted(exam.regions), exam.contrast, exam.passes, sorted(exam.techniques)


class RecordedFacts(dict[str, Reading]):
    """The facts of one order made of what was *kept*, with *definitions* on top; for what is ordered, *exam*."""

    def __init__(self, kept: Mapping[str, Any], exam: Exam | None, definitions: Mapping[str, Definition]) -> None:
        super().__init__()
        self._exam = exam
        self._definitions = definitions
        self._defining: set[str] = set()
        self.now = datetime.fromisoformat(kept["at"])
        self._read = {name: _reading(value, self.now.date()) for name, value in kept["facts"].items()}
        self._read |= {name: Reading(offered) for name, offered in kept["offers"].items()}
        self._history: Mapping[str, Any] | None = kept.get("history")
        self._priors = _priors(self._history, self.now)
        self.left = frozenset(kept["recorded"])
        """What was on record and nobody read then."""
        self.recorded = self.left.union(name for name in kept["facts"] if not name.startswith(_NO_FINDING))
        self.unread = frozenset(kept["unread"])

    def __missing__(self, name: str) -> Reading:
        define = self._definitions.get(name)
        reading = self._direct(name)
        if define is None or not (reading.value is None or reading.value is False):
            self[name] = reading
        elif name not in self._defining:
            self._defining.add(name)
            reading = merged(reading, define(self))
            self._defining.discard(name)
            if not self._defining:
                self[name] = reading
        return reading

    def _direct(self, name: str) -> Reading:
        if not name.startswith("history."):
            return self._read.get(name, UNKNOWN)
        if self._priors is None or self._history is None:
            return UNKNOWN
        if name == REQUESTED:
            return Reading(requested(self._priors, [_read_exam(one) for one in self._history["drafts"]]))
        found = priors_named(name, self._priors, self._exam, whole=self._history["requests"])
        gap = self._history["gap"] and name != PENDING
        return UNKNOWN if found is None else Reading(found, gap="history" if gap else "")


def _reading(value: Any, today: date) -> Reading:
    if value is None or isinstance(value, bool):
        return Reading(value)
    if "suspected" in value:
        return Reading(None, suspected=True)
    if "days" in value:
        return Reading(Age(*(today + timedelta(days=days) for days in value["days"])))
    if "names" in value:
        return Reading(
            Names(frozenset(value["names"]), value["complete"], value.get("more", False), value.get("asked", False))
        )
    if "oneOf" in value:
        return Reading(frozenset(value["oneOf"]))
    low, high = value["low"], value["high"]
    return Reading(Interval(float("-inf") if low is None else low, float("inf") if high is None else high))


def _priors(history: Mapping[str, Any] | None, now: datetime) -> Priors | None:
    if history is None:
        return None
    return Priors([_read_prior(one, now) for one in history["exams"]], history["complete"], now)


def _read_prior(said: list[Any], now: datetime) -> Prior:
    *ordered, first, last, certain, kind, result, images, pending = said
    between = (now + timedelta(seconds=first), now + timedelta(seconds=last))
    told = {"certain": certain, "kind": kind, "result": result, "images": images, "pending": pending}
    return Prior(_read_exam(ordered), *between, **told)


def _read_exam(said: list[Any]) -> Exam:
    modality, regions, contrast, passes, techniques = said
    return Exam(modality, frozenset(regions), contrast, passes, frozenset(techniques))
