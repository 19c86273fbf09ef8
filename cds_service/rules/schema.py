"""
The JSON Schema of rule files, made from the vocabulary.

It gives completion and red underlines in any editor. What a schema can't say (names that
must exist, examples that must hold) is said when the rules are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cds_service.findings import Advice
from cds_service.rules.about import LISTS, TEXTS
from cds_service.rules.criteria import GROUPS
from cds_service.rules.metadata import CHOICES, KINDS, ROLES, STATUSES
from cds_service.rules.predictive import PREDICTIVE
from cds_service.rules.ratings import RATING_WORDS
from cds_service.rules.reader import CHECK_EXPECTS, SAFETY_EXPECTS, TOPIC_EXPECTS
from cds_service.vocabulary.facts import Fact, Kind

TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
NUMBER_OR_TEXT: dict[str, Any] = {"type": ["string", "number"]}
ANYTHING: dict[str, Any] = {}


def _block(properties: Mapping[str, Any], required: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
        **more,
    }


def _some(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"anyOf": [dict(item), {"type": "array", "items": dict(item)}]}


def _limits(*comparisons: str) -> dict[str, Any]:
    return _block({one: {**TEXT, "description": "the name of a threshold"} for one in comparisons}, minProperties=1)


def condition(fact: Fact) -> dict[str, Any]:
    """The schema of one line of a block: what may be asked of *fact*."""
    words: dict[str, Any] = {"enum": sorted(fact.choices)} if fact.choices else TEXT
    shape: dict[Kind, dict[str, Any]] = {
        Kind.FLAG: {"enum": ["present", "absent"]},
        Kind.CHOICE: _some(words),
        Kind.NAMES: _some(words),
        Kind.NUMBER: _limits("below", "at_most", "above", "at_least"),
        Kind.AGE: _limits("below", "at_least"),
        Kind.PRIORS: {
            "anyOf": [
                {"enum": ["none", "some"]},
                _block({"within": TEXT, "result": {"enum": ["positive", "negative", "nondiagnostic"]}}),
            ]
        },
    }
    unit = f" In {fact.unit}." if fact.unit else ""
    return {**shape[fact.kind], "description": f"{fact.meaning}{unit} Absent: {fact.absent}."}


def rule_schema(facts: Mapping[str, Fact], override_reasons: Iterable[str]) -> dict[str, Any]:
    """The schema of every rule file."""
    block = {"$ref": "#/$defs/block"}
    exams = _some(TEXT)
    facts = {name: fact for name, fact in facts.items() if not fact.told_only}
    lines = {name: {"$ref": f"#/$defs/facts/{name}"} for name in sorted(facts)}
    groups = {group: {"type": "array", "items": block, "minItems": 1} for group in GROUPS}
    exception = {
        "type": "object",
        "properties": {**lines, **groups, "because": TEXT, "unknown": {"enum": ["blocks", "ignored"]}},
        "required": ["because"],
        "additionalProperties": False,
    }
    logic = {"unless": {"type": "array", "items": exception}}
    card = _card(override_reasons)
    kinds = {
        "appropriateness": _topic(block, exams, card, logic),
        "check": _check(block, exams, card, logic),
        "safety": _safety(block),
        "definition": _definition(block),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rule of the pediatric imaging service",
        "type": "object",
        "properties": {"kind": {"enum": list(KINDS)}},
        "required": ["kind"],
        "oneOf": list(kinds.values()),
        "$defs": {
            "facts": {name: condition(fact) for name, fact in sorted(facts.items())},
            "block": {**_block({**lines, **groups}), "description": "All lines hold; a list is any of its values."},
        },
    }


def _common(kind: str, expects: Iterable[str]) -> dict[str, Any]:
    example = _block(
        {
            "name": TEXT,
            "order": TEXT,
            "facts": {"type": "object"},
            "but": {"type": "object"},
            "advice": TEXT,
            "expect": {"enum": list(expects)},
            "offers": _some(TEXT),
            "never_offers": _some(TEXT),
        },
        ["name", "expect"],
    )
    bounds = {"type": "array", "minItems": 2, "maxItems": 2, "description": "what a site may choose instead"}
    threshold = _block({"value": ANYTHING, "allowed": bounds, "meaning": TEXT}, ["value", "meaning"])
    predictive = _block({name: {**TEXT, "description": asked} for name, asked in PREDICTIVE.items()}, PREDICTIVE)
    change = _block(
        {"version": NUMBER_OR_TEXT, "on": ANYTHING, "by": TEXT, "change": TEXT}, ["version", "on", "by", "change"]
    )
    return {
        "id": {**TEXT, "description": "the same as the file's name"},
        "kind": {"const": kind},
        "title": TEXT,
        "status": {"enum": list(STATUSES)},
        "version": NUMBER_OR_TEXT,
        "effective": _block({"from": ANYTHING, "to": ANYTHING}, ["from"]),
        "review": _block({"last": ANYTHING, "due": ANYTHING, "by": TEXT}, ["last", "due", "by"]),
        "rationale": TEXT,
        "sources": {"type": "array", "minItems": 1, "items": {"anyOf": [TEXT, _block({"id": TEXT, "supports": TEXT})]}},
        "thresholds": {"type": "object", "additionalProperties": threshold},
        "examples": {"type": "array", "items": example, "minItems": 1},
        "about": _block({**dict.fromkeys(TEXTS, TEXT), **dict.fromkeys(LISTS, _some(TEXT)), "predictive": predictive}),
        "changes": {"type": "array", "items": change, "minItems": 1},
    }


_REQUIRED = (
    "id",
    "kind",
    "title",
    "status",
    "version",
    "effective",
    "review",
    "rationale",
    "sources",
    "examples",
    "changes",
)


def _card(override_reasons: Iterable[str]) -> dict[str, Any]:
    reasons = {"type": "array", "items": {"enum": sorted(override_reasons)}}
    return _block(
        {"indicator": {"enum": ["info", "warning"]}, "situation": TEXT, "because": TEXT, "override_reasons": reasons}
    )


def _topic(block: Any, exams: Any, card: Any, logic: Mapping[str, Any]) -> dict[str, Any]:
    preference = _block({"prefer": exams, "over": exams, "source": TEXT, "because": TEXT}, ["prefer", "over", "source"])
    variant = _block(
        {
            "id": TEXT,
            "situation": TEXT,
            "when": block,
            "follows": TEXT,
            "source": TEXT,
            "ratings": _block(dict.fromkeys(RATING_WORDS, exams)),
            "no_imaging": TEXT,
            "not_needed": exams,
            "preferences": {"type": "array", "items": preference},
            "may_overlap": _some(TEXT),
            "yields_to": _some(TEXT),
        },
        ["id", "situation", "source"],
    )
    own = {
        "applies_to": block,
        "variants": {"type": "array", "items": variant, "minItems": 1},
        "if_unknown": {"enum": ["silence", "ask"]},
        "questions": {"type": "object", "additionalProperties": TEXT},
        "card": card,
    }
    return _block({**_common("appropriateness", TOPIC_EXPECTS), **logic, **own}, [*_REQUIRED, "applies_to", "variants"])


def _check(block: Any, exams: Any, card: Any, logic: Mapping[str, Any]) -> dict[str, Any]:
    activity = _block({"per_kg": _some(TEXT), "least": TEXT, "most": TEXT}, ["per_kg", "least"])
    level = _block({"exam": TEXT, "when": block, "text": TEXT, "activity": activity}, ["exam", "text"])
    wanted = _block({"reasons": _some(TEXT), "contrast": {"enum": ["with", "without"]}, "source": TEXT})
    own = {
        "applies_to": block,
        "when": block,
        "advice": {"enum": [advice.value for advice in Advice]},
        "alternatives": exams,
        "cancel": {"type": "boolean"},
        "offers": _some(TEXT),
        "levels": {"type": "array", "items": level},
        "wanted": {"type": "array", "items": wanted},
        "note": TEXT,
        "ask": {"enum": list(ROLES)},
        "if_unknown": {"enum": ["silence"]},
        "card": card,
    }
    return _block({**_common("check", CHECK_EXPECTS), **logic, **own}, [*_REQUIRED, "when", "advice", "card"])


def _safety(block: Any) -> dict[str, Any]:
    effect = _block({"silence": _some(TEXT), "remove": _some(TEXT), "soften": {"const": "info"}, "limit": TEXT})
    choice = _block({name: {"enum": list(words)} for name, words in CHOICES.items()})
    acts = {"enum": ["acts", "ignored"]}
    own = {"site_choice": choice, "when": block, "unknown": acts, "effect": effect, "because": TEXT}
    return _block({**_common("safety", SAFETY_EXPECTS), **own}, [*_REQUIRED, "when", "effect", "because"])


def _definition(block: Any) -> dict[str, Any]:
    case = _block({"value": NUMBER_OR_TEXT, "when": block}, ["value", "when"])
    own = {"fact": TEXT, "meaning": TEXT, "when": block, "values": {"type": "array", "items": case}}
    common = _common("definition", ())
    common["examples"]["items"]["properties"]["expect"] = TEXT
    return _block({**common, **own}, [*_REQUIRED, "fact", "meaning"])
