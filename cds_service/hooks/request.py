"""
The CDS Hooks request, field for field, read leniently.

Resources stay raw bytes until somebody asks for them: an order when it is judged,
a prefetch value when a fact needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, NamedTuple

import msgspec

Raw = bytes
"""One JSON value, exactly as it came."""


class Authorization(NamedTuple):
    """``fhirAuthorization``: what lets us read from the client's FHIR server. Never logged."""

    access_token: str
    token_type: str = "Bearer"
    scope: str = ""
    patient: str | None = None


class DraftOrder(NamedTuple):
    """One order under judgement: its ``Type/id`` reference and its JSON, untouched; ``resource`` is what that says."""

    reference: str
    raw: Raw
    resource: Mapping[str, Any]


class HookContext(NamedTuple):
    """The hook's context; ``orders`` are the ServiceRequests to judge, ``others`` the rest of draftOrders."""

    user_id: str
    patient_id: str
    encounter_id: str | None
    orders: tuple[DraftOrder, ...]
    others: tuple[Raw, ...] = ()


class HookRequest(NamedTuple):
    """One call. ``prefetch`` maps each key that came to its JSON; a null value is kept as ``b"null"``."""

    hook: str
    hook_instance: str
    context: HookContext
    prefetch: dict[str, Raw]
    fhir_server: str | None = None
    authorization: Authorization | None = None


def plain(raw: Raw) -> object:
    """
    The JSON value as plain Python, when a whole resource is needed (to copy an order).

    In FHIR ``1.50`` is not ``1.5``: decimals keep the digits they came with. Raises msgspec.DecodeError.

    >>> plain(b'{"value": 1.50}')
    {'value': Decimal('1.50')}
    """
    return _PLAIN(raw)


def _decimal(text: str) -> Decimal:
    """The number *text* with its digits; msgspec.DecodeError when it is beyond what programs hold."""
    try:
        if isfinite(float(text)):
            return Decimal(text)
    except ArithmeticError:
        pass
    raise msgspec.DecodeError("number out of range")


_PLAIN = msgspec.json.Decoder(float_hook=_decimal).decode
