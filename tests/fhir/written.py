"""Resources and calls as tests write them."""

from __future__ import annotations

import json
from typing import Any

from cds_service.hooks.request import Authorization, HookContext, HookRequest

CHILD = {"resourceType": "Patient", "id": "p", "birthDate": "2017-05-04"}
SERVER = "https://ehr.example/r4"


def request(
    *,
    encounter_id: str | None = "e",
    patient_id: str = "p",
    server: str | None = SERVER,
    authorization: Authorization | None = None,
    **prefetch: Any,
) -> HookRequest:
    """A call about patient p with *prefetch*; bytes are taken as they are."""
    sent = {key: value if isinstance(value, bytes) else json.dumps(value).encode() for key, value in prefetch.items()}
    context = HookContext("Practitioner/1", patient_id, encounter_id, ())
    return HookRequest("order-sign", "i", context, sent, server, authorization)


def observation(name: str = "o1", subject: Any = "Patient/p", **more: Any) -> dict[str, Any]:
    """An Observation about *subject*: a reference, a whole element, or nobody."""
    element = {"reference": subject} if isinstance(subject, str) else subject
    about = {"subject": element} if element is not None else {}
    return {"resourceType": "Observation", "id": name, **about, **more}


def outcome(severity: str | None = "warning", code: str | None = "processing") -> dict[str, Any]:
    """An OperationOutcome with one issue."""
    issue = {"severity": severity, "code": code}
    return {"resourceType": "OperationOutcome", "issue": [{k: v for k, v in issue.items() if v}]}


def bundle(*resources: Any, **more: Any) -> bytes:
    """A Bundle of *resources*; None makes an entry without one."""
    entries = [{"resource": resource} if resource is not None else {} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "entry": entries, **more}).encode()
