"""
One prefetch value or FHIR answer, decoded to the resources of one type.

A whole Bundle is decoded in one typed step. When something in it does not fit, it is read
again entry by entry: what fits is kept, the rest is counted, and nothing here ever raises
for odd data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from cds_service.fhir.outcomes import is_failure
from cds_service.fhir.resources import (
    AllergyIntolerance,
    Condition,
    Device,
    DiagnosticReport,
    Encounter,
    ImagingStudy,
    Lenient,
    MedicationRequest,
    Observation,
    OperationOutcome,
    Patient,
    Procedure,
    QuestionnaireResponse,
    Resource,
    ServiceRequest,
)

T = TypeVar("T")

KINDS: tuple[type[Resource], ...] = (
    Patient,
    Encounter,
    Condition,
    Observation,
    ImagingStudy,
    DiagnosticReport,
    Procedure,
    Device,
    AllergyIntolerance,
    MedicationRequest,
    QuestionnaireResponse,
    ServiceRequest,
)
"""The resource types that can be decoded, each on its own."""

MOST_LOOSE = 20_000
"""Entries of a Bundle that are read one by one when it does not fit as a whole; of more, none are."""

UNREADABLE = (msgspec.MsgspecError, RecursionError, ValueError)
"""What decoding odd bytes can raise; text that is not UTF-8 is a ValueError."""


class Search(Lenient):
    """How an entry came into a search: match, include or outcome."""

    mode: str | None = None


class Link(Lenient):
    """A link of a Bundle; ``next`` leads to the next page."""

    relation: str | None = None
    url: str | None = None


class Entry(Lenient, Generic[T]):
    """One entry of a Bundle."""

    resource: T | OperationOutcome | None = None


class Bundle(Lenient, Generic[T], tag_field="resourceType", tag="Bundle"):
    """A Bundle of one type of resource."""

    entry: list[Entry[T] | None] | None = None
    link: list[Link] | None = None
    total: int | None = None


class LooseBundle(Lenient):
    """A Bundle of which nothing is expected, not even that it is one."""

    resourceType: msgspec.Raw = msgspec.Raw(b"null")
    entry: msgspec.Raw = msgspec.Raw(b"null")
    link: msgspec.Raw = msgspec.Raw(b"null")
    total: msgspec.Raw = msgspec.Raw(b"null")


class Stub(Lenient):
    """As much of an entry that does not fit as is needed to pass over it."""

    class Anything(Lenient):
        """A resource of any type."""

        resourceType: str | None = None

    resource: Anything | None = None
    search: Search | None = None


class Content(NamedTuple):
    """
    What one value holds.

    ``whole`` is False when the value itself could not be read as a Bundle or a resource of the type.
    ``failed`` says that the server reported a failure, ``more`` that further pages exist.
    """

    items: tuple[Resource, ...] = ()
    whole: bool = True
    failed: bool = False
    more: bool = False
    next_page: str | None = None
    unreadable: int = 0


_NO_DATA = frozenset({OperationOutcome, type(None)})
"""What stands in the place of a resource."""

NOTHING = Content()
NOT_READ = Content(whole=False)
FAILED = Content(failed=True)


def decode(kind: type[Resource], raw: bytes) -> Content:
    """The resources of *kind* in *raw*: a Bundle, a single resource, null, or whatever came instead."""
    try:
        value = _WHOLE[kind](raw)
    except UNREADABLE:
        return _loosely(kind, raw)
    if value is None:
        return NOTHING
    if isinstance(value, Bundle):
        if not value.entry and not value.link and not value.total:
            return NOTHING
        return _content(value.entry or (), value.link, value.total)
    if isinstance(value, OperationOutcome):
        return FAILED
    return Content((value,))


def _content(entries: Iterable[Any], links: list[Link] | None, total: int | None, unreadable: int = 0) -> Content:
    """Sort the entries of a Bundle into resources, outcomes and the unreadable."""
    items: list[Any] = [entry.resource if entry is not None else None for entry in entries]
    failed = False
    if not _NO_DATA.isdisjoint(map(type, items)):
        failed = any(type(item) is OperationOutcome and is_failure(item) for item in items)
        unreadable += items.count(None)
        items = [item for item in items if item is not None and type(item) is not OperationOutcome]
    further = _next(links)
    short = total is not None and total > len(items) + unreadable
    return Content(
        tuple(items),
        failed=failed,
        more=further is not None or short,
        next_page=further.url if further is not None else None,
        unreadable=unreadable,
    )


def _next(links: list[Link] | None) -> Link | None:
    return next((link for link in links if link.relation == "next"), None) if links else None


def _loosely(kind: type[Resource], raw: bytes) -> Content:
    """Read a value that does not fit as a whole; only a Bundle has parts that can be saved."""
    bundle = _try(_LOOSE, raw)
    if bundle is None or bytes(bundle.resourceType) != b'"Bundle"':
        return NOT_READ
    entries = _try(_RAWS, bytes(bundle.entry))
    links = _try(_LINKS, bytes(bundle.link))
    if entries is None or links is None or len(entries) > MOST_LOOSE:
        return NOT_READ
    read = _WHOLE_ENTRY[kind]
    kept, unreadable = [], 0
    for one in entries:
        entry = _try(read, bytes(one))
        if entry is not None:
            kept.append(entry)
        elif not _is_extra(kind, bytes(one)):
            unreadable += 1
    return _content(kept, links, _try(_TOTAL, bytes(bundle.total)), unreadable)


def _is_extra(kind: type[Resource], raw: bytes) -> bool:
    """Whether an entry only accompanies the search: another type of resource, included on purpose."""
    stub = _try(_STUB, raw)
    if stub is None or stub.resource is None or stub.search is None:
        return False
    return stub.search.mode == "include" and stub.resource.resourceType not in (None, kind.__name__)


def _try(read: Callable[[bytes], T], raw: bytes) -> T | None:
    try:
        return read(raw)
    except UNREADABLE:
        return None


def _or_empty(read: Callable[[bytes], list[T] | None]) -> Callable[[bytes], list[T]]:
    return lambda raw: read(raw) or []


_WHOLE: dict[type[Resource], Callable[[bytes], Any]] = {
    kind: msgspec.json.Decoder(Bundle[kind] | kind | OperationOutcome | None).decode  # type: ignore[valid-type]
    for kind in KINDS
}
_WHOLE_ENTRY: dict[type[Resource], Callable[[bytes], Any]] = {
    kind: msgspec.json.Decoder(Entry[kind]).decode  # type: ignore[valid-type]
    for kind in KINDS
}
_LOOSE = msgspec.json.Decoder(LooseBundle).decode
_RAWS = _or_empty(msgspec.json.Decoder(list[msgspec.Raw] | None).decode)
_LINKS = _or_empty(msgspec.json.Decoder(list[Link] | None).decode)
_TOTAL = msgspec.json.Decoder(int | None).decode
_STUB = msgspec.json.Decoder(Stub).decode
