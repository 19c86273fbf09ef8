"""Hook requests for tests: one whole call, and changes to it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

ORDER = {
    "resourceType": "ServiceRequest",
    "id": "draft-1",
    "status": "draft",
    "intent": "order",
    "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "70450"}], "text": "CT head"},
    "subject": {"reference": "Patient/kid-1"},
}


def order(**changes: Any) -> dict[str, Any]:
    """An order with members changed; None takes a member away."""
    return {name: value for name, value in {**ORDER, **changes}.items() if value is not None}


def call(*orders: Any, hook: str = "order-sign", **context: Any) -> dict[str, Any]:
    """One whole call about *orders* (one CT head by default)."""
    entries = [{"resource": one} for one in (orders or (ORDER,))]
    given = {
        "userId": "Practitioner/dr-1",
        "patientId": "kid-1",
        "encounterId": "visit-1",
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": entries},
    }
    if hook == "order-select":
        given["selections"] = [f"ServiceRequest/{one.get('id', '')}" for one in orders or (ORDER,)]
    return {
        "hook": hook,
        "hookInstance": "5f0c1c0e-6d0b-11ef-9a56-0d5a8a1d1f02",
        "context": {name: value for name, value in {**given, **context}.items() if value is not None},
        "prefetch": {"patient": {"resourceType": "Patient", "id": "kid-1", "birthDate": "2016-05-02"}, "priors": None},
    }


def body(*orders: Any, but: Callable[[Any], Any] | None = None, **context: Any) -> bytes:
    """The bytes of a call, after *but* has changed it."""
    request = copy.deepcopy(call(*orders, **context))
    if but is not None:
        but(request)
    return json.dumps(request).encode()
