"""
What clinicians did with our cards: the body of ``POST …/feedback``, read leniently.

Vendors differ: Epic says ``overrideReasons`` (one or several) or puts the reason into an
extension, the public sandbox leaves ``display`` out, ids need not be UUIDs. What is
missing stays missing; only an entry that names no card or no outcome is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, cast

import msgspec

from cds_service.errors import MalformedRequest
from cds_service.hooks.strict_json import decode

MAX_ITEMS = 1_000
MAX_ID = 256
MAX_TEXT = 2_000
"""Longer texts are cut: a comment is a sentence, not a document."""

EPIC_REASON = "com.epic.cdshooks.feedback.overrideReason."
"""Prefix of the extension members in which Epic sends a reason."""

Outcome = Literal["accepted", "overridden"]

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_FRACTION = re.compile(r"\.(\d{6})\d+")


class Reason(NamedTuple):
    """One override reason; vendors leave out the system or the display."""

    code: str
    system: str = ""
    display: str = ""


class FeedbackItem(NamedTuple):
    """What happened to one card. ``at`` is None when the client did not say when."""

    card: str
    outcome: Outcome
    at: datetime | None = None
    accepted_suggestions: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    comment: str = ""


class _Body(msgspec.Struct, gc=False):
    feedback: list[Any] | None = None


_BODY = msgspec.json.Decoder(_Body)


def parse_feedback(body: bytes) -> list[FeedbackItem]:
    """
    Read one batch; MalformedRequest names the entry and the member that is wrong.

    >>> parse_feedback(b'{"feedback": [{"card": "c1", "outcome": "accepted"}]}')[0].card
    'c1'
    """
    entries = decode(body, _BODY).feedback
    if entries is None:
        raise MalformedRequest("feedback is missing.")
    if len(entries) > MAX_ITEMS:
        raise MalformedRequest(f"feedback holds more than {MAX_ITEMS} entries.")
    return [_item(entry, f"feedback[{index}]") for index, entry in enumerate(entries)]


def _item(entry: object, where: str) -> FeedbackItem:
    if not isinstance(entry, dict):
        raise MalformedRequest(f"{where} is not an object.")
    outcome = entry.get("outcome")
    if outcome not in ("accepted", "overridden"):
        raise MalformedRequest(f"{where}.outcome is neither accepted nor overridden.")
    return FeedbackItem(
        card=_id(entry.get("card"), f"{where}.card"),
        outcome=cast("Outcome", outcome),
        at=_timestamp(entry.get("outcomeTimestamp"), f"{where}.outcomeTimestamp"),
        accepted_suggestions=tuple(_accepted(entry.get("acceptedSuggestions"), f"{where}.acceptedSuggestions")),
        reasons=tuple(_reasons(entry)),
        comment=_comment(entry),
    )


def _id(value: object, member: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise MalformedRequest(f"{member} is missing.")
    if len(value) > MAX_ID or not value.isprintable():
        raise MalformedRequest(f"{member} is not an id of ours.")
    return value


def _timestamp(value: object, member: str) -> datetime | None:
    """The moment in UTC. A moment without a zone is nobody's moment, so it is refused."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise MalformedRequest(f"{member} is not an RFC 3339 timestamp.")
    try:
        return datetime.fromisoformat(_FRACTION.sub(r".\1", value.upper())).astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedRequest(f"{member} is not an RFC 3339 timestamp.") from None


def _accepted(value: object, member: str) -> Iterator[str]:
    """Ids of the suggestions taken; vendors send ``[{"id": …}]``, some one object, some bare ids."""
    for index, given in enumerate(_listed(value)):
        yield _id(given.get("id") if isinstance(given, dict) else given, f"{member}[{index}].id")


def _reasons(entry: Mapping[str, object]) -> Iterator[Reason]:
    """Every override reason, however the vendor sends it."""
    for given in (*_listed(entry.get("overrideReason")), *_listed(entry.get("overrideReasons"))):
        if isinstance(given, dict):
            inner = given.get("reason", given)
            for coding in _listed(inner):
                yield from _coding(coding)
            yield from _of_epic(given.get("extension"))
    yield from _of_epic(entry.get("extension"))


def _coding(coding: object) -> Iterator[Reason]:
    if isinstance(coding, dict) and (code := _plain(coding.get("code"), MAX_ID)):
        yield Reason(code, _plain(coding.get("system"), MAX_ID), _plain(coding.get("display"), MAX_ID))


def _of_epic(extension: object) -> Iterator[Reason]:
    """The reason Epic puts into an extension, one member for each part of the coding."""
    if isinstance(extension, dict):
        yield from _coding({part: extension.get(EPIC_REASON + part) for part in ("code", "system", "display")})


def _comment(entry: Mapping[str, object]) -> str:
    """The clinician's own words; the first that are there."""
    for given in (entry, *_listed(entry.get("overrideReason")), *_listed(entry.get("overrideReasons"))):
        if isinstance(given, dict) and (words := _plain(given.get("userComment"), MAX_TEXT)):
            return words
    return ""


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _plain(value: object, most: int) -> str:
    """Text without control characters, cut at *most*; anything else is no text."""
    if not isinstance(value, str):
        return ""
    return "".join(letter if letter.isprintable() else " " for letter in value[:most]).strip()
