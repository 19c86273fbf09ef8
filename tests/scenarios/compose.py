"""
Builds a whole CDS Hooks request from a few lines of YAML: a child, an order, and what the record holds.

A scenario says ``sign.vomiting: absent``; the request carries an Observation with the code a hospital would
use and ``valueBoolean: false``.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.scenarios.carriers import concept, exam_code
from tests.scenarios.record import PATIENT, SUBJECT, VISIT, Record
from tests.scenarios.times import moment, stamp

ORDER = "draft"
CLASSES = {"ambulatory": "AMB", "emergency": "EMER", "inpatient": "IMP", "observation": "OBSENC"}


def request(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """
    The body of the call that *scenario* describes.

    >>> made = request({"order": {"exam": "CT head"}, "child": {"age": "9 years"}, "at": "2026-03-02T14:00:00Z"})
    >>> made["prefetch"]["patient"]["birthDate"], made["context"]["draftOrders"]["entry"][0]["resource"]["status"]
    ('2017-03-02', 'draft')
    """
    now, hook = moment(scenario["at"]), scenario.get("hook", "order-sign")
    kind = scenario.get("visit", "ambulatory")
    visit = {} if kind == "none" else {"encounter": {"reference": f"Encounter/{VISIT}"}}
    made = {
        "hook": hook,
        "hookInstance": "5f0c1c0e-6d0b-4c0e-9a56-0d5a8a1d1f02",
        "context": {
            "userId": "Practitioner/example",
            "patientId": PATIENT,
            **({"encounterId": VISIT} if visit else {}),
            **(
                {"selections": scenario.get("selections", [f"ServiceRequest/{ORDER}-1"])}
                if hook == "order-select"
                else {}
            ),
            "draftOrders": {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": list(_orders(scenario, visit, now)),
            },
        },
        "prefetch": {**Record(scenario, now, visit).prefetch(), **_encounter(kind)},
    }
    for key in scenario.get("without", ()):
        del made["prefetch"][key]
    made = json.loads(json.dumps(made))  # resources share their subject until here
    for path, value in scenario.get("set", {}).items():
        put(made, path, value)
    return made


def put(made: Any, path: str, value: Any) -> None:
    """
    Set the value at a dotted *path*; the value ``removed`` takes the member away.

    >>> whole = {"a": [{"b": 1}]}
    >>> put(whole, "a.0.b", "removed"); put(whole, "a.0.c", 2); whole
    {'a': [{'c': 2}]}
    """
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        made = made[step]
    if value == "removed":
        del made[last]
    else:
        made[last] = value


def merged(base: Any, change: Any) -> Any:
    """
    *base* with *change* laid over it: mappings member by member, null takes a member away, all else replaces.

    >>> merged({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": 4}})
    {'b': {'c': 4, 'd': 3}}
    """
    if not isinstance(base, dict) or not isinstance(change, dict):
        return copy.deepcopy(change)
    laid = {**base, **{name: merged(base.get(name), value) for name, value in change.items()}}
    return {name: value for name, value in laid.items() if value is not None}


def _encounter(visit: str) -> dict[str, Any]:
    if visit == "none":
        return {}
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": CLASSES[visit]}
    return {
        "encounter": {
            "resourceType": "Encounter",
            "id": VISIT,
            "status": "in-progress",
            "class": kind,
            "subject": SUBJECT,
        }
    }


def _orders(scenario: Mapping[str, Any], visit: Mapping[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    """The draft orders as entries of a Bundle."""
    for place, told in enumerate([scenario["order"], *scenario.get("also", ())], 1):
        yield {"resource": {"resourceType": "ServiceRequest", "id": f"{ORDER}-{place}", **visit, **_order(told, now)}}


def _order(said: dict[str, Any], now: datetime) -> dict[str, Any]:
    reasons = said.get("reason", [])
    made = {
        "status": "draft",
        "intent": "order",
        "category": [concept({"snomed": "363679005", "text": "Imaging"})],
        "priority": said.get("priority", "routine"),
        "code": exam_code(said),
        "subject": SUBJECT,
        "requester": {"reference": "Practitioner/example"},
        "authoredOn": stamp(now - timedelta(minutes=1)),
        "reasonCode": [concept(one) for one in (reasons if isinstance(reasons, list) else [reasons])],
        "reasonReference": [{"reference": f"Condition/{one}"} for one in said.get("because_of", ())],
        "bodySite": [concept(said["site"])] if "site" in said else [],
        "orderDetail": [concept(said["detail"])] if "detail" in said else [],
        "note": [{"text": said["note"]}] if "note" in said else [],
    }
    return {name: value for name, value in made.items() if value != []}
