"""
The bytes of one hook call become one HookRequest, or a MalformedRequest that names the member.

Strict where a mistake could bend a judgement (the patient, the hook, which orders),
lenient everywhere else: unknown members are ignored, odd orders are set aside. An
order is judged only when it is an order for this patient that still asks for something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from cds_service.errors import MalformedRequest
from cds_service.hooks.request import Authorization, DraftOrder, HookContext, HookRequest, Raw, plain
from cds_service.hooks.strict_json import check_depth, decode

MAX_ORDERS = 200
"""More orders in one call are no clinician's signature."""

MAX_ENTRIES = 2_000
"""More drafts of any kind in one call are none either."""

MAX_KEYS = 1_000
"""More prefetch keys than anybody was asked for."""

NOT_JUDGED = frozenset({"entered-in-error", "revoked", "cancelled", "completed"})
"""Statuses of orders that no longer ask for anything. Active ones may be signed again, so they are judged."""

_MODIFIERS = ("modifierExtension", "implicitRules", "_doNotPerform")
_SUBJECTS = frozenset({"Patient", "Group", "Device", "Location"})
"""What an order may be for."""

_ID = re.compile(r"[A-Za-z0-9._\-]{1,256}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


class _Entry(msgspec.Struct, gc=False):
    fullUrl: str | None = None
    resource: msgspec.Raw = msgspec.Raw()


class _Bundle(msgspec.Struct, gc=False):
    entry: list[_Entry | None] | None = None


class _Context(msgspec.Struct, gc=False):
    userId: str | None = None
    patientId: str | None = None
    encounterId: str | None = None
    draftOrders: _Bundle | None = None
    selections: list[str | None] | None = None


class _Envelope(msgspec.Struct, gc=False):
    hook: str | None = None
    hookInstance: str | None = None
    context: _Context | None = None
    fhirServer: str | None = None
    fhirAuthorization: dict[str, Any] | None = None
    prefetch: dict[str, msgspec.Raw] | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)


class _Order(NamedTuple):
    """An entry of draftOrders: its reference or "", its fullUrl or "", its resource."""

    reference: str
    url: str
    raw: Raw


def parse(body: bytes, *, service_hook: str) -> HookRequest:
    """
    Read one call of a service whose hook is *service_hook*.

    Raises MalformedRequest, whose message names the member and never repeats a value:
    a request holds patient data and tokens, and answers end up in logs.
    """
    envelope = decode(body, _ENVELOPE, count_levels=False)
    hook = _present(envelope.hook, "hook")
    if hook != service_hook:
        raise MalformedRequest(f"hook is not {service_hook}, which this service is for.")
    if envelope.context is None:
        raise MalformedRequest("context is missing.")
    if envelope.prefetch and len(envelope.prefetch) > MAX_KEYS:
        raise MalformedRequest(f"prefetch holds more than {MAX_KEYS} keys.")
    return HookRequest(
        hook=hook,
        hook_instance=_present(envelope.hookInstance, "hookInstance"),
        context=_context(envelope.context, selected_only=hook == "order-select"),
        prefetch={key: bytes(value) for key, value in (envelope.prefetch or {}).items()},
        fhir_server=envelope.fhirServer or None,
        authorization=_authorization(envelope.fhirAuthorization),
    )


def _context(context: _Context, *, selected_only: bool) -> HookContext:
    user_id = _present(context.userId, "context.userId")
    patient_id = _bare_id(_present(context.patientId, "context.patientId"), "context.patientId")
    encounter_id = _bare_id(context.encounterId, "context.encounterId") if context.encounterId else None
    if context.draftOrders is None:
        return HookContext(user_id, patient_id, encounter_id, ())
    if selected_only and context.selections is None:
        raise MalformedRequest("context.selections is missing.")
    selected = _selected(context.selections or ()) if selected_only else None
    entries = context.draftOrders.entry or ()
    if len(entries) > MAX_ENTRIES:
        raise MalformedRequest(f"context.draftOrders holds more than {MAX_ENTRIES} entries.")
    orders, others = _sorted_out(entries, patient_id, selected)
    return HookContext(user_id, patient_id, encounter_id, orders, others)


def _present(value: str | None, member: str) -> str:
    if not value:
        raise MalformedRequest(f"{member} is missing.")
    return value


def _bare_id(value: str, member: str) -> str:
    """*value*, when it can stand in a FHIR path as it is; vendors' ids are longer than FHIR allows."""
    if not _ID.fullmatch(value) or not value.strip("."):
        raise MalformedRequest(f"{member} is not the id of a resource.")
    return value


def _authorization(given: dict[str, Any] | None) -> Authorization | None:
    """The bearer token, when there is one that can stand in a header; a token is no reason to refuse advice."""
    token = given.get("access_token") if given else None
    if given is None or not isinstance(token, str) or not _TOKEN.fullmatch(token):
        return None
    return Authorization(
        token,
        _text(given.get("token_type")) or "Bearer",
        _text(given.get("scope")),
        _text(given.get("patient")) or None,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _sorted_out(
    entries: Iterable[_Entry | None], patient_id: str, selected: frozenset[str] | None
) -> tuple[tuple[DraftOrder, ...], tuple[Raw, ...]]:
    """The orders to judge, and the rest of what is this patient's."""
    orders: list[DraftOrder] = []
    others: list[Raw] = []
    for entry in entries:
        if entry is None:
            continue
        raw = bytes(entry.resource)
        check_depth(raw)
        resource = _resource(raw)
        if resource is None or _of_another(resource, patient_id):
            continue
        url = entry.fullUrl or ""
        reference = _reference(resource, url)
        if _asks(resource) and (selected is None or reference in selected or url in selected):
            orders.append(DraftOrder(reference, raw, resource))
        else:
            others.append(raw)
    if len(orders) > MAX_ORDERS:
        raise MalformedRequest(f"context.draftOrders holds more than {MAX_ORDERS} orders.")
    return tuple(orders), tuple(others)


def _resource(raw: Raw) -> dict[str, Any] | None:
    """The resource as plain JSON; None when it is no object or holds what no program can hold."""
    try:
        resource = plain(raw)
    except msgspec.DecodeError:
        return None
    return resource if isinstance(resource, dict) else None


def _asks(resource: dict[str, Any]) -> bool:
    """
    Whether this is an order that asks for something in words we can be sure of.

    A modifier extension, or rules of somebody's own, may turn its meaning round, so such an order is not judged.
    """
    status = resource.get("status")
    return (
        resource.get("resourceType") == "ServiceRequest"
        and not (isinstance(status, str) and status in NOT_JUDGED)
        and resource.get("doNotPerform") in (None, False)
        and not any(resource.get(modifier) for modifier in _MODIFIERS)
    )


def _of_another(resource: dict[str, Any], patient_id: str) -> bool:
    """Whether the resource names a subject that is not this patient."""
    subject = resource.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    kind, found = _type_and_id(reference) if isinstance(reference, str) else ("", "")
    return kind in _SUBJECTS and (kind, found) != ("Patient", patient_id)


def _reference(resource: dict[str, Any], url: str) -> str:
    """``Type/id`` of an entry, from its id or else its fullUrl; "" when neither tells."""
    kind, own = resource.get("resourceType"), resource.get("id")
    if not isinstance(kind, str):
        return ""
    if isinstance(own, str) and _ID.fullmatch(own):
        return f"{kind}/{own}"
    named, found = _type_and_id(url)
    return f"{kind}/{found}" if named == kind and _ID.fullmatch(found) else ""


def _selected(selections: Iterable[str | None]) -> frozenset[str]:
    """The names an order may be selected by: its reference, or the very URL of its entry."""
    names: set[str] = set()
    for selection in selections:
        if selection:
            kind, found = _type_and_id(selection)
            names.update((selection, f"{kind or 'ServiceRequest'}/{found}"))
    return frozenset(names)


def _type_and_id(reference: str) -> tuple[str, str]:
    """
    Type and id a reference ends with; no type when it has none.

    >>> _type_and_id("https://ehr.example/r4/ServiceRequest/7/_history/2")
    ('ServiceRequest', '7')
    >>> _type_and_id("7")
    ('', '7')
    """
    path, _, _ = reference.partition("/_history/")
    front, _, found = path.rpartition("/")
    return front.rpartition("/")[2], found
