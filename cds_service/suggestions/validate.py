"""
Whether an order we are about to offer is valid FHIR.

fhir.resources (R4B) checks the structure; it leaves open the value sets of status and intent and the form of
references, which are checked here. A real client's oddities in its own order (an id of 140 characters or with an
underscore, members of its own) don't forbid handing that order back changed: they are taken out of the copy that
is checked, and nothing else is.
"""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from cachetools import LRUCache
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.communicationrequest import CommunicationRequest
from fhir.resources.R4B.servicerequest import ServiceRequest
from pydantic import ValidationError

STATUSES: Final = frozenset(["draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"])
INTENTS: Final = frozenset(
    [
        "proposal",
        "plan",
        "directive",
        "order",
        "original-order",
        "reflex-order",
        "filler-order",
        "instance-order",
        "option",
    ]
)
PRIORITIES: Final = frozenset(["routine", "urgent", "asap", "stat"])
"""http://hl7.org/fhir/R4/valueset-request-status.html, -request-intent.html and -request-priority.html"""

REFERENCES: Final = (
    "subject",
    "encounter",
    "requester",
    "basedOn",
    "reasonReference",
    "insurance",
    "supportingInfo",
    "performer",
    "locationReference",
    "recipient",
)
_REFERENCE: Final = re.compile(r"#\S*|urn:\S+|https?://\S+|[A-Z][A-Za-z]+/[^\s/]+(?:/_history/[^\s/]+)?")
_OWN_ID: Final = re.compile(r"[^\s/?#\x00-\x1f]{1,512}")
_EXTRA: Final = "extra_forbidden"

Errors = list[tuple[tuple[int | str, ...], str]]
Checked = tuple[list[tuple[int | str, ...]], tuple[str, ...]]
_KNOWN: Final[LRUCache[bytes, Checked]] = LRUCache(2048)
_ENCODER: Final = msgspec.json.Encoder()
_SOME: Final = {"reference": "Patient/1"}
_TIME: Final = "2026-01-01T00:00:00Z"
_TIMES: Final = frozenset({"authoredOn", "occurrenceDateTime"})
_DATE_TIME: Final = re.compile(
    r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
    r"(?:T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d))?"
)


def own_id(value: Any) -> str:
    """
    An order's id when a client can mean something by it, else nothing. Longer and odder than FHIR allows is fine.

    >>> own_id("eA_" + "x" * 140) != "", own_id("a/b"), own_id(7)
    (True, '', '')
    """
    return value if isinstance(value, str) and _OWN_ID.fullmatch(value) else ""


def faults(order: Mapping[str, Any]) -> tuple[str, ...]:
    """
    The members that make *order* an invalid ServiceRequest; none when it may be sent.

    >>> order = {"resourceType": "ServiceRequest", "status": "draft", "subject": {"reference": "Patient/1"}}
    >>> faults(order | {"intent": "order", "id": "a_b"})
    ()
    >>> faults(order | {"intent": "order", "status": "banana"})
    ('status',)
    """
    return fitted(dict(order, id="1") if own_id(order.get("id")) else order)[1]


def fitted(order: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """
    The order without members FHIR does not know, and the members that are wrong all the same.

    >>> fitted({"status": "draft", "intent": "plan", "subject": {"display": "Kid", "vip": True}})
    ({'status': 'draft', 'intent': 'plan', 'subject': {'display': 'Kid'}}, ())
    """
    strange, wrong = _checked(order)
    if strange:
        order = _without(order, strange)
        _, wrong = _checked(order)
    return order, wrong


def _checked(order: Mapping[str, Any]) -> Checked:
    """The places FHIR does not know, and the members that are wrong; the same whoever it is for, and whenever."""
    key = _alike(order)
    known = _KNOWN.get(key) if key else None
    if known is None:
        known = _check(order)
        if key:
            _KNOWN[key] = known
    return known


def _check(order: Mapping[str, Any]) -> Checked:
    errors = _find_errors(order)
    wrong = [*_words(order), *_references(order), *(str(place[0]) if place else "" for place, _ in errors)]
    return [place for place, kind in errors if kind == _EXTRA], tuple(dict.fromkeys(wrong))


def _alike(order: Mapping[str, Any]) -> bytes:
    """
    The order as text, with well-formed references and times made alike; empty when it can't be written.

    >>> one, other = {"subject": {"reference": "Patient/1"}}, {"subject": {"reference": "Patient/2"}}
    >>> _alike(one) == _alike(other), _alike(one) == _alike({"subject": {"reference": "no reference"}})
    (True, False)
    """
    alike = {
        member: _SOME
        if member in REFERENCES and _plain_reference(value)
        else _TIME
        if _plain_time(member, value)
        else value
        for member, value in order.items()
    }
    try:
        return _ENCODER.encode(alike)
    except (TypeError, ValueError, RecursionError):
        return b""


def _plain_reference(value: Any) -> bool:
    if not (isinstance(value, dict) and len(value) == 1):
        return False
    reference = value.get("reference")
    return isinstance(reference, str) and _REFERENCE.fullmatch(reference) is not None


def _plain_time(member: str, value: Any) -> bool:
    return member in _TIMES and isinstance(value, str) and _DATE_TIME.fullmatch(value) is not None


def _find_errors(order: Mapping[str, Any]) -> Errors:
    try:
        ServiceRequest.model_validate(order)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return [(fault["loc"], fault["type"]) for fault in faults]
    except Exception:  # an unknown contained resourceType raises KeyError, one that is no text TypeError
        return [(("contained",), "unreadable")]
    return []


def concept_faults(concept: Any) -> bool:
    """Whether *concept* is not a valid CodeableConcept."""
    try:
        CodeableConcept.model_validate(concept)
    except ValidationError:
        return True
    return False


def sendable(message: Mapping[str, Any]) -> bool:
    """
    Whether *message* is a valid CommunicationRequest.

    >>> sendable({"resourceType": "CommunicationRequest", "status": "draft"})
    True
    >>> sendable({"resourceType": "CommunicationRequest", "status": "draft", "payload": "hello"})
    False
    """
    try:
        CommunicationRequest.model_validate(message)
    except ValidationError:
        return False
    return message.get("status") in STATUSES and not any(_references(message))


def _words(order: Mapping[str, Any]) -> Iterator[str]:
    for member, legal in (("status", STATUSES), ("intent", INTENTS)):
        word = order.get(member)
        if not isinstance(word, str) or word not in legal:
            yield member


def _references(order: Mapping[str, Any]) -> Iterator[str]:
    for member in REFERENCES:
        value = order.get(member)
        for one in value if isinstance(value, list) else (value,):
            reference = one.get("reference") if isinstance(one, dict) else None
            if reference is not None and not (isinstance(reference, str) and _REFERENCE.fullmatch(reference)):
                yield member


def _without(order: Mapping[str, Any], places: list[tuple[int | str, ...]]) -> dict[str, Any]:
    bare: Any = copy.deepcopy(dict(order))
    for *path, last in places:
        with contextlib.suppress(KeyError, IndexError, TypeError):  # then it stays a fault
            holder = bare
            for step in path:
                holder = holder[step]
            del holder[last]
    return dict(bare)
