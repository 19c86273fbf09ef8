"""Everything a rule tells of itself, as plain data: what ``GET /rules/{id}`` gives and what its page shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from cds_service.content import Content
from cds_service.findings import Citation
from cds_service.rules.rule import Check, Definition, Rule, Safety, Threshold, Topic, Variant
from cds_service.transparency.asked import asked
from cds_service.transparency.attributes import attributes, every_source, released
from cds_service.vocabulary.exams import Exam

CHECKED: Final = {
    "verified-in-text": "Read in the published text.",
    "verified-in-secondary-text": "Read in a text that reports it, not in the original.",
    "verified-by-computation": "Worked out again from its data.",
    "from-memory": "Not read again yet; such a rule stays a draft, is silent, or can only take advice away.",
}
"""How the facts taken from a source were checked, by the word in ``rules/sources.yaml``."""

KINDS: Final = {
    "appropriateness": "Topic",
    "check": "Check",
    "safety": "Safety rule",
    "definition": "Definition",
}


def brief(rule: Rule, content: Content) -> dict[str, Any]:
    """One line of the list of rules."""
    return {
        "id": rule.id,
        "kind": rule.kind,
        "title": rule.title,
        "version": rule.version,
        "status": rule.status,
        "inForce": rule not in content.rules.dormant,
        "changedBySite": rule.choice is not None,
        "review": review(rule, content),
        "sources": [one.id for one in every_source(rule)],
    }


def sheet(rule: Rule, content: Content) -> dict[str, Any]:
    """All of it."""
    about = rule.about
    return {
        **brief(rule, content),
        "effective": {"from": str(rule.effective_from), "to": str(rule.effective_to) if rule.effective_to else None},
        "whatItDoes": rule.rationale,
        "intendedUse": about.intended_use,
        "users": about.users,
        "population": about.population,
        "role": about.role,
        "output": about.output,
        "basis": about.basis,
        "cautions": list(about.cautions),
        "limits": list(about.limits),
        **_logic(rule, content),
        "facts": _facts(rule, content),
        "thresholds": [_threshold(one) for one in rule.thresholds.values()],
        "siteChoice": {**rule.choice._asdict()} if rule.choice else None,
        "sources": [_source(one) for one in every_source(rule)],
        "developer": about.developer,
        "funding": about.funding,
        "released": released(rule),
        "changes": [dict(change) for change in rule.changes],
        "testing": about.testing,
        "examples": [{"name": one.name, "expect": one.expect} for one in rule.examples],
        "upkeep": about.upkeep,
        "interventionType": "predictive" if about.predictive else "evidence-based",
        "sourceAttributes": attributes(rule, content),
        "predictiveSourceAttributes": dict(about.predictive) if about.predictive else None,
        "content": {"digest": content.digest, "day": str(content.day)},
    }


def review(rule: Rule, content: Content) -> dict[str, Any]:
    """Who looked at it and when, whether that was a clinician, and whether it is due again."""
    return {
        "last": rule.review_last,
        "due": str(rule.review_due),
        "by": rule.review_by,
        "byClinician": rule.review_by not in content.about.not_clinicians,
        "overdue": rule.review_due < content.day,
    }


def _logic(rule: Rule, content: Content) -> dict[str, Any]:
    if isinstance(rule, Topic):
        return {
            "reasons": _labels(rule.reasons, content),
            "situations": [_situation(one, content) for one in rule.variants],
            "silentWhen": [one.because for one in rule.unless],
            "whenUnknown": rule.if_unknown,
        }
    if isinstance(rule, Check):
        said = " ".join(filter(None, (rule.situation, rule.because)))
        return {
            "says": said,
            "advice": rule.advice.value,
            "silentWhen": [one.because for one in rule.unless],
            "whenUnknown": rule.if_unknown,
        }
    if isinstance(rule, Safety):
        return {"says": rule.because, "effect": list(_effects(rule)), "whenUnknown": _unknown(rule)}
    assert isinstance(rule, Definition)
    return {"fact": rule.fact, "says": rule.meaning, "values": [case.value for case in rule.cases]}


def _labels(reasons: Iterable[str], content: Content) -> list[str]:
    return sorted(content.reasons.reasons[one].label for one in reasons)


def _unknown(rule: Safety) -> str:
    return "acts" if rule.unknown_acts else "does not act"


def _effects(rule: Safety) -> Iterator[str]:
    effect = rule.effect
    if effect.silence:
        everything = len(effect.silence) == len(type(next(iter(effect.silence))))
        yield "silences " + ("all advice" if everything else ", ".join(sorted(one.value for one in effect.silence)))
    if effect.remove:
        yield "takes away " + ", ".join(map(str, effect.remove))
    if effect.soften:
        yield "makes a warning an information"
    if effect.limit:
        yield f"says beside it: {effect.limit}"


def _situation(one: Variant, content: Content) -> dict[str, Any]:
    ratings: dict[str, list[dict[str, str]]] = {}
    for row in one.rows:
        ratings.setdefault(row.rating.words, []).append(_exam(row.exam, content))
    return {
        "id": one.id,
        "situation": one.situation,
        "source": one.citation.id,
        "cite": one.citation.cite,
        "ratings": ratings,
        "noImaging": one.no_imaging or None,
        "preferences": [
            {
                "prefer": [_exam(exam, content) for exam in each.prefer],
                "over": [_exam(exam, content) for exam in each.over],
                "because": each.because,
                "source": each.citation.id,
            }
            for each in one.preferences
        ],
    }


def _exam(exam: Exam, content: Content) -> dict[str, str]:
    return {"exam": str(exam), "name": content.orders.say(exam)}


def _facts(rule: Rule, content: Content) -> list[dict[str, Any]]:
    defined = {one.fact: one.id for one in content.rules.definitions}
    return [
        {
            "name": name,
            "meaning": content.facts[name].meaning,
            "unit": content.facts[name].unit or None,
            "absent": content.facts[name].absent,
            "definedBy": defined.get(name),
        }
        for name in sorted(asked(rule))
        if name in content.facts
    ]


def _threshold(one: Threshold) -> dict[str, Any]:
    allowed = [str(one.low), str(one.high)] if one.low is not None else None
    shipped = str(one.shipped) if one.shipped is not None else None
    return {
        "name": one.name,
        "value": str(one.value),
        "shipped": shipped,
        "allowed": allowed,
        "meaning": one.meaning,
    }


def _source(one: Citation) -> dict[str, Any]:
    told = {
        "id": one.id,
        "cite": one.cite,
        "authors": one.authors,
        "publisher": one.publisher,
        "journal": one.journal,
        "year": one.year,
        "doi": one.doi,
        "url": one.url,
        "supports": one.supports,
        "checked": CHECKED.get(one.confidence, ""),
        "note": one.note,
    }
    return {name: value for name, value in told.items() if value}


def sorted_rules(content: Content) -> list[Rule]:
    """Every rule, drafts and retired ones too, as their files stand in the folders."""
    return sorted(content.rules.rules, key=lambda rule: rule.file)
