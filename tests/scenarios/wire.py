"""What every client relies on in every answer, whatever it says."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from fhir.resources.R4B.communicationrequest import CommunicationRequest as Message
from fhir.resources.R4B.servicerequest import ServiceRequest as Valid


def check_card(card: Mapping[str, Any]) -> None:
    """The card keeps the rules of CDS Hooks."""
    assert 0 < len(card["summary"]) < 140
    assert card["indicator"] in ("info", "warning")
    assert card["source"]["label"]
    assert card["source"]["topic"]["code"] and card["source"]["topic"]["system"]
    uuid.UUID(card["uuid"][:36])
    suggestions = card.get("suggestions", [])
    assert bool(suggestions) == ("selectionBehavior" in card)
    assert len(suggestions) <= 3
    assert sum(one.get("isRecommended", False) for one in suggestions) <= 1
    assert len({one["label"] for one in suggestions}) == len(suggestions)
    for one in suggestions:
        assert one["actions"]
        uuid.UUID(one["uuid"])


def check_suggestion(actions: list[dict[str, Any]], orders: Mapping[str, Any]) -> None:
    """Its actions can be done as they stand: the draft is named, and an order that is written is whole and valid."""
    if [one["resource"]["resourceType"] for one in actions if "resource" in one] == ["CommunicationRequest"]:
        check_message(actions[0], *orders.values())
        return
    (named,) = {
        one.get("resourceId", "").removeprefix("ServiceRequest/") or one["resource"]["id"] for one in aimed(actions)
    }
    draft = orders[named]
    for action in actions:
        assert action["description"]
        assert ("resource" in action) == (action["type"] != "delete")
        if action["type"] != "delete":
            check_order(action["resource"], draft, new=action["type"] == "create")


def check_message(action: dict[str, Any], *drafts: Mapping[str, Any]) -> None:
    """The message is valid, about the child of the orders, and goes to somebody."""
    message = action["resource"]
    Message.model_validate(message)
    assert (action["type"], message["status"]) == ("create", "draft")
    assert message["subject"] in [draft["subject"] for draft in drafts]
    assert message["recipient"] and message["payload"][0]["contentString"]


def aimed(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The actions that change or remove the draft."""
    return [one for one in actions if one["type"] in ("delete", "update")]


def check_order(order: dict[str, Any], draft: Mapping[str, Any], *, new: bool) -> None:
    """The order is valid, a draft, and differs from *draft* only in what was to be changed."""
    Valid.model_validate(order)
    assert (order["status"], order["intent"]) == ("draft", "order")
    changed = {"code", "id", "authoredOn", "category"} if new else {"reasonCode", "note"}
    same = {name for name in {*order, *draft} - changed if order.get(name) == draft.get(name)}
    assert {*order, *draft} - changed == same
    assert new == ("id" not in order)


def actions_of(card: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every action of every suggestion."""
    for suggestion in card.get("suggestions", ()):
        yield from suggestion["actions"]


def empty_members(value: Any, path: str = "") -> Iterator[str]:
    """Where something empty stands, which FHIR and many clients refuse."""
    if value is None or value in ("", [], {}):
        yield path
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from empty_members(one, f"{path}.{name}")
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from empty_members(one, f"{path}.{place}")
