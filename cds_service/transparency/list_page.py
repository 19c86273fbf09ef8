"""The page of all rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cds_service.transparency.html import Html, document, tag
from cds_service.transparency.rule_page import foot, pill, section
from cds_service.transparency.style import STYLE

_GROUPS: Final = {
    "appropriateness": ("topics", "Which exam for which question"),
    "check": ("checks", "The order itself"),
    "safety": ("safety", "What may silence, soften or take away advice"),
    "definition": ("definitions", "Facts put together from others"),
}


def list_page(told: Mapping[str, Any]) -> str:
    """The page of what all rules *told*."""
    rules = told["rules"]
    groups = [(name, title, [one for one in rules if one["kind"] == kind]) for kind, (name, title) in _GROUPS.items()]
    filled = [one for one in groups if one[2]]
    links = tag("ul", *(tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in filled))
    jump = tag("nav", links, class_="jump", aria_label="On this page")
    head = tag("header", tag("h1", "The rules behind the imaging advice for children"), *_lead(rules, told), jump)
    parts = (section(name, title, [_lines(some)]) for name, title, some in filled)
    return document("Rules · imaging advice for children", head, tag("main", *parts), foot(told), style=STYLE)


def _lead(rules: Sequence[Mapping[str, Any]], told: Mapping[str, Any]) -> Iterator[Html]:
    yield tag(
        "p",
        "Each rule says what it does, for whom, from which source, where it ends, who made it and how it was tested. "
        "Advice informs; the decision stays the clinician's.",
        class_="lead",
    )
    unseen = sum(not one["review"]["byClinician"] for one in rules)
    if unseen:
        which = "None of these rules has" if unseen == len(rules) else f"{unseen} of these {len(rules)} rules have not"
        yield tag("p", f"{which} been reviewed by a clinician yet.", class_="note")
    if told["problems"]:
        yield tag("p", "The last edit of the rules was refused; what is shown is what is in force.", class_="note")


def _lines(rules: Sequence[Mapping[str, Any]]) -> Html:
    return tag("ul", *(tag("li", tag("span", *_name(one)), *_state(one)) for one in rules), class_="list")


def _name(one: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("a", one["title"], href=f"rules/{one['id']}")
    changed = ", changed by this hospital" if one["changedBySite"] else ""
    yield tag("br")
    yield tag("small", f"{one['id']}, version {one['version']}{changed}")


def _state(one: Mapping[str, Any]) -> Iterator[Html]:
    yield tag("ul", pill(one["status"], in_force=one["inForce"]), class_="pills")
