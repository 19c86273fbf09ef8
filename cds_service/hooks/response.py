"""The CDS Hooks response, field for field (2.0.1). Members without a value are left out of the JSON."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Wire(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """A struct on the wire; a member at its default is not sent."""


class Coding(Wire):
    """CDS Hooks Coding: code and system required."""

    code: str
    system: str
    display: str | None = None


class Source(Wire):
    """Where the advice comes from. ``topic.code`` is alphanumeric and stable per rule."""

    label: str
    url: str | None = None
    topic: Coding | None = None


class Action(Wire):
    """One change. Exactly one of ``resource`` (create, update) and ``resourceId`` (delete)."""

    type: Literal["create", "update", "delete"]
    description: str
    resource: dict[str, Any] | None = None
    resourceId: str | None = None


class Suggestion(Wire):
    """Changes that belong together."""

    label: str
    uuid: str
    actions: list[Action]
    isRecommended: bool | None = None


class Link(Wire):
    """A link; absolute or SMART."""

    label: str
    url: str
    type: Literal["absolute", "smart"]


class Card(Wire):
    """One card. ``summary`` has fewer than 140 characters; ``detail`` is GitHub Flavored Markdown."""

    uuid: str
    summary: str
    indicator: Literal["info", "warning", "critical"]
    source: Source
    detail: str | None = None
    suggestions: list[Suggestion] | None = None
    selectionBehavior: Literal["at-most-one", "any"] | None = None
    overrideReasons: list[Coding] | None = None
    links: list[Link] | None = None
    extension: dict[str, Any] | None = None


class HookResponse(msgspec.Struct, kw_only=True):
    """A service's answer; ``cards`` is always present, also when empty."""

    cards: list[Card]
    systemActions: list[Action] | msgspec.UnsetType = msgspec.UNSET
    extension: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
