"""
Scenario files: groups of scenarios that share what is given.

A file is a YAML stream. Each document holds ``about`` (what the group shows), ``given`` (what its scenarios
share) and ``scenarios``; what a scenario says is laid over what is given, and null takes something away.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.scenarios.compose import merged

HERE = Path(__file__).parent
AT = "2026-11-23T14:00:00Z"
# fmt: off
FIELDS = frozenset((
    "name", "variant", "maybe",  # what it is about: the situations met, and those that may be
    "at", "child", "order", "also", "visit", "hook", "selections", "site",
    "findings", "form", "conditions", "history", "records", "without", "set",
    "cards", "never", "status", "undecided", "incomplete", "unrecognised",  # what is expected
    "known_fault",
))
# fmt: on
CARD_FIELDS = frozenset(["indicator", "summary", "rule", "offers", "changes", "suggestions", "says"])


class _Strict(yaml.CSafeLoader):
    """YAML without duplicate keys, and with dates left as text."""


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[str, Any]:
    loader.flatten_mapping(node)
    keys = [loader.construct_object(key) for key, _ in node.value]
    twice = sorted({str(key) for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"{node.start_mark.name}:{node.start_mark.line + 1}: twice in one mapping: {', '.join(twice)}")
    return dict(loader.construct_pairs(node, deep=True))


_Strict.add_constructor("tag:yaml.org,2002:map", _mapping)
_Strict.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))


def scenarios() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every scenario with the place it stands in: ``head/headache: Its name``."""
    for file in sorted(HERE.rglob("*.yaml")):
        with file.open("rb") as stream:
            for group in yaml.load_all(stream, Loader=_Strict):
                for one in group["scenarios"]:
                    whole = merged({"at": AT, **group.get("given", {})}, one)
                    place = file.relative_to(HERE).with_suffix("").as_posix()
                    yield f"{place}: {whole['name']}", checked(whole, place)


def checked(scenario: dict[str, Any], place: str) -> dict[str, Any]:
    """*scenario*, if it says only what is understood; a misspelt field would prove nothing."""
    odd = sorted(set(scenario) - FIELDS)
    odd += sorted({field for card in scenario.get("cards", ()) for field in set(card) - CARD_FIELDS})
    if odd or "cards" not in scenario:
        raise ValueError(f"{place}: {scenario['name']}: not understood: {', '.join(odd) or 'no cards are expected'}")
    return scenario
