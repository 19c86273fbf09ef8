"""Facts as rule examples write them: "9 years", "present", "none", "5 hours ago", "unknown"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from cds_service.errors import PhraseError
from cds_service.rules.fields import Fields
from cds_service.vocabulary.exams import Exam, exam
from cds_service.vocabulary.facts import HISTORY_EXAMS, Fact, Kind
from cds_service.vocabulary.quantities import Span, quantity, span
from cds_service.vocabulary.readings import Age, Evidence, Interval, Names, Prior, Priors, Reading
from cds_service.yaml_source import Block, Text

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
"""The moment rule examples happen at."""


def read_facts(given: Any, changed: Any, facts: Mapping[str, Fact], fields: Fields) -> dict[str, Reading]:
    """The readings that an example's ``facts`` and ``but`` give; what cannot be read is noted in *fields*."""
    found: dict[str, Reading] = {}
    for block in (given, changed):
        if block is None:
            continue
        if not isinstance(block, Block):
            fields.wrong(block, "facts must be a block of names and values")
            continue
        for name, value in block.items():
            fact = facts.get(name)
            if fact is None:
                fields.wrong(name, f"{name} is not a fact")
                continue
            reading = _read(fact, value, fields)
            if reading is not None:
                found[fact.name] = reading
    return found


def _read(fact: Fact, value: Any, fields: Fields) -> Reading | None:
    if value == "unknown":
        return Reading()
    try:
        return _READERS[fact.kind](fact, value)
    except (PhraseError, ValueError, TypeError, KeyError, AttributeError):
        fields.wrong(value, f"{value} is not a value of {fact.name}", f"it is a {fact.kind.value}; or write unknown")
        return None


def _flag(_: Fact, value: Any) -> Reading:
    if value == "suspected":
        return Reading(None, suspected=True)
    return Reading({"present": True, "absent": False}[value])


def _listed(value: Any) -> list[str]:
    return [str(word) for word in (value if isinstance(value, list) else [value])]


def _choice(fact: Fact, value: Any) -> Reading:
    words = frozenset(_listed(value))
    if not words or (fact.choices and not words <= fact.choices):
        raise ValueError(value)
    return Reading(words)


def _names(fact: Fact, value: Any) -> Reading:
    complete = True
    if isinstance(value, Block):
        complete = value.get(Text("complete")) is not False
        value = value.get(Text("names")) or []
    words = frozenset() if value == "none" else frozenset(_listed(value))
    if fact.choices and not words <= fact.choices:
        raise ValueError(value)
    return Reading(Names(words, complete))


def _number(_: Fact, value: Any) -> Reading:
    if isinstance(value, Block):
        low, high = value.get(Text("from")), value.get(Text("to"))
        return Reading(Interval(float(low or "-inf"), float(high or "inf")))
    number = float(str(value).split()[0])
    return Reading(Interval(number, number))


def _age(_: Fact, value: Any) -> Reading:
    today = NOW.date()
    age = span(str(value))
    born = age.before(NOW).date()
    while age.after(born) > today:
        born = date.fromordinal(born.toordinal() - 1)
    return Reading(Age(born, born, today, today), (Evidence(f"Age {age}"),))


def _priors(fact: Fact, value: Any) -> Reading:
    if value == "none":
        return Reading(Priors((), True, NOW))
    items = value if isinstance(value, list) else [value]
    return Reading(Priors(tuple(_prior(fact, item) for item in items), True, NOW))


def _prior(fact: Fact, item: Any) -> Prior:
    like: Exam = exam(HISTORY_EXAMS.get(fact.name, ("CT abdomen+pelvis",))[0])
    result = ""
    if isinstance(item, Block):
        result = str(item.get(Text("result")) or "")
        like = exam(str(item[Text("exam")])) if Text("exam") in item else like
        item = item[Text("ago")]
    ago = quantity(str(item).removesuffix("ago"))
    if not isinstance(ago, Span):
        raise PhraseError(f"{item} is not a length of time")
    moment = ago.before(NOW)
    return Prior(like, moment, moment, result=result, evidence=(Evidence(f"{like} {ago} ago"),))


_READERS: dict[Kind, Callable[[Fact, Any], Reading]] = {
    Kind.FLAG: _flag,
    Kind.CHOICE: _choice,
    Kind.NAMES: _names,
    Kind.NUMBER: _number,
    Kind.AGE: _age,
    Kind.PRIORS: _priors,
}


@lru_cache(maxsize=1_024)
def order_facts(order: Exam) -> Mapping[str, Reading]:
    """The ``order.*`` readings that an exam phrase in an example stands for; nobody may change them."""
    return {
        "order.recognised": Reading(True),
        "order.modality": Reading(frozenset({order.modality})),
        "order.region": Reading(Names(order.regions)),
        "order.contrast": Reading(frozenset({order.contrast})) if order.contrast else Reading(),
        "order.passes": Reading(Interval(order.passes, order.passes)) if order.passes else Reading(),
        "order.technique": Reading(Names(order.techniques)),
        "order.purpose": Reading(frozenset({"diagnostic"})),
    }
